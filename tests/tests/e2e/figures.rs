//! What an overview shows, and who looked: figures that call nobody erased who was found nowhere, the year's report, a trail
//! that can be searched, and a destination that is proven before it is connected.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::archive::PREFIX;
use tests::postgres::PASSWORD;
use tests::traces::{everything, items};
use tests::vendors::Fault;
use tests::vendors::braze::API_KEY;
use tests::world::{Options, World};

const PLANTED: &str = "planted-ada";

#[tokio::test]
async fn figures_tell_what_became_of_people_and_a_look_at_them_is_recorded() -> Result<()> {
    let world = World::with(Options { retry_window: Some(1), ..Options::default() }).await?;
    let api = &world.stack.api;
    tests::warehouse::fill(&world.warehouse, &[PLANTED.to_owned(), "bob".to_owned()], 20).await?;
    let internal = async |user: &str| {
        let body =
            json!({ "regulationType": "DELETE_INTERNAL", "subjectType": "USER_ID", "subjectIds": [user] });
        let id = api.post("/regulations", &body).await?["data"]["regulateId"].take();
        id.as_str().map(str::to_owned).context("no regulateId")
    };
    let dry_run =
        json!({ "regulationType": "DELETE_INTERNAL", "subjectType": "USER_ID", "subjectIds": [PLANTED] });
    api.post("/regulations?dryRun=true", &dry_run).await?;
    let (gone, nobody) = (internal(PLANTED).await?, internal("nobody").await?);
    let accepted = api.erase(&["bob"]).await?;
    let ended = [&gone, &nobody, &accepted];
    for id in ended {
        let regulation = api.wait(id, |_| ()).await?;
        assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    }
    world.braze.world().faults.extend([Fault::Unauthorized; 3]);
    let failed = api.erase(&["carl"]).await?;
    assert_eq!(api.wait(&failed, |_| ()).await?["overallStatus"], "PARTIAL_SUCCESS");

    // What became of whom, with each regulation and in all.
    let outcome = async |id: &str| Ok::<_, anyhow::Error>(api.regulation(id).await?["outcome"].take());
    for (id, name) in [(&gone, "erased"), (&nobody, "notFound"), (&accepted, "accepted"), (&failed, "failed")]
    {
        assert_eq!(outcome(id).await?[name], 1, "{name}");
    }
    let listed = api.get("/regulations").await?["data"]["regulations"].take();
    let of_nobody = listed.as_array().into_iter().flatten().find(|one| one["id"] == json!(nobody));
    assert_eq!(of_nobody.context("listed")?["outcome"]["found"], 0, "a request that found nobody");
    let figures = api.get("/figures").await?["data"].take();
    for (name, count) in [
        ("received", 4),
        ("finished", 2),
        ("acceptedOnly", 1),
        ("partlyFailed", 1),
        ("underWay", 0),
        ("unknown", 0),
    ] {
        assert_eq!(figures[name], count, "{name}: {figures:#}");
    }
    let people = &figures["people"];
    for (name, count) in [("erased", 1), ("notFound", 1), ("accepted", 1), ("failed", 1), ("unclear", 0)] {
        assert_eq!(people[name], count, "{name}: {figures:#}");
    }
    assert_eq!((&figures["complete"], &figures["daysToHonour"]["of"]), (&json!(true), &json!(3)));
    assert_eq!(figures["perDay"].as_array().map(Vec::len), Some(31), "thirty days begin within a day");
    let today = figures["until"].as_str().context("a time")?;
    let report = api.get(&format!("/reports/{}", &today[..7])).await?["data"].take();
    for (name, count) in [("received", 4), ("complied", 4), ("compliedInWhole", 3), ("compliedInPart", 1)] {
        assert_eq!(report[name], count, "{name}: {report:#}");
    }
    let year = format!("/reports/{}", &today[..4]);
    let (status, headers, table) = api.get_with(&year, &[("accept", "text/csv")]).await?;
    assert!(status.is_success() && headers["content-type"].to_str()?.starts_with("text/csv"), "{table}");
    assert!(table.lines().nth(1).is_some_and(|line| line.contains("\"4\",\"4\",\"3\",\"1\"")), "{table}");
    for (wrong, status) in [("/reports/2026-13", 404), ("/figures?since=2020-01-01T00:00:00Z", 422)] {
        assert_eq!(api.send(Method::GET, wrong, None).await?.0.as_u16(), status, "{wrong}");
    }

    // Whom a failed regulation names, and that somebody looked.
    let (looker, reader) = api.new_token(&json!({ "name": "Desk", "scopes": ["regulations:read"] })).await?;
    let (_, headers, named) = reader.get_with(&format!("/regulations/{failed}/subjects"), &[]).await?;
    let named: Value = serde_json::from_str(&named)?;
    assert_eq!(named["data"]["subjects"], json!([{ "type": "USER_ID", "id": "carl" }]));
    assert_eq!(headers["cache-control"], "no-store");
    let (status, dropped) = reader.send(Method::GET, &format!("/regulations/{gone}/subjects"), None).await?;
    assert_eq!((status.as_u16(), &dropped["errors"][0]["type"]), (410, &json!("gone")), "{dropped}");
    let (_, form) = api.new_token(&json!({ "name": "Form", "requestOnly": true })).await?;
    assert_eq!(
        form.send(Method::GET, &format!("/regulations/{failed}/subjects"), None).await?.0.as_u16(),
        403
    );
    assert_eq!(form.send(Method::GET, "/figures", None).await?.0.as_u16(), 403);
    let me = form.get("/me").await?["data"].take();
    assert_eq!((&me["requestOnly"], &me["scopes"], &me["name"]), (&json!(true), &json!([]), &json!("Form")));

    // The trail is searched; what it keeps names nobody.
    let lift = json!({ "subjects": [{ "type": "USER_ID", "id": PLANTED }], "reason": "asked by letter" });
    api.post("/suppressions/lift", &lift).await?;
    for reason in ["planted-ada wrote", "write to ada@example.com", "call +44 20 7946 0000"] {
        let named = json!({ "subjects": [{ "type": "USER_ID", "id": PLANTED }], "reason": reason });
        let (status, answer) = api.send(Method::POST, "/suppressions", Some(&named)).await?;
        assert_eq!((status.as_u16(), &answer["errors"][0]["field"]), (422, &json!("reason")), "{answer}");
    }
    let trail = async |query: &str| {
        let found = api.get(&format!("/audit?{query}")).await?["data"]["entries"].take();
        found.as_array().cloned().context("entries")
    };
    let lifted = trail("action=POST%20/suppressions/lift").await?;
    assert_eq!((lifted.len(), &lifted[0]["reason"]), (1, &json!("asked by letter")));
    let looks = trail(&format!("caller={looker}")).await?;
    assert_eq!(looks.len(), 2, "one of them in vain: {looks:?}");
    assert_eq!((&looks[1]["object"], &looks[1]["status"]), (&json!(failed), &json!(200)));
    assert_eq!(trail(&format!("object={failed}&caller=admin")).await?.len(), 1);
    let made = trail("action=POST%20/regulations").await?;
    let rehearsed: Vec<_> = made.iter().map(|entry| entry["dryRun"] == true).collect();
    assert_eq!(rehearsed, [false, false, false, false, true], "the newest first");
    let (status, answer) = api.send(Method::GET, &format!("/audit?object={PLANTED}"), None).await?;
    assert_eq!((status.as_u16(), &answer["errors"][0]["field"]), (422, &json!("object")));
    let all = items(&world, "AccessTable").await?;
    assert!(!json!(all).to_string().contains("planted"), "the trail names nobody");
    Ok(())
}

