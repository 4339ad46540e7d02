//! Regulations are found by what they are, where they failed and whom they are about, also when the identifiers are
//! dropped; who asks twice is told; lists come in the forms that clients and auditors take.

use std::ops::ControlFlow::{Break, Continue};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::progress::until;
use tests::scenario::task;
use tests::world::{Options, World};

fn regulation(kind: &str, subjects: &[&str]) -> Value {
    json!({ "regulationType": kind, "subjectType": "USER_ID", "subjectIds": subjects })
}

#[tokio::test]
async fn regulations_are_found_and_duplicates_told() -> Result<()> {
    // Archives are not purged while the test lasts: what deletes stays under way.
    let world = World::with(Options { purge_delay: Some(3_600), ..Options::default() }).await?;
    tests::warehouse::fill(&world.warehouse, &[], 0).await?;
    let api = &world.stack.api;
    let create =
        async |body: &Value| Ok::<_, anyhow::Error>(api.post("/regulations", body).await?["data"].take());
    let id = |made: &Value| made["regulateId"].as_str().map(str::to_owned).context("no regulateId");

    let suppression = id(&create(&regulation("SUPPRESS_ONLY", &["planted-ada", "bob"])).await?)?;
    api.wait(&suppression, |_| ()).await?;
    let deletion = create(&regulation("DELETE_ONLY", &["bob", "carl"])).await?;
    assert!(deletion.get("duplicateOf").is_none(), "{deletion}");
    let again = create(&regulation("DELETE_ONLY", &["carl", "bob"])).await?;
    assert_eq!(again["duplicateOf"], deletion["regulateId"], "{again}");
    let other = create(&regulation("DELETE_INTERNAL", &["carl", "bob"])).await?;
    assert!(other.get("duplicateOf").is_none(), "{other}");
    let repeated = create(&regulation("SUPPRESS_ONLY", &["planted-ada", "bob"])).await?;
    assert!(repeated.get("duplicateOf").is_none(), "the first has ended: {repeated}");
    let (deletion, again, repeated) = (id(&deletion)?, id(&again)?, id(&repeated)?);
    assert_eq!(api.regulation(&again).await?["duplicateOf"], json!(deletion));
    api.wait(&repeated, |_| ()).await?;
    for one in [&deletion, &again, &id(&other)?] {
        // When its task at the warehouse has ended, everybody is in the index.
        until(async || {
            let regulation = api.regulation(one).await?;
            let ended = task(&regulation, "Warehouse").0 == "NO_DATA_FOUND";
            Ok(if ended { Break(()) } else { Continue(regulation) })
        })
        .await?;
    }

    let find = async |wanted: Value| {
        let found = api.post("/regulations/search", &wanted).await?["data"]["regulations"].take();
        let ids = found.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str());
        Ok::<_, anyhow::Error>(ids.map(str::to_owned).collect::<Vec<_>>())
    };
    let ada = json!({ "type": "USER_ID", "id": "planted-ada" });
    let (first, second) = (suppression.clone(), repeated.clone());
    assert_eq!(find(json!({ "subject": ada })).await?, [second.clone(), first.clone()], "newest first");
    assert_eq!(find(json!({ "subject": { "type": "ANONYMOUS_ID", "id": "planted-ada" } })).await?, [""; 0]);
    assert_eq!(
        find(json!({ "status": "FINISHED", "regulationTypes": ["SUPPRESS_ONLY"] })).await?,
        [second, first]
    );
    let bob = json!({ "type": "USER_ID", "id": "bob" });
    let running = json!({ "subject": bob, "status": "RUNNING", "regulationTypes": ["DELETE_ONLY"] });
    assert_eq!(find(running).await?, [again.clone(), deletion.clone()]);
    assert_eq!(find(json!({ "destination": { "status": "NO_DATA_FOUND" } })).await?.len(), 3);
    assert_eq!(find(json!({ "destination": { "status": "FAILED" } })).await?, [""; 0]);
    assert_eq!(find(json!({ "until": "2026-01-01T00:00:00Z" })).await?, [""; 0]);
    let made = api.regulation(&suppression).await?["createdAt"].take();
    assert_eq!(find(json!({ "since": made, "until": made })).await?, [""; 0]);
    assert_eq!(find(json!({ "since": made })).await?.len(), 5);
    for (wanted, field) in [
        (json!({ "status": "planted-ada" }), "status"),
        (json!({ "subject": { "type": "planted-Kind", "id": "u" } }), "subject.type"),
        (json!({ "subject": { "type": "EMAIL", "id": "planted-ada" } }), "subject.id"),
        (json!({ "pagination": { "count": 0 } }), "pagination.count"),
        (json!({ "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z" }), "until"),
    ] {
        let (status, answer) = api.send(Method::POST, "/regulations/search", Some(&wanted)).await?;
        assert_eq!((status.as_u16(), answer["errors"][0]["field"].as_str()), (422, Some(field)), "{answer}");
        assert!(!answer.to_string().contains("planted"), "{answer}");
    }

    // Segment's media type, for who asks for it.
    let segment = "application/vnd.segment.v1+json";
    let (_, headers, _) = api.get_with("/regulations", &[("accept", segment)]).await?;
    assert_eq!(headers["content-type"], segment);
    // The older API's suppression list.
    let older = api.get("/v1beta/workspaces/any/suppressed-users?page_size=1").await?;
    let (user, next) = (&older["suppressed_users"][0]["attributes"], &older["next_page_token"]);
    assert_eq!(user["name"], "userId", "{older}");
    let next = next.as_str().context("no token")?;
    let rest =
        api.get(&format!("/v1beta/workspaces/any/suppressed-users?page_size=9&page_token={next}")).await?;
    assert_eq!(rest["suppressed_users"].as_array().map(Vec::len), Some(1), "{rest}");
    // The audit trail as a table, page by page.
    let (status, headers, table) =
        api.get_with("/audit?pagination.count=2", &[("accept", "text/csv")]).await?;
    assert!(status.is_success() && headers["content-type"].to_str()?.starts_with("text/csv"), "{table}");
    assert_eq!(table.lines().count(), 3, "a head and two rows: {table}");
    assert!(table.contains("POST /regulations") && !table.contains("planted"), "{table}");
    let link = headers["link"].to_str()?;
    let next = link.strip_prefix('<').and_then(|rest| rest.split('>').next()).context("no next page")?;
    let (status, _, more) = api.get_with(next, &[("accept", "text/csv")]).await?;
    assert!(status.is_success() && more != table, "{more}");
    // Pages end before they get longer than Lambda can answer: the identifiers of these are kept while they wait.
    let long: Vec<String> = (0..5_000).map(|n| format!("{n:0>640}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let (older, newer) =
        (create(&regulation("DELETE_ONLY", &long)).await?, create(&regulation("DELETE_ONLY", &long)).await?);
    let first = api.get("/regulations?pagination.count=2").await?["data"].take();
    assert_eq!(first["regulations"].as_array().map(Vec::len), Some(1), "the first alone is long enough");
    assert_eq!(first["regulations"][0]["id"], newer["regulateId"]);
    let next = first["pagination"]["next"].as_str().context("no next page")?;
    let second =
        api.get(&format!("/regulations?pagination.count=2&pagination.cursor={next}")).await?["data"].take();
    assert_eq!(second["regulations"][0]["id"], older["regulateId"]);
    Ok(())
}
