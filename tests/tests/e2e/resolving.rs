//! Open edX's case: a learner is asked for by the LMS's id alone, and each place knows the learner by another identifier.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::certificate;
use tests::ingest::{TrackingClient, wait_for};
use tests::scenario::{retry, task};
use tests::vendors::hubspot::HUBSPOT;
use tests::vendors::iterable::ITERABLE;
use tests::vendors::{Fake, Fault};
use tests::world::{Options, World};

/// Ada's address is hers alone; Bob and Cyd share one.
const LEARNERS: &str = r#"
    CREATE SCHEMA web; CREATE SCHEMA ios;
    CREATE TABLE web.learners (id text PRIMARY KEY, username text, email text, shop_id int);
    CREATE TABLE web.orders (number int, buyer bigint);
    CREATE TABLE web.newsletter (email varchar(100), since date);
    CREATE TABLE web.tracks (user_id text, event text);
    INSERT INTO web.learners VALUES ('lms-1', 'ada', 'Ada@Example.com', 901),
        ('lms-2', 'bob', 'shared@example.com', 902), ('lms-3', 'cyd', ' Shared@Example.com', 903);
    INSERT INTO web.orders VALUES (1, 901), (2, 901), (3, 902), (901, 903);
    INSERT INTO web.newsletter VALUES (' ADA@example.com '), ('shared@example.com'), ('lms-1');
    INSERT INTO web.tracks VALUES ('lms-1', 'x'), ('ada', 'x'), ('ada@example.com', 'x'), ('lms-2', 'x');
"#;

const LEFT: &str = "
    SELECT 'learner ' || id FROM web.learners UNION ALL SELECT 'order ' || number FROM web.orders
    UNION ALL SELECT 'newsletter ' || trim(email) FROM web.newsletter UNION ALL SELECT 'track ' || user_id FROM web.tracks";

const KEY: &str = "segment-logs/web/1793577600000/learners.log";

#[tokio::test]
async fn a_learner_disappears_from_each_place_by_the_identifier_that_is_known_there() -> Result<()> {
    let world = World::with(Options { retry_window: Some(2), ..Options::default() }).await?;
    let [hubspot, iterable] = connect(&world).await?;
    let api = &world.stack.api;
    let request = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["lms-1"] });

    // Without what the warehouse knows, nothing begins: it would be erased with the rest.
    resolve(&world, "emial").await?;
    let made = api.post("/regulations", &request).await?;
    let id = made["data"]["regulateId"].as_str().context("no regulateId")?.to_owned();
    let failed = api.wait(&id, |_| ()).await?;
    for name in ["Braze", "HubSpot", "Iterable", "Warehouse", "Events archive"] {
        let (status, message) = task(&failed, name);
        assert_eq!(status, "FAILED", "{name}: {message}");
        assert!(message.contains("looked up in Warehouse") && message.contains("emial"), "{message}");
    }
    ensure!(left(&world).await?.contains(&"learner lms-1".to_owned()), "the rows are there");
    assert_eq!((world.braze.world().asked.len(), hubspot.world().asked.len()), (0, 0));

    resolve(&world, "email").await?;
    let rehearsed = api.post("/regulations?dryRun=true", &request).await?["data"].take();
    let found = json!({ "EMAIL": 1, "shop": 1, "username": 1 });
    assert_eq!(rehearsed["resolved"], found, "{rehearsed:#}");
    let reason = |name: &str| {
        let all = rehearsed["destinations"].as_array().into_iter().flatten();
        all.filter(|place| place["name"] == name).map(|place| place["reason"].to_string()).collect::<String>()
    };
    assert!(reason("HubSpot").contains("asked for 1 EMAIL that your own data knows"), "{rehearsed:#}");
    assert!(!reason("Braze").contains("EMAIL"), "{rehearsed:#}");

    // A vendor that fails is asked by what was known, though the rows are gone by then.
    hubspot.world().faults.extend([Fault::ServerError; 100]);
    let partly = retry(&world, &failed).await?;
    assert_eq!(task(&partly, "HubSpot").0, "FAILED", "{partly:#}");
    assert_eq!(partly["resolved"], found, "{partly:#}");
    assert_eq!(partly["resolvedSubjects"].as_array().map(Vec::len), Some(3), "{partly:#}");
    ensure!(!left(&world).await?.contains(&"learner lms-1".to_owned()), "the rows are gone");
    hubspot.world().faults.clear();
    let ended = retry(&world, &partly).await?;
    assert_eq!(ended["overallStatus"], "FINISHED", "{ended:#}");
    for (name, status) in [
        ("Braze", "ACCEPTED"),
        ("HubSpot", "ACCEPTED"),
        ("Iterable", "ACCEPTED"),
        ("Warehouse", "CONFIRMED"),
        ("Events archive", "CONFIRMED"),
    ] {
        assert_eq!(task(&ended, name), (status.to_owned(), String::new()), "{name}: {ended:#}");
    }
    assert_eq!(world.braze.world().asked, ["lms-1"]);
    assert_eq!(iterable.world().asked, ["ada@example.com"]);
    assert_eq!(hubspot.world().users.iter().collect::<Vec<_>>(), ["shared@example.com"]);
    assert_eq!(iterable.world().users.iter().collect::<Vec<_>>(), ["shared@example.com"]);
    let mut rows = left(&world).await?;
    rows.sort();
    assert_eq!(
        rows,
        [
            "learner lms-2",
            "learner lms-3",
            "newsletter lms-1",
            "newsletter shared@example.com",
            "order 3",
            "order 901",
            "track ada",
            "track ada@example.com",
            "track lms-2",
        ]
    );
    assert_eq!(String::from_utf8(world.get(KEY).await?)?, lines(&others()));
    proves_by_pseudonyms(&world, &ended).await?;
    a_shared_address_is_nobodys(&world, &hubspot).await?;
    nobody_comes_back_under_another_identifier(&world).await
}

