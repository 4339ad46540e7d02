//! Redshift's Data API, driven by the real SDK, over Postgres, which runs the statements: Redshift's own dialect is not
//! tested.

use anyhow::Result;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use model::evidence::Step;
use serde_json::{Value, json};
use tests::postgres::USER;
use tests::proxy::{Proxy, Trouble};
use tests::redshift::{self as local, CLUSTER};
use tokio_postgres::Client;
use warehouses::redshift::Redshift;

use crate::machine;
use crate::postgres::{DIALECT, rows};
use crate::suite::{self, Dialect, Double, Holdings, SCHEMA, erase, people, report};

struct Local {
    owner: Client,
    redshift: local::Redshift,
    proxy: Proxy,
    settings: Value,
}

impl Local {
    async fn new() -> Result<Self> {
        let (server, database) = (machine::postgres().await?.server, machine::name());
        let owner = server.create(&database).await?;
        local::Redshift::prepare(&owner).await?;
        owner.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await?;
        let redshift = local::Redshift::start(server)?;
        let proxy = Proxy::start(&redshift.url)?;
        let settings = json!({ "cluster": CLUSTER, "database": database, "user": USER, "schemas": [SCHEMA],
                               "endpoint": proxy.url, "columns": suite::columns(SCHEMA) });
        Ok(Self { owner, redshift, proxy, settings })
    }
}

impl Double for Local {
    type Engine = Redshift;
    const DIALECT: Dialect = DIALECT;

    async fn connect(&self) -> model::failure::Result<Redshift> {
        let settings = serde_json::from_value(self.settings.clone()).expect("valid settings");
        Ok(Redshift::connect(&settings, &config()))
    }

    async fn sql(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        rows(&self.owner, sql).await
    }
}

/// As `aws::config`, without reading anything of this machine.
fn config() -> SdkConfig {
    let credentials = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(credentials))
        .build()
}

suite::promises!(Local::new().await?);

/// A statement whose answer was lost is known to the Data API by its token, and is not run twice.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again_by_its_token() -> Result<()> {
    let local = Local::new().await?;
    suite::fill(&local).await?;
    local.proxy.line().expect(&["ExecuteStatement", "DELETE FROM", "tracks"], Trouble::Lost);
    let reports = erase(&local, &people([7]), "token").await?;
    assert_eq!(report(&reports, Step::Forget)?.counts["web.tracks"], 2, "what the lost one deleted");
    let residuals = &report(&reports, Step::Forget)?.residuals;
    assert_eq!(residuals.len(), 7, "a hint per table: {residuals:?}");
    assert!(residuals.keys().all(|reason| reason.contains("VACUUM DELETE ONLY")));
    Ok(())
}

/// A session that is lost is opened anew; a statement that takes long is left to the state machine.
#[tokio::test]
async fn sessions_are_opened_anew_and_long_statements_waited_for() -> Result<()> {
    let local = Local::new().await?;
    suite::fill(&local).await?;
    let people = people(1..=5_000);
    let mut engine = local.connect().await?;
    let tables = warehouses::Engine::discover(&mut engine).await?;
    let ids = warehouses::Ids::new(&people, &tables);
    let mut memory = warehouses::Memory::default();
    let statement =
        warehouses::Statement { verb: warehouses::Verb::Count, tables: &tables, ids: &ids, seed: "long" };
    let at_once = std::time::Instant::now();
    // The set-up is described once for each of its statements; then the count runs on.
    let turn = warehouses::Engine::run(&mut engine, &statement, &mut memory, at_once).await?;
    let ran = matches!(turn, warehouses::StatementState::Later { .. });
    assert_eq!(ran, memory.handle.is_some(), "{turn:?}");
    assert!(memory.session.is_some(), "the session is kept");
    let kept = serde_json::to_string(&memory)?;
    assert!(!kept.contains("4999"), "no identifier is kept: {kept}");

    local.redshift.world().forget_sessions();
    let reports = erase(&local, &people, "lost").await?;
    assert_eq!(report(&reports, Step::Verify)?.counts.values().sum::<u64>(), 0);
    assert_eq!(Holdings::take(&local, &people).await?.theirs.values().sum::<u64>(), 0);
    Ok(())
}

#[tokio::test]
async fn what_stands_in_the_way_is_said() -> Result<()> {
    let role = machine::name();
    let mut local = Local::new().await?;
    suite::fill(&local).await?;
    let people = people([7]);
    let throttled = json!({ "__type": "ActiveStatementsExceededException", "Message": "200 are active" });
    local.proxy.line().expect(&["ExecuteStatement", "COUNT(*)"], Trouble::Answer(400, throttled));
    local
        .proxy
        .line()
        .expect(&["DescribeStatement"], Trouble::Answer(500, json!({ "__type": "InternalServerException" })));
    erase(&local, &people, "faults").await?;
    assert!(local.proxy.line().faults.is_empty(), "all troubles were met");

    let password = tests::postgres::PASSWORD;
    local
        .owner
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{password}'; GRANT USAGE ON SCHEMA web TO {role};
             GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA web TO {role}; REVOKE DELETE ON web.users FROM {role}"
        ))
        .await?;
    local.settings["user"] = json!(role);
    let failure = erase(&local, &suite::people([8]), "revoked").await.expect_err("users is shut");
    assert!(!failure.is_transient() && failure.public.contains("web.users"), "{failure}");
    assert!(failure.public.contains("grant") && !failure.public.contains("web.tracks"), "{failure}");

    for (field, value, said) in [
        ("schemas", json!(["nowhere"]), "nowhere"),
        ("database", json!("nowhere"), "database"),
        ("cluster", json!("nowhere"), "cluster"),
    ] {
        let before = std::mem::replace(&mut local.settings[field], value);
        let failure = erase(&local, &people, "wrong").await.expect_err(said);
        assert!(!failure.is_transient() && failure.public.contains(said), "{said}: {failure}");
        local.settings[field] = before;
    }
    let denied = json!({ "__type": "AccessDeniedException", "Message": "not authorized" });
    local.proxy.line().expect(&["ExecuteStatement"], Trouble::Answer(400, denied));
    let failure = erase(&local, &people, "denied").await.expect_err("denied");
    assert!(failure.public.contains("RedshiftTargets"), "{failure}");
    Ok(())
}
