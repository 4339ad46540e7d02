//! A request has a deadline by the law's calendar: what is overdue comes first and sets off an alarm, is not extended, and leaves
//! the list when it is withdrawn; who asked and why stands in the certificate.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::certificate;
use tests::world::World;

use crate::alarms::alarms;
use crate::stopped::{define, tick};

/// Asks to erase somebody who asked so many days ago.
async fn ask(world: &World, days: i64, more: Value) -> Result<String> {
    let received = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let mut body = json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["planted-ada"],
                           "receivedAt": received });
    body.as_object_mut().context("an object")?.extend(more.as_object().context("an object")?.clone());
    let answer = world.stack.api.post("/regulations", &body).await?;
    Ok(answer["data"]["regulateId"].as_str().with_context(|| format!("{answer}"))?.to_owned())
}

async fn extend(world: &World, id: &str, reason: &str) -> Result<(u16, Value)> {
    let path = format!("/regulations/{id}/extension");
    let (status, answer) =
        world.stack.api.send(Method::POST, &path, Some(&json!({ "reason": reason }))).await?;
    Ok((status.as_u16(), answer))
}

/// The ids of the list of deadlines, page by page.
async fn urgent(world: &World) -> Result<Vec<String>> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/regulations?sort=dueAt&pagination.count=2&pagination.cursor={cursor}");
        let page = world.stack.api.get(&path).await?["data"].take();
        let found = page["regulations"].as_array().context("regulations")?;
        ids.extend(found.iter().filter_map(|one| one["id"].as_str()).map(str::to_owned));
        match page["pagination"]["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return Ok(ids),
        }
    }
}

#[tokio::test]
async fn a_request_has_a_deadline_until_it_is_honoured_or_withdrawn() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let file = json!({ "requester": "a lawyer", "reference": "Ticket 4711", "legalBasis": "Art. 17(1)(b)" });
    let honoured = ask(&world, 2, json!({ "regulationType": "SUPPRESS_ONLY", "file": file })).await?;
    let done = api.wait(&honoured, |_| ()).await?;
    assert!(done["dueAt"].is_string() && done.get("daysLeft").is_none(), "{done:#}");
    let sealed = api.get(&format!("/regulations/{honoured}/certificate")).await?;
    let jws = sealed["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    let certified = &claims["regulation"];
    assert_eq!((&certified["file"], &certified["dueAt"]), (&file, &done["dueAt"]), "{certified:#}");
    assert!(urgent(&world).await?.is_empty());

    // From now on no work begins.
    let machine = world.stack.output("DeletionStateMachine")?;
    let idle = json!({ "StartAt": "End", "States": { "End": { "Type": "Succeed" } } });
    define(&world, machine, &idle.to_string()).await?;
    let soon = ask(&world, 0, json!({ "law": "OTHER", "dueInDays": 2 })).await?;
    let later = ask(&world, 0, json!({ "law": "CCPA" })).await?;
    tick(&world).await?;
    assert_eq!(alarms(&world.stack, 0).await?, BTreeSet::from(["DueSoonAlarm".to_owned()]));
    let late = ask(&world, 40, json!({})).await?;
    assert_eq!(urgent(&world).await?, [late.clone(), soon.clone(), later.clone()]);
    let days = api.regulation(&late).await?["daysLeft"].as_i64().context("daysLeft")?;
    assert!((-13..=-9).contains(&days), "40 days are a month and {days}");
    assert_eq!(api.regulation(&later).await?["daysLeft"], 44);
    tick(&world).await?;
    assert!(alarms(&world.stack, 0).await?.contains("OverdueAlarm"));

    let (status, answer) = extend(&world, &late, "two vendors").await?;
    assert_eq!(status, 409, "{answer}");
    let (status, answer) = extend(&world, &soon, "planted-ADA is slow").await?;
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("reason")), "{answer}");
    let (status, first) = extend(&world, &soon, "two vendors").await?;
    assert_eq!((status, &first["data"]["extension"]["by"]), (200, &json!("admin")), "{first}");
    assert_eq!(extend(&world, &soon, "two vendors").await?, (200, first.clone()));
    assert_eq!(extend(&world, &soon, "three vendors").await?.0, 409);
    let shown = api.regulation(&soon).await?;
    assert_eq!((&shown["daysLeft"], &shown["dueAt"]), (&json!(3), &first["data"]["extension"]["dueAt"]));
    let trail = api.get("/audit").await?;
    let entries = trail["data"]["entries"].as_array().context("entries")?;
    let told = |entry: &&Value| {
        entry["action"] == "POST /regulations/{id}/extension" && entry["reason"] == "two vendors"
    };
    assert!(entries.iter().any(|entry| told(&entry) && entry["object"] == soon.as_str()), "{trail:#}");
    assert!(!trail.to_string().to_lowercase().contains("planted"), "{trail:#}");

    let (status, answer) = api.send(Method::DELETE, &format!("/regulations/{late}"), None).await?;
    assert!(status.is_success(), "{answer}");
    let gone = api.regulation(&late).await?;
    assert_eq!((&gone["overallStatus"], &gone["cancelledBy"]), (&json!("INVALID"), &json!("admin")));
    assert!(gone["cancelledAt"].is_string() && gone.get("daysLeft").is_none(), "{gone:#}");
    assert_eq!(urgent(&world).await?, [soon, later]);
    Ok(())
}
