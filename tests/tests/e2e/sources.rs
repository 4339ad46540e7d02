//! Sources: their keys are shown once, their past is kept, and what is wrong is named.

use anyhow::{Context, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::api::destinations;
use tests::archive::PREFIX;
use tests::census::Census;
use tests::people::THREE;
use tests::scenario::{Scenario, task};
use tests::warehouse::Holdings;
use tests::world::World;

#[tokio::test]
async fn sources_have_keys_that_are_shown_once_and_connections_with_dates() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let made = api.post("/sources", &json!({"name": "Website", "id": "web"})).await?["data"].take();
    let key = made["writeKey"].as_str().context("no key")?;
    assert_eq!(key.len(), 32);
    let destinations = api.get("/destinations").await?["data"]["destinations"].take();
    let connections = made["source"]["connections"].as_array().context("no connections")?;
    assert_eq!(connections.len(), 3, "to everything there is: {made}");

    // Rotation: a second key, then the first goes.
    let more = api.post("/sources/web/write-keys", &json!({})).await?["data"].take();
    assert_ne!(more["writeKey"], made["writeKey"]);
    let first = made["source"]["writeKeys"][0]["id"].as_str().context("no id")?;
    let path = format!("/sources/web/write-keys/{first}");
    let (status, left) = api.send(Method::DELETE, &path, None).await?;
    assert_eq!(status, StatusCode::OK, "{left}");
    assert_eq!(left["data"]["source"]["writeKeys"], json!([more["source"]["writeKeys"][1]]));

    // Until a day in the past, events went to one destination.
    let past = json!([{"destinationId": destinations[0]["id"], "from": "2025-01-01T00:00:00Z",
                       "until": "2025-06-01T00:00:00Z"}]);
    let change = json!({"name": "Site", "connections": past});
    let (status, changed) = api.send(Method::PATCH, "/sources/web", Some(&change)).await?;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!(changed["data"]["source"]["connections"], past);

    let (status, _) = api.send(Method::DELETE, "/sources/web", None).await?;
    assert_eq!(status, StatusCode::OK);
    let listed = api.get("/sources").await?["data"]["sources"].take();
    assert_eq!((&listed[0]["name"], &listed[0]["writeKeys"]), (&json!("Site"), &json!([])), "{listed}");
    assert!(listed[0]["deletedAt"].is_string());
    assert!(!listed.to_string().contains(key), "keys are never shown again");

    let refused = |status, field: Option<&'static str>| (StatusCode::from_u16(status).ok(), field);
    let unknown = json!({"name": "n", "connections": [{"destinationId": "dst_0"}]});
    for (method, path, body, wanted) in [
        (Method::POST, "/sources", json!({"name": ""}), refused(422, Some("name"))),
        (Method::POST, "/sources", json!({"name": "n", "id": "../x"}), refused(422, Some("id"))),
        (Method::POST, "/sources", json!({"name": "n", "id": "web"}), refused(422, Some("id"))),
        (Method::POST, "/sources", json!({"id": "x"}), refused(422, Some("name"))),
        (Method::POST, "/sources", unknown, refused(422, Some("connections[0].destinationId"))),
        (Method::PATCH, "/sources/web", json!({"name": "n"}), refused(422, None)),
        (Method::POST, "/sources/web/write-keys", json!({}), refused(422, None)),
        (Method::GET, "/sources/nowhere", Value::Null, refused(404, None)),
        (Method::DELETE, "/sources/web/write-keys/key_0", Value::Null, refused(404, None)),
    ] {
        let (status, answer) = api.send(method.clone(), path, Some(&body)).await?;
        let field = answer["errors"][0]["field"].as_str();
        assert_eq!((Some(status), field), wanted, "{method} {path} {body}: {answer}");
    }
    Ok(())
}

