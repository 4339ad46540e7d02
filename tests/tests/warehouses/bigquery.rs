//! BigQuery's SQL on bqemulator, through Google's own client. What the emulator does not do (a job's id used twice, the
//! streaming buffer, quotas) is answered by a proxy as Google documents it.

use anyhow::Result;
use model::evidence::Step;
use serde_json::{Value, json};
use tests::bigquery::{self as local, PROJECT};
use tests::proxy::{Proxy, Trouble};
use warehouses::bigquery::BigQuery;

use crate::machine;
use crate::suite::{self, Dialect, Double, Holdings, erase, people, report};

struct Local {
    bigquery: &'static local::BigQuery,
    proxy: Proxy,
    settings: Value,
    credentials: Value,
    dataset: String,
}

impl Local {
    /// A dataset of its own, which stands for the schema `web`.
    async fn new() -> Result<Self> {
        let bigquery = machine::bigquery().await?;
        let dataset = machine::name();
        bigquery.create_dataset(&dataset).await?;
        let proxy = Proxy::start(&bigquery.url)?;
        let columns = suite::columns(&dataset);
        let settings = json!({ "project": PROJECT, "location": "US", "datasets": [dataset], "endpoint": proxy.url,
                               "columns": columns });
        Ok(Self { bigquery, proxy, settings, credentials: json!({ "type": "anonymous" }), dataset })
    }
}

impl Double for Local {
    type Engine = BigQuery;

    const DIALECT: Dialect = Dialect {
        text: "STRING",
        integer: "INT64",
        numbers: |n| format!("UNNEST(GENERATE_ARRAY(1, {n})) AS n"),
        quote: |name| format!("`{name}`"),
        weird: "We-ird",
    };

    fn schema(&self) -> &str {
        &self.dataset
    }

    async fn connect(&self) -> model::failure::Result<BigQuery> {
        let settings = serde_json::from_value(self.settings.clone()).expect("valid settings");
        BigQuery::connect(&settings, &self.credentials.to_string(), true).await
    }

    async fn sql(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        self.bigquery.sql(sql).await
    }
}

suite::promises!(Local::new().await?);

impl Local {
    /// The next deletion from a table fails so: the job goes nowhere, and is asked for right after.
    fn fails(&self, table: &str, job: &Value) {
        let mut line = self.proxy.line();
        line.expect(
            &["POST", "/jobs", "DELETE FROM", table],
            Trouble::Then("GET /bigquery/v2/projects", 200, job.clone()),
        );
    }

    fn place(&self, table: &str) -> String {
        format!("{}.{table}", self.dataset)
    }
}

/// A job as BigQuery answers it, failed for this reason.
fn failed(reason: &str, message: &str) -> Value {
    let error = json!({ "reason": reason, "message": message });
    json!({ "kind": "bigquery#job", "jobReference": { "projectId": PROJECT, "jobId": "x" },
            "status": { "state": "DONE", "errorResult": error, "errors": [error] } })
}

fn error(code: u16, reason: &str) -> Value {
    let errors = [json!({ "domain": "global", "reason": reason, "message": reason })];
    json!({ "error": { "code": code, "message": reason, "errors": errors } })
}

/// Rows in the streaming buffer are left to a second pass after 90 minutes; the other tables are done at once.
#[tokio::test]
async fn streamed_rows_wait_for_a_second_pass() -> Result<()> {
    const BUFFER: &str = "UPDATE or DELETE statement over table x would affect rows in the streaming buffer, which is not supported";
    let local = Local::new().await?;
    suite::fill(&local).await?;
    let people = people([7]);
    let (mut kept, mut reports) = (Value::Null, Vec::new());
    // Twice: it is tried again while other tables get on.
    local.fails("`tracks`", &failed("invalidQuery", BUFFER));
    local.fails("`tracks`", &failed("invalidQuery", BUFFER));
    let failure =
        suite::invoke(&local, &people, "stream", &mut kept, &mut reports).await.expect_err("streamed");
    assert!(failure.is_transient() && failure.public.contains("tracks"), "{failure}");
    assert_eq!(failure.wait, Some(5_400));
    let between = Holdings::take(&local, &people).await?;
    assert_eq!(
        between.theirs.values().sum::<u64>(),
        between.theirs[&local.place("tracks")],
        "the others are done"
    );
    assert!(between.theirs[&local.place("tracks")] > 0);

    reports.extend(suite::erase_from(&local, &people, "stream", &mut kept).await?);
    assert_eq!(Holdings::take(&local, &people).await?.theirs.values().sum::<u64>(), 0);
    let forgotten = report(&reports, Step::Forget)?;
    assert_eq!(forgotten.counts[&local.place("tracks")], 2);
    let residual = forgotten.residuals.keys().next().expect("what Google keeps");
    assert!(residual.contains("until 20") && residual.contains("time travel"), "{residual}");
    Ok(())
}