/// A former user id that a trusted source linked goes with its owner, where people are resolved; not one that was seen
/// itself.
#[tokio::test]
async fn a_former_user_id_goes_with_its_owner() -> Result<()> {
    let world = World::new().await?;
    world.warehouse.batch_execute(LEARNERS).await?;
    world.warehouse.batch_execute("INSERT INTO web.tracks VALUES ('lms-0', 'x'), ('lms-9', 'x')").await?;
    let (api, door) = (&world.stack.api, TrackingClient::open(&world, "web").await?);
    let server = json!({ "name": "Server", "id": "server", "trustedToLink": true });
    let server = api.post("/sources", &server).await?["data"].take();
    let server = door.with_key(server["writeKey"].as_str().context("no write key")?);
    for former in ["lms-0", "lms-9"] {
        server.ok("alias", json!({ "userId": "lms-1", "previousId": former })).await?;
    }
    door.ok("t", json!({ "type": "track", "userId": "lms-9", "event": "another's" })).await?;
    wait_for(&world, "web", &["another's"]).await?;

    let request = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["lms-1"] });
    let rehearse = async || {
        let told = api.post("/regulations?dryRun=true", &request).await?["data"].take();
        Ok::<_, anyhow::Error>((told["leftOutCount"].clone(), told["resolved"]["USER_ID"].clone()))
    };
    // An alias says of an id neither that it is a user's nor that it is not: lms-9 is left out as both.
    assert_eq!(rehearse().await?, (json!(3), Value::Null), "it is off until it is switched on");
    resolve(&world, "email").await?;
    assert_eq!(rehearse().await?, (json!(2), json!(1)));

    let made = api.post("/regulations", &request).await?["data"]["regulateId"].take();
    let ended = api.wait(made.as_str().context("no id")?, |_| ()).await?;
    assert_eq!(ended["overallStatus"], "FINISHED", "{ended:#}");
    assert_eq!((&ended["resolved"]["USER_ID"], &ended["leftOutCount"]), (&json!(1), &json!(2)), "{ended:#}");
    let rows = left(&world).await?;
    ensure!(
        !rows.contains(&"track lms-0".to_owned()) && rows.contains(&"track lms-9".to_owned()),
        "{rows:?}"
    );
    let whom = |id: &str| json!({ "type": "USER_ID", "id": id });
    let all = ["lms-1", "lms-0", "lms-9"].map(whom);
    let check = json!({ "subjects": all });
    let suppressed = api.post("/suppressions/check", &check).await?["data"]["suppressed"].take();
    assert_eq!(suppressed, json!([true, true, false]));
    assert_eq!(world.braze.world().asked, ["lms-1"]);
    Ok(())
}