/// A regulation about a source erases what that source brought, and nothing of any other. What the archive held tells from
/// where it came, and so who received it then.
#[tokio::test]
async fn a_source_loses_its_part_and_the_others_keep_theirs() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    world.warehouse.batch_execute("CREATE TABLE web.charges (id text, user_id text)").await?;
    world.warehouse.batch_execute("INSERT INTO web.charges VALUES ('ch_1', 'u1'), ('ch_2', 'u2')").await?;
    let api = &world.stack.api;
    let ids = api.get("/destinations").await?["data"]["destinations"].take();
    let connect = |name: &str, from: &str, until: &str| {
        let destination = ids.as_array().into_iter().flatten().find(|one| one["name"] == name);
        json!({"destinationId": destination.map(|one| &one["id"]), "from": from, "until": until})
    };
    let (long_ago, later) = ("2020-01-01T00:00:00Z", "2036-01-01T00:00:00Z");
    let web = json!([
        connect("Events archive", long_ago, later),
        connect("Warehouse", long_ago, "2026-11-02T12:00:00Z"),
        connect("Braze", long_ago, "2026-11-01T12:00:00Z")
    ]);
    api.post("/sources", &json!({"name": "Website", "id": "web", "connections": web})).await?;
    let ios = json!([connect("Braze", "2026-11-03T12:00:00Z", later)]);
    api.post("/sources", &json!({"name": "Phones", "id": "ios", "connections": ios})).await?;
    let make = async |path: &str, kind: &str, subjects: Value| {
        let mut body = json!({ "regulationType": kind });
        body.as_object_mut().context("an object")?.extend(subjects.as_object().cloned().unwrap_or_default());
        let made = api.post(path, &body).await?["data"]["regulateId"].take();
        let id = made.as_str().with_context(|| format!("{made}"))?.to_owned();
        api.wait(&id, |_| ()).await
    };

    // Objects of a collection first: `user_id` there is nobody's business.
    let object = json!({"subjectType": "OBJECT_ID", "subjectIds": ["ch_1", "u2"], "collection": "charges"});
    let done = make("/regulations/cloudsources/web", "DELETE_INTERNAL", object).await?;
    assert_eq!(task(&done, "Warehouse").0, "CONFIRMED", "{done:#}");
    assert_eq!(destinations(&done).len(), 1, "warehouses alone: {done:#}");
    let left = world.warehouse.query("SELECT id FROM web.charges", &[]).await?;
    assert_eq!(left.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["ch_2"]);
    world.warehouse.batch_execute("DROP TABLE web.charges").await?;

    let lines = async |source: &str| lines_of(&world, source).await;
    let (web, ios) = (lines("web").await?, lines("ios").await?);
    assert!(web > 0 && ios > 0, "the three are in both");
    let three = json!({"subjectType": "USER_ID", "subjectIds": THREE});
    // Two at once, about a source and about the workspace: a run for each, since the one reads more than the other may.
    let nobody =
        json!({"regulationType": "DELETE_INTERNAL", "subjectType": "USER_ID", "subjectIds": ["nobody"]});
    let other = api.post("/regulations", &nobody).await?["data"]["regulateId"].take();
    let done = make("/regulations/sources/web", "DELETE_INTERNAL", three).await?;
    assert_eq!(done["sourceId"], "web");
    for name in ["Events archive", "Warehouse"] {
        assert_eq!(task(&done, name).0, "CONFIRMED", "{name}: {done:#}");
    }
    assert_eq!((lines("web").await?, lines("ios").await?), (0, ios), "the other source's lines stay");
    let rows = Holdings::take(&world.warehouse, &THREE).await?.theirs;
    for (table, rows) in rows {
        assert!(table.starts_with("ios.") || rows == 0, "{rows} rows in {table}");
    }
    assert!(scenario.rows_of_the_three() > 0 && world.braze.world().calls == 0, "it is internal");
    let other = api.wait(other.as_str().context("an id")?, |_| ()).await?;
    assert_eq!(task(&other, "Events archive").0, "NO_DATA_FOUND", "{other:#}");
    assert_eq!((&other["sources"], &other["recipients"]), (&json!([]), &json!([])), "{other:#}");
    // The archive's two days, and who was connected on each.
    let days = |source: &str| json!([{"sourceId": source, "first": "2026-11-02", "last": "2026-11-03"}]);
    assert_eq!(done["sources"], days("web"), "{done:#}");
    let wanted = ["Events archive 2026-11-02 2026-11-03", "Warehouse 2026-11-02 2026-11-02"];
    assert_eq!(received(&done), wanted, "Braze was not connected any more: {done:#}");
    let three = json!({"subjectType": "USER_ID", "subjectIds": THREE});
    let done = make("/regulations", "DELETE_INTERNAL", three).await?;
    assert_eq!(done["sources"], days("ios"), "nothing of the other is left: {done:#}");
    assert_eq!(received(&done), ["Braze 2026-11-03 2026-11-03"], "{done:#}");

    let anonymous = json!({"subjectType": "ANONYMOUS_ID", "subjectIds": ["nobody"]});
    let done = make("/regulations/sources/web", "DELETE_ARCHIVE_ONLY", anonymous).await?;
    assert_eq!(destinations(&done).len(), 1, "archives alone: {done:#}");
    assert_eq!(task(&done, "Events archive").0, "NO_DATA_FOUND", "{done:#}");

    let listed = api.get("/regulations/sources/web").await?["data"]["regulations"].take();
    assert_eq!(listed.as_array().map(Vec::len), Some(3), "{listed}");
    assert!(listed.as_array().into_iter().flatten().all(|one| one["sourceId"] == "web"), "{listed}");
    api.post("/sources", &json!({"name": "Android", "id": "android"})).await?;
    for (path, body, status) in [
        ("/regulations/sources/nowhere", json!(["DELETE_INTERNAL", "USER_ID"]), 404),
        ("/regulations/sources/web", json!(["DELETE_INTERNAL", "ANONYMOUS_ID"]), 422),
        // The warehouse has no schema of that name in scope.
        ("/regulations/sources/android", json!(["DELETE_INTERNAL", "USER_ID"]), 422),
        ("/regulations/cloudsources/web", json!(["SUPPRESS_ONLY", "OBJECT_ID"]), 422),
    ] {
        let mut body = json!({"regulationType": body[0], "subjectType": body[1], "subjectIds": ["x"]});
        if path.contains("cloudsources") {
            body["collection"] = json!("charges");
        }
        let (got, answer) = api.send(Method::POST, path, Some(&body)).await?;
        assert_eq!(got.as_u16(), status, "{path}: {answer}");
    }
    Ok(())
}

/// Who received the subjects' events, and on which days.
fn received(regulation: &Value) -> Vec<String> {
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let all = regulation["recipients"].as_array().into_iter().flatten();
    let mut all: Vec<String> =
        all.map(|one| ["name", "first", "last"].map(|field| text(one, field)).join(" ")).collect();
    all.sort();
    all
}

/// Lines of the three in a source's folder, in all versions.
async fn lines_of(world: &World, source: &str) -> Result<u64> {
    let all = Census::take_below(&world.s3, &world.bucket, &format!("{PREFIX}{source}/"), &THREE).await?;
    Ok(all.theirs())
}
