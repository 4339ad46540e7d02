//! One regulation over all four kinds of warehouses at once: connected and checked through the public API, erased by
//! the deployed function over as many invocations as it takes, with evidence in the certificate.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::api::destinations;
use tests::bigquery::{BigQuery, PROJECT};
use tests::certificate;
use tests::people::{THREE, everyone};
use tests::postgres::{Server, USER};
use tests::process::root;
use tests::redshift::{CLUSTER, Redshift};
use tests::scenario::task;
use tests::snowflake::{self, Snowflake};
use tests::world::World;

#[tokio::test]
async fn one_regulation_erases_from_all_four() -> Result<()> {
    let world = World::new().await?;
    let people = everyone(50);
    tests::warehouse::fill(&world.warehouse, &people, 50).await?;
    let log = |of: &str| root().join(format!(".local/logs/test-{of}.log"));

    let bigquery = BigQuery::start(&log("bigquery")).await?;
    bigquery.create_dataset("web").await?;
    bigquery.sql("CREATE TABLE web.tracks (id STRING, user_id STRING)").await?;
    let snowflake = Snowflake::start(&log("snowflake")).await?;
    snowflake.sql("EVENTS", "CREATE SCHEMA EVENTS.WEB").await?;
    snowflake.sql("EVENTS", "CREATE TABLE EVENTS.WEB.TRACKS (ID VARCHAR, USER_ID VARCHAR)").await?;
    let server = Server { port: world.postgres };
    let rows = server.create(&format!("{}_redshift", world.stack.name)).await?;
    Redshift::prepare(&rows).await?;
    rows.batch_execute("CREATE SCHEMA web; CREATE TABLE web.tracks (id text, user_id text)").await?;
    let redshift = Redshift::strict(server, world.stack.aws)?;
    for (n, person) in people.iter().enumerate() {
        // In Snowflake and BigQuery a backslash begins an escape.
        let text = |quote: &str, backslash: &str| person.replace('\\', backslash).replace('\'', quote);
        rows.execute("INSERT INTO web.tracks VALUES ($1, $2)", &[&n.to_string(), person]).await?;
        bigquery.sql(&format!("INSERT INTO web.tracks VALUES ('{n}', '{}')", text("\\'", "\\\\"))).await?;
        let insert = format!("INSERT INTO EVENTS.WEB.TRACKS VALUES ('{n}', '{}')", text("''", "\\\\"));
        snowflake.sql("EVENTS", &insert).await?;
    }

    let api = &world.stack.api;
    for destination in [
        json!({ "name": "BigQuery", "vendor": "bigquery",
                "settings": { "project": PROJECT, "location": "US", "datasets": ["web"], "endpoint": bigquery.url },
                "secrets": { "credentials": "{\"type\": \"anonymous\"}" } }),
        json!({ "name": "Snowflake", "vendor": "snowflake",
                "settings": { "account": snowflake::ACCOUNT, "user": snowflake::USER, "warehouse": "WH",
                              "database": "EVENTS", "schemas": ["WEB"], "endpoint": snowflake.url },
                "secrets": { "privateKey": snowflake.private_key } }),
        json!({ "name": "Redshift", "vendor": "redshift",
                "settings": { "cluster": CLUSTER, "user": USER, "database": format!("{}_redshift", world.stack.name),
                              "schemas": ["web"], "endpoint": redshift.url } }),
    ] {
        let id = api.add_destination(&destination).await?;
        let finding = api.post(&format!("/destinations/{id}/check"), &Value::Null).await?;
        assert_eq!(finding["data"]["ok"], true, "{finding:#}");
        let table = finding["data"]["details"]["tables"][0]["table"].as_str().context("a table")?;
        assert_eq!(table.to_lowercase(), "web.tracks", "{finding:#}");
    }

    let id = api.erase(&THREE).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    for name in ["Warehouse", "BigQuery", "Snowflake", "Redshift"] {
        assert_eq!(task(&regulation, name).0, "CONFIRMED", "{name}: {regulation:#}");
    }
    let left = people.len() - THREE.len();
    for rows in [
        bigquery.sql("SELECT user_id FROM web.tracks").await?,
        snowflake.sql("EVENTS", "SELECT USER_ID FROM EVENTS.WEB.TRACKS").await?,
        rows.query("SELECT user_id FROM web.tracks", &[]).await?.iter().map(|row| vec![row.get(0)]).collect(),
    ] {
        assert_eq!(rows.len(), left, "everyone else stays");
        assert!(rows.iter().all(|row| !THREE.contains(&row[0].as_str())), "the three are gone");
    }

    let answer = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = answer["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    let evidence = claims["evidence"].as_array().context("evidence")?;
    let of = |vendor: &str, step: &str| {
        evidence
            .iter()
            .find(|e| e["vendor"] == vendor && e["step"] == step)
            .with_context(|| format!("{claims:#}"))
    };
    for vendor in ["bigquery", "snowflake", "redshift"] {
        let sum = |step: &str| -> Result<u64> {
            let counts = of(vendor, step)?["counts"].as_object().context("counts")?;
            Ok(counts.values().filter_map(Value::as_u64).sum())
        };
        assert_eq!((sum("find")?, sum("forget")?, sum("verify")?), (3, 3, 0), "{vendor}");
        assert!(of(vendor, "forget")?["residuals"].is_object(), "{vendor}: what is not gone yet");
    }
    assert_eq!(destinations(&regulation).len(), 6);
    Ok(())
}