#[tokio::test]
async fn a_destination_is_proven_before_it_is_connected_and_leaves_nothing_behind() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    tests::warehouse::fill(&world.warehouse, &[], 0).await?;
    world.put(&format!("{PREFIX}web/1767225600000/a.jsonl"), b"{\"userId\":\"b\"}\n").await?;
    let connected = api.get("/destinations").await?;
    let tables = ["DestinationsTable", "RegulationsTable", "RunsTable"];
    let mut before = Vec::new();
    for table in tables {
        before.push(items(&world, table).await?.len());
    }
    let check = async |draft: &Value| {
        let (status, answer) = api.send(Method::POST, "/destinations/check", Some(draft)).await?;
        Ok::<_, anyhow::Error>((status.as_u16(), answer))
    };
    let braze = world.braze.destination();
    let places = connected["data"]["destinations"].as_array().context("destinations")?;
    let of = |vendor: &str| places.iter().find(|place| place["vendor"] == vendor).context("connected");
    let postgres = json!({
        "name": "Draft", "vendor": "postgres", "settings": of("postgres")?["settings"], "secrets": { "password": PASSWORD },
    });
    let archive = json!({ "name": "Draft", "vendor": "s3", "settings": of("s3")?["settings"] });
    for draft in [&braze, &postgres, &archive] {
        let (status, answer) = check(draft).await?;
        assert_eq!((status, &answer["data"]["ok"]), (200, &json!(true)), "{answer}");
    }
    let planted = "a planted secret";
    for (mut draft, name) in [(braze, "apiKey"), (postgres, "password")] {
        draft["secrets"][name] = planted.into();
        let (status, answer) = check(&draft).await?;
        assert_eq!((status, &answer["data"]["ok"]), (200, &json!(false)), "{answer}");
        assert!(!answer.to_string().contains(planted), "{answer}");
    }
    assert_eq!(api.get("/destinations").await?, connected, "nothing is connected");
    for (table, before) in tables.into_iter().zip(before) {
        assert_eq!(items(&world, table).await?.len(), before, "{table}");
    }
    let secrets = world.stack.aws.call("secretsmanager", "secretsmanager.ListSecrets", json!({})).await?;
    let names =
        secrets["SecretList"].as_array().context("secrets")?.iter().filter_map(|one| one["Name"].as_str());
    let kept =
        names.filter(|name| name.contains("/destinations/") && name.contains(&world.stack.name)).count();
    assert!(kept <= places.len(), "{kept} of {}", places.len());
    for trace in everything(&world).await? {
        for secret in [planted, API_KEY, PASSWORD] {
            assert!(!trace.text.contains(secret), "{}", trace.place);
        }
    }
    let trail = api.get("/audit?action=POST%20/destinations/check").await?["data"]["entries"].take();
    assert_eq!(trail.as_array().map(Vec::len), Some(5), "each is recorded");
    Ok(())
}