/// What was found is suppressed with the learner whose it is, and let in with the learner.
async fn nobody_comes_back_under_another_identifier(world: &World) -> Result<()> {
    let api = &world.stack.api;
    let whom = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let check = json!({ "subjects": [whom("USER_ID", "lms-1"), whom("EMAIL", "ada@example.com"),
                                     whom("USER_ID", "lms-2"), whom("EMAIL", "shared@example.com")] });
    let suppressed = async || {
        Ok::<_, anyhow::Error>(api.post("/suppressions/check", &check).await?["data"]["suppressed"].take())
    };
    assert_eq!(suppressed().await?, json!([true, true, true, false]));
    let search = json!({ "subject": whom("EMAIL", "ada@example.com") });
    let found = api.post("/suppressions/search", &search).await?["data"]["suppressions"].take();
    assert_eq!(
        (found[0]["byLink"].as_bool(), found[0]["regulationId"].is_string()),
        (Some(true), true),
        "{found}"
    );
    let lift = json!({ "regulationType": "UNSUPPRESS", "subjectType": "USER_ID", "subjectIds": ["lms-1"] });
    let lifted = api.post("/regulations", &lift).await?["data"]["regulateId"].take();
    let lifted = api.wait(lifted.as_str().context("an id")?, |_| ()).await?;
    assert_eq!(lifted["overallStatus"], "FINISHED", "{lifted:#}");
    assert_eq!(suppressed().await?, json!([false, false, true, false]));
    Ok(())
}

/// A second learner shares an address with a third one: nobody is asked for it.
async fn a_shared_address_is_nobodys(world: &World, hubspot: &Fake) -> Result<()> {
    let asked = hubspot.world().asked.len();
    let regulation = world.stack.api.wait(&world.stack.api.erase(&["lms-2"]).await?, |_| ()).await?;
    assert_eq!(regulation["resolvedShared"], json!({ "EMAIL": 1 }), "{regulation:#}");
    assert_eq!(regulation["resolved"], json!({ "shop": 1, "username": 1 }), "{regulation:#}");
    for name in ["HubSpot", "Iterable"] {
        assert_eq!(task(&regulation, name).0, "NO_IDENTIFIER", "{regulation:#}");
    }
    assert_eq!(hubspot.world().asked.len(), asked);
    let rows = left(world).await?;
    for row in ["learner lms-3", "newsletter shared@example.com", "order 901"] {
        ensure!(rows.contains(&row.to_owned()), "{row} is not his: {rows:?}");
    }
    ensure!(!rows.contains(&"learner lms-2".to_owned()) && !rows.contains(&"order 3".to_owned()), "{rows:?}");
    Ok(())
}

