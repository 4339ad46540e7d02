//! Bad requests get Segment's error shape, the right status and the field at fault, and change nothing.

use anyhow::{Context, Result};
use model::destination::MAX_CONNECTED;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::scenario::{Scenario, task};
use tests::world::World;

fn request(changes: Value) -> Value {
    let mut body = json!({
        "regulationType": "SUPPRESS_WITH_DELETE",
        "subjectType": "USER_ID",
        "subjectIds": ["secret-subject"],
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    body
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong_and_change_nothing() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let long = "x".repeat(10_240);
    let cases = [
        (request(json!({"regulationType": "FORGET"})), 422, Some("regulationType")),
        (request(json!({"subjectType": "EMAIL"})), 422, Some("subjectType")),
        (request(json!({"subjectIds": []})), 422, Some("subjectIds")),
        (request(json!({"subjectIds": vec!["u"; 5_001]})), 422, Some("subjectIds")),
        (request(json!({"subjectIds": ["secret-subject", ""]})), 422, Some("subjectIds")),
        (request(json!({"subjectIds": [long]})), 422, Some("subjectIds")),
        (request(json!({"subjectIds": "secret-subject"})), 422, Some("subjectIds")),
        (request(json!({"subjectIds": ["secret-subject", 7]})), 422, Some("subjectIds[1]")),
        (json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID"}), 422, Some("subjectIds")),
        (json!("secret-subject"), 422, Some(".")),
    ];
    for (body, status, field) in cases {
        let (got, answer) = api.send(Method::POST, "/regulations", Some(&body)).await?;
        let error = &answer["errors"][0];
        assert_eq!((got.as_u16(), error["field"].as_str()), (status, field), "{answer}");
        assert!(error["type"].is_string() && error["message"].is_string(), "{answer}");
        assert!(!answer.to_string().contains("secret-subject"), "{answer}");
    }

    let good = request(Value::Null);
    let (status, answer) = api.send(Method::POST, "/regulations?dry_run=yes", Some(&good)).await?;
    assert_eq!((status.as_u16(), answer["errors"][0]["field"].as_str()), (422, Some("dryRun")), "{answer}");

    let (status, answer) = api.send_text(Method::POST, "/regulations", "{\"secret-subject".into()).await?;
    assert_eq!(
        (status, answer["errors"][0]["type"].as_str()),
        (StatusCode::BAD_REQUEST, Some("bad-request"))
    );
    assert!(!answer.to_string().contains("secret-subject"), "{answer}");

    for token in ["", "wrong", &format!("{}x", api.token)] {
        let (status, answer) =
            api.with_token(token).send(Method::POST, "/regulations", Some(&request(Value::Null))).await?;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
    }

    for path in ["/regulations/reg_0", "/regulations/reg_01a20a68cdb776d3b8fecf36add47ee6", "/nowhere"] {
        let (status, answer) = api.send(Method::GET, path, None).await?;
        assert_eq!(
            (status, answer["errors"][0]["type"].as_str()),
            (StatusCode::NOT_FOUND, Some("not-found"))
        );
    }
    let (status, answer) = api.send(Method::GET, "/suppressions?pagination.count=0", None).await?;
    assert_eq!((status.as_u16(), answer["errors"][0]["field"].as_str()), (422, Some("pagination.count")));
    let (status, _) = api.send(Method::GET, "/suppressions?pagination[cursor]=nonsense", None).await?;
    assert_eq!(status.as_u16(), 422);

    assert_eq!(api.get("/regulations").await?["data"]["regulations"], json!([]));
    assert_eq!(api.get("/suppressions").await?["data"]["suppressed"], json!([]));
    assert_eq!(world.stack.executions("DeletionStateMachine").await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn destinations_are_checked_before_they_are_kept() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let before = api.get("/destinations").await?;
    let cases = [
        (json!({"name": "A", "vendor": "fax"}), "vendor"),
        (json!({"name": " ", "vendor": "s3", "settings": {"bucket": "b"}}), "name"),
        (json!({"name": "A", "vendor": "s3"}), "settings.bucket"),
        (json!({"name": "A", "vendor": "s3", "settings": {"bucket": "b", "colour": "red"}}), "settings"),
        (json!({"name": "A", "vendor": "s3", "settings": {"bucket": 7}}), "settings.bucket"),
        (
            json!({"name": "A", "vendor": "s3", "settings": {"bucket": "b", "maxShare": 7}}),
            "settings.maxShare",
        ),
        (
            json!({"name": "A", "vendor": "braze", "settings": {"endpoint": "rest.iad-01.braze.com"}}),
            "secrets.apiKey",
        ),
    ];
    for (body, field) in cases {
        for path in ["/destinations", "/destinations/check"] {
            let (status, answer) = api.send(Method::POST, path, Some(&body)).await?;
            let told = answer["errors"][0]["field"].as_str();
            assert_eq!((status.as_u16(), told), (422, Some(field)), "{path}: {answer}");
        }
    }
    assert_eq!(api.get("/destinations").await?, before);
    let shown = before.to_string();
    assert!(
        !shown.contains(tests::vendors::braze::API_KEY) && !shown.contains(tests::postgres::PASSWORD),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn no_more_destinations_are_connected_than_a_regulation_has_room_for() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let another = |n: usize| json!({"name": format!("CRM {n}"), "vendor": "manual", "settings": {"contact": "a@b.example"}});
    // The world has three.
    let mut last = String::new();
    for n in 3..MAX_CONNECTED {
        last = api.add_destination(&another(n)).await?;
    }
    let refused = async |method: Method, path: &str, body: &Value| -> Result<()> {
        let (status, answer) = api.send(method, path, Some(body)).await?;
        assert_eq!(status.as_u16(), 422, "{answer}");
        let said = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(said.contains(&MAX_CONNECTED.to_string()), "{answer}");
        Ok(())
    };
    refused(Method::POST, "/destinations", &another(MAX_CONNECTED)).await?;
    let last = format!("/destinations/{last}");
    let enable = |enabled: bool| json!({ "enabled": enabled });
    api.send(Method::PATCH, &last, Some(&enable(true)))
        .await?
        .0
        .is_success()
        .then_some(())
        .context("it is")?;
    api.send(Method::PATCH, &last, Some(&enable(false))).await?;
    api.add_destination(&another(MAX_CONNECTED)).await?;
    refused(Method::PATCH, &last, &enable(true)).await?;
    // It has room for all of them, and as many subjects as there may be.
    let ids: Vec<String> = (0..5_000).map(|n| format!("{n:0>600}")).collect();
    let body = json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ids});
    api.post("/regulations", &body).await?;
    Ok(())
}

/// The largest regulation there is: every subject is suppressed and comes back, page by page.
#[tokio::test]
async fn five_thousand_subjects_are_one_regulation() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    let ids: Vec<String> = (0..5_000).map(|n| format!("many-{n:04}-{}", "x".repeat(80))).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let api = &world.stack.api;
    let id = api.erase(&ids).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    assert_eq!(task(&regulation, "Warehouse").0, "NO_DATA_FOUND");
    assert_eq!(world.braze.world().calls, 100, "50 a call");

    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            api.get(&format!("/suppressions?pagination.count=1000&pagination.cursor={cursor}")).await?;
        for group in page["data"]["suppressed"].as_array().into_iter().flatten() {
            let ids = group["subjectIds"].as_array().into_iter().flatten();
            listed.extend(ids.filter_map(|id| id.as_str().map(str::to_owned)));
        }
        match page["data"]["pagination"]["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    listed.sort();
    assert_eq!(listed, ids);
    drop(scenario);
    Ok(())
}
