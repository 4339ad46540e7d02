//! Snowflake's SQL on fakesnow behind the SQL API, which checks our tokens.

use anyhow::Result;
use model::evidence::Step;
use serde_json::{Value, json};
use tests::prism::Prism;
use tests::proxy::{Proxy, Trouble};
use tests::snowflake::{self as local, ACCOUNT, USER};
use warehouses::snowflake::Snowflake;

use crate::machine;
use crate::suite::{self, Dialect, Double, Holdings, SCHEMA, erase, people, report};

struct Local {
    snowflake: &'static local::Snowflake,
    proxy: Proxy,
    settings: Value,
    key: String,
    database: String,
}

impl Local {
    async fn new() -> Result<Self> {
        let (snowflake, database) = (machine::snowflake().await?, machine::name().to_uppercase());
        snowflake.sql(&database, &format!("CREATE SCHEMA \"{database}\".\"{SCHEMA}\"")).await?;
        let proxy = Proxy::start(&snowflake.url)?;
        let settings = json!({ "account": ACCOUNT, "user": USER, "warehouse": "WH", "database": database,
                               "schemas": [SCHEMA], "endpoint": proxy.url, "columns": suite::columns(SCHEMA) });
        Ok(Self { snowflake, proxy, settings, key: snowflake.private_key.clone(), database })
    }
}

impl Double for Local {
    type Engine = Snowflake;

    const DIALECT: Dialect = Dialect {
        text: "VARCHAR",
        integer: "NUMBER(38,0)",
        numbers: |n| {
            format!(
                "(SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) AS n FROM TABLE(GENERATOR(ROWCOUNT => {n})))"
            )
        },
        quote: |name| format!("\"{}\"", name.replace('"', "\"\"")),
        weird: r#"We"ird"#,
    };

    async fn connect(&self) -> model::failure::Result<Snowflake> {
        let settings = serde_json::from_value(self.settings.clone()).expect("valid settings");
        Snowflake::connect(&settings, &self.key)
    }

    async fn sql(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        self.snowflake
            .sql(&self.database, &sql.replace("\"web\".", &format!("\"{}\".\"web\".", self.database)))
            .await
    }
}

/// The client and the shim, held against Snowflake's own description of the SQL API.
#[tokio::test]
#[ignore = "needs the vendors' documents: make contract SPECS=folder"]
async fn client_and_shim_keep_to_snowflakes_own_description() -> Result<()> {
    let mut local = Local::new().await?;
    let prism = Prism::before(&local.snowflake.url, "snowflake-sqlapi.yaml", "").await?;
    local.settings["endpoint"] = json!(prism.url);
    suite::one_and_five_thousand(&local).await
}

suite::promises!(Local::new().await?);

/// A statement whose answer was lost is known to Snowflake by its request id, and is not run twice; what can be
/// brought back is said with the day.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again_by_its_request() -> Result<()> {
    let local = Local::new().await?;
    suite::fill(&local).await?;
    local.proxy.line().expect(&["POST", "DELETE FROM", "tracks"], Trouble::Lost);
    let reports = erase(&local, &people([7]), "request").await?;
    let forgotten = report(&reports, Step::Forget)?;
    assert_eq!(forgotten.counts["web.tracks"], 2, "what the lost one deleted");
    // fakesnow keeps every table for a day; then come seven of Fail-safe.
    let day = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(8 * 24)).strftime("%F").to_string();
    let (reason, rows) = forgotten.residuals.iter().next().expect("what Snowflake keeps");
    assert!(reason.contains(&day) && reason.contains("Fail-safe"), "{reason}");
    assert_eq!(*rows, forgotten.counts.values().sum::<u64>());
    let bodies = local.proxy.line().calls.join("\n");
    assert!(bodies.contains("\"bindings\"") && !bodies.contains("IN ('7'"), "identifiers are bound");
    Ok(())
}

#[tokio::test]
async fn what_stands_in_the_way_is_said() -> Result<()> {
    let mut local = Local::new().await?;
    suite::fill(&local).await?;
    let people = people([7]);
    let handle = "01b12345-0000-0000-0000-000000000001";
    let said = |code: &str, state: &str| json!({ "code": code, "sqlState": state, "message": "about 7", "statementHandle": handle });
    {
        let mut line = local.proxy.line();
        line.expect(&["POST", "COUNT(*)"], Trouble::Answer(429, Value::Null));
        line.expect(&["POST", "COUNT(*)"], Trouble::Answer(503, Value::Null));
        line.expect(&["POST", "DELETE", "users"], Trouble::Answer(422, said("000625", "57014")));
        // It runs for a while.
        line.expect(&["GET", "/api/v2/statements/"], Trouble::Answer(202, said("333334", "00000")));
        line.expect(&["GET", "/api/v2/statements/"], Trouble::Answer(504, Value::Null));
    }
    erase(&local, &people, "faults").await?;
    assert!(local.proxy.line().faults.is_empty(), "all troubles were met");
    assert_eq!(Holdings::take(&local, &people).await?.theirs.values().sum::<u64>(), 0);

    let others = suite::people([8]);
    for _ in 0..2 {
        local
            .proxy
            .line()
            .expect(&["POST", "DELETE", "users"], Trouble::Answer(422, said("003001", "42501")));
    }
    let failure = erase(&local, &others, "revoked").await.expect_err("users is shut");
    assert!(!failure.is_transient() && failure.public.contains("web.users"), "{failure}");
    assert!(failure.public.contains("42501") && !failure.public.contains("about 7"), "{failure}");

    for (field, value, said) in [
        ("schemas", json!(["nowhere"]), "nowhere"),
        ("user", json!("SOMEBODY"), "RSA_PUBLIC_KEY"),
        ("account", json!("other"), "RSA_PUBLIC_KEY"),
    ] {
        let before = std::mem::replace(&mut local.settings[field], value);
        let failure = erase(&local, &people, "wrong").await.expect_err(said);
        assert!(!failure.is_transient() && failure.public.contains(said), "{said}: {failure}");
        local.settings[field] = before;
    }
    local.key = local.snowflake.unknown_key.clone();
    let failure = erase(&local, &people, "key").await.expect_err("an unknown key");
    assert!(failure.public.contains("RSA_PUBLIC_KEY"), "{failure}");
    local.key = "broken".into();
    let failure = erase(&local, &people, "key").await.expect_err("no key");
    assert!(failure.public.contains("privateKey"), "{failure}");
    Ok(())
}