/// A deletion whose answer was lost is a job that BigQuery has: it says so, and its result is taken.
#[tokio::test]
async fn a_job_that_was_begun_is_taken_up() -> Result<()> {
    let local = Local::new().await?;
    suite::fill(&local).await?;
    let people = people([7]);
    {
        let mut line = local.proxy.line();
        line.expect(&["POST", "/jobs", "DELETE FROM", "`tracks`"], Trouble::Lost);
        line.expect(
            &["POST", "/jobs", "DELETE FROM", "`tracks`"],
            Trouble::Answer(409, error(409, "duplicate")),
        );
    }
    let reports = erase(&local, &people, "begun").await?;
    assert_eq!(
        report(&reports, Step::Forget)?.counts[&local.place("tracks")],
        2,
        "what the lost one deleted"
    );
    let calls = local.proxy.line().calls.clone();
    let ids: std::collections::BTreeSet<_> = calls
        .iter()
        .filter(|call| call.starts_with("POST") && call.contains("DELETE FROM") && call.contains("`tracks`"))
        .map(|call| {
            call.split("\"jobId\":\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 1, "always the same id: {ids:?}");
    Ok(())
}

/// Rate limits, quotas and faults are waited for; a revoked account and a missing dataset are said.
#[tokio::test]
async fn what_stands_in_the_way_is_said() -> Result<()> {
    let local = Local::new().await?;
    suite::fill(&local).await?;
    let people = people([7]);
    {
        let mut line = local.proxy.line();
        line.expect(&["POST", "/jobs", "COUNT(*)"], Trouble::Answer(429, error(429, "rateLimitExceeded")));
        line.expect(&["POST", "/jobs", "COUNT(*)"], Trouble::Answer(503, error(503, "backendError")));
        line.expect(&["GET", "/jobs/lethe_"], Trouble::Answer(500, error(500, "internalError")));
        line.expect(&["GET", "/jobs/lethe_"], Trouble::Answer(200, failed("rateLimitExceeded", "slow down")));
    }
    erase(&local, &people, "faults").await?;
    assert!(local.proxy.line().faults.is_empty(), "all troubles were met");

    local.proxy.line().expect(&["GET", "/datasets"], Trouble::Answer(403, error(403, "accessDenied")));
    let failure = erase(&local, &people, "denied").await.expect_err("denied");
    assert!(failure.public.contains("grant"), "{failure}");

    let mut elsewhere = Local::new().await?;
    elsewhere.settings["datasets"] = json!(["nowhere"]);
    let failure = erase(&elsewhere, &people, "nowhere").await.expect_err("no dataset");
    assert!(failure.public.contains("nowhere"), "{failure}");
    elsewhere.credentials = json!({ "type": "service_account", "private_key": "broken" });
    let failure = erase(&elsewhere, &people, "key").await.expect_err("no key");
    assert!(failure.public.contains("credentials") && !failure.public.contains("broken"), "{failure}");
    Ok(())
}

/// A partition filter is part of every statement and binds every column: what it leaves out stays, whichever column names
/// the person, and the evidence says so (Fides #5432: `a OR b AND since` deleted outside the window).
#[tokio::test]
async fn partitions_before_a_day_are_left_out_and_said() -> Result<()> {
    let mut local = Local::new().await?;
    let dataset = local.dataset.clone();
    let events = format!("{dataset}.events");
    local.settings["columns"] = json!([{ "table": events, "column": "referrer", "type": "USER_ID" }]);
    local.settings["partitions"] = json!([{ "table": events, "column": "at", "since": "2026-01-01" }]);
    local
        .sql(&format!(
            "CREATE TABLE `{dataset}`.`events` (`user_id` STRING, `referrer` STRING, `at` DATE) PARTITION BY at"
        ))
        .await?;
    let rows = "('7', NULL, DATE '2025-12-31'), (NULL, '7', DATE '2025-12-31'), ('7', NULL, DATE '2026-01-01'), \
                ('8', '7', DATE '2026-01-01'), ('7', '7', NULL), ('8', '9', DATE '2026-01-01')";
    local.sql(&format!("INSERT INTO `{dataset}`.`events` VALUES {rows}")).await?;
    let reports = erase(&local, &people([7]), "parts").await?;
    assert_eq!(report(&reports, Step::Forget)?.counts.values().sum::<u64>(), 3);
    let residuals = &report(&reports, Step::Forget)?.residuals;
    assert!(residuals.keys().any(|reason| reason.contains("2026-01-01")), "{residuals:?}");
    let outside = format!("SELECT COUNT(*) FROM `{dataset}`.`events` WHERE `at` < DATE '2026-01-01'");
    assert_eq!(local.sql(&outside).await?, [["2"]]);
    assert_eq!(local.sql(&format!("SELECT COUNT(*) FROM `{dataset}`.`events`")).await?, [["3"]]);
    Ok(())
}