/// Connects Open edX's places: vendors that know people by other identifiers, an archive with rules, a warehouse with
/// columns by kind.
async fn connect(world: &World) -> Result<[Fake; 2]> {
    world.warehouse.batch_execute(LEARNERS).await?;
    let all = [lines(&hers()), lines(&others())].concat();
    world.put(KEY, all.as_bytes()).await?;
    let rules = json!([
        { "path": "userId", "type": "USER_ID" },
        { "path": "context.traits.email", "type": "EMAIL" },
        { "path": "properties.username", "type": "username" },
        { "path": "properties.buyer", "type": "shop" },
    ]);
    change(world, "Events archive", &json!({ "rules": rules })).await?;
    let columns = json!([
        { "table": "web.learners", "column": "id", "type": "USER_ID" },
        { "column": "email", "type": "EMAIL" },
        { "table": "web.orders", "column": "buyer", "type": "shop" },
    ]);
    change(world, "Warehouse", &json!({ "columns": columns })).await?;
    let fakes = [Fake::start(&HUBSPOT)?, Fake::start(&ITERABLE)?];
    let [mut hubspot, mut iterable] = fakes.each_ref().map(Fake::destination);
    hubspot["settings"]["idProperty"] = "email".into();
    iterable["settings"]["identifier"] = "email".into();
    iterable["settings"]["mode"] = "delete".into();
    for (destination, fake) in [(hubspot, &fakes[0]), (iterable, &fakes[1])] {
        world.stack.api.add_destination(&destination).await?;
        fake.world().users.extend(["ada@example.com", "shared@example.com"].map(str::to_owned));
    }
    world.braze.world().users.extend(["lms-1", "lms-2", "lms-3"].map(str::to_owned));
    Ok(fakes)
}

/// Lets the warehouse resolve learners, their addresses from this column.
async fn resolve(world: &World, email: &str) -> Result<()> {
    let to = json!([
        { "column": email, "type": "EMAIL" },
        { "column": "username", "type": "username" },
        { "column": "shop_id", "type": "shop" },
    ]);
    let from = json!({ "column": "id", "type": "USER_ID" });
    change(world, "Warehouse", &json!({ "resolves": [{ "table": "web.learners", "from": from, "to": to }] }))
        .await
}

pub async fn change(world: &World, name: &str, settings: &Value) -> Result<()> {
    let api = &world.stack.api;
    let all = api.get("/destinations").await?;
    let known = all["data"]["destinations"].as_array().context("a list")?;
    let one = known.iter().find(|one| one["name"] == name).context("it is connected")?;
    let path = format!("/destinations/{}", one["id"].as_str().context("an id")?);
    let (status, told) = api.send(Method::PATCH, &path, Some(&json!({ "settings": settings }))).await?;
    ensure!(status == 200, "{told}");
    Ok(())
}

fn hers() -> [Value; 4] {
    [
        json!({ "type": "track", "userId": "lms-1" }),
        json!({ "type": "identify", "anonymousId": "a-1", "context": { "traits": { "email": "ADA@example.com" } } }),
        json!({ "type": "track", "anonymousId": "a-1", "properties": { "username": "ada" } }),
        json!({ "type": "track", "anonymousId": "a-1", "properties": { "buyer": 901 } }),
    ]
}

/// Others' lines, which hold her identifiers where other kinds stand.
fn others() -> [Value; 5] {
    [
        json!({ "type": "track", "userId": "lms-2", "properties": { "buyer": 902 } }),
        json!({ "type": "track", "userId": "ada@example.com" }),
        json!({ "type": "track", "userId": "901", "context": { "traits": { "email": "ada" } } }),
        json!({ "type": "track", "anonymousId": "a-2", "properties": { "username": "lms-1", "note": "ada@example.com" } }),
        json!({ "type": "identify", "anonymousId": "a-3", "context": { "traits": { "email": "shared@example.com" } } }),
    ]
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

async fn left(world: &World) -> Result<Vec<String>> {
    Ok(world.warehouse.query(LEFT, &[]).await?.iter().map(|row| row.get(0)).collect())
}

async fn proves_by_pseudonyms(world: &World, regulation: &Value) -> Result<()> {
    let api = &world.stack.api;
    let id = regulation["id"].as_str().context("an id")?;
    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    let count = |claim: &str| claims[claim].as_array().map(Vec::len);
    assert_eq!((count("subjects"), count("resolvedSubjects")), (Some(1), Some(3)), "{claims:#}");
    let said = claims.to_string();
    assert!(!said.contains("ada@example.com") && !said.contains("lms-1"), "{said}");
    assert_eq!(regulation["resolvedSubjects"], json!([]), "they are dropped");
    Ok(())
}
