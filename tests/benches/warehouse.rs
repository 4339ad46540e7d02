//! How fast rows go in a real Postgres, beside the best SQL that one would write by hand, in the same run.
//!
//! 5 million rows of 100 bytes, a tenth of them of the 100,000 people to be erased. Rounds are interleaved, each on
//! fresh copies of the same table, which are made and brought to rest before the clock starts. By hand: the
//! identifiers are copied into a temporary table, which is analyzed, and `DELETE … USING` it.
//!
//! The same people as 20 regulations: deleted in groups, as large as a group may be, beside one after the other.
//!
//! `target/bench/warehouse.json` has a row per case: rows per second of ours and of the reference, their ratio, and
//! the ratio that is aimed at.

#![allow(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use destinations::warehouse::Table;
use model::subject::Subject;
use serde_json::{Value, json};
use tests::postgres::{PASSWORD, Postgres as Server, USER};
use tests::process::root;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use warehouses::postgres::Postgres;
use warehouses::{Engine, Ids, Memory, Statement, StatementState, Verb};

const ROWS: u32 = 5_000_000;
const PEOPLE: u32 = 1_000_000;
const ERASED: u32 = 100_000;
const ROUNDS: usize = 3;
const AT_LEAST: f64 = 0.5;
/// How many people a regulation may have, and how many a group.
const REGULATION: usize = 5_000;
const GROUP: usize = 50_000;
const TOGETHER_AT_LEAST: f64 = 2.0;

/// What is measured.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// With an index on the identifier's column.
    index: bool,
    /// How many people, and how they are spread.
    erased: u32,
    /// With the counts before and after.
    whole: bool,
}

const CASES: [Case; 3] = [
    Case { name: "forget 100,000 ids, no index", index: false, erased: ERASED, whole: false },
    Case { name: "find, forget, verify 100,000 ids, no index", index: false, erased: ERASED, whole: true },
    Case { name: "forget 100,000 ids, index on user_id", index: true, erased: ERASED, whole: false },
];

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` asks every benchmark whether it runs; measuring is for `make bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let server = Server::start(&root().join(".local/logs/bench-postgres.log")).await?;
    let client = server.server.create("bench").await?;
    client
        .batch_execute(&format!(
            "CREATE SCHEMA web;
             CREATE UNLOGGED TABLE original AS
               SELECT 'event-' || n AS id, 'user-' || (n::bigint * 7919 % {PEOPLE}) AS user_id, now() AS received_at,
                      repeat('x', 40) AS context
               FROM generate_series(1, {ROWS}) n"
        ))
        .await?;
    let mut rows = Vec::new();
    for case in CASES {
        let people: Vec<Subject> =
            (0..case.erased).map(|n| Subject::user(format!("user-{}", n * (PEOPLE / case.erased)))).collect();
        let (mut ours, mut reference) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Who begins changes, so that neither always runs on the warmer machine.
            for turn in 0..2 {
                prepare(&client, case).await?;
                let expected = u64::from(ROWS / PEOPLE * case.erased);
                if (round + turn) % 2 == 0 {
                    ours.push(erase(&server, &people, case, expected).await?);
                } else {
                    reference.push(by_hand(&client, &people, case, expected).await?);
                }
            }
        }
        rows.push(row(case.name, case.erased, [ours, reference], AT_LEAST));
    }
    rows.push(groups(&server, &client).await?);
    let target = root().join("target/bench");
    fs::create_dir_all(&target)?;
    fs::write(target.join("warehouse.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// Everyone's rows in groups, and regulation by regulation.
async fn groups(server: &Server, client: &Client) -> Result<Value> {
    let case = Case { name: "forget 20 regulations, together", index: false, erased: ERASED, whole: false };
    let people: Vec<Subject> =
        (0..ERASED).map(|n| Subject::user(format!("user-{}", n * (PEOPLE / ERASED)))).collect();
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for turn in 0..2 {
            prepare(client, case).await?;
            let (times, size) = match (round + turn) % 2 {
                0 => (&mut together, GROUP),
                _ => (&mut alone, REGULATION),
            };
            let mut took = Duration::ZERO;
            for people in people.chunks(size) {
                let expected = u64::from(ROWS / PEOPLE) * people.len() as u64;
                took += erase(server, people, case, expected).await?;
            }
            times.push(took);
        }
    }
    Ok(row(case.name, ERASED, [together, alone], TOGETHER_AT_LEAST))
}

/// What the medians say of a case.
fn row(name: &str, erased: u32, times: [Vec<Duration>; 2], at_least: f64) -> Value {
    let [ours, reference] = times.map(|mut times| {
        times.sort();
        f64::from(ROWS / PEOPLE * erased) / times[times.len() / 2].as_secs_f64()
    });
    let ratio = ours / reference;
    println!(
        "{name:<45} {ours:>10.0} rows/s  reference {reference:>10.0} rows/s  ratio {ratio:.2} (aim {at_least})"
    );
    json!({ "name": name, "ours": ours, "reference": reference, "ratio": ratio, "at_least": at_least })
}

/// A fresh copy of the table, at rest.
async fn prepare(client: &Client, case: Case) -> Result<()> {
    client
        .batch_execute("DROP TABLE IF EXISTS web.tracks; CREATE TABLE web.tracks AS TABLE original")
        .await?;
    if case.index {
        client.batch_execute("CREATE INDEX ON web.tracks (user_id)").await?;
    }
    client.batch_execute("VACUUM (ANALYZE, FREEZE) web.tracks").await?;
    Ok(client.batch_execute("CHECKPOINT").await?)
}

/// As Lethe does it, connection and discovery included.
async fn erase(server: &Server, people: &[Subject], case: Case, expected: u64) -> Result<Duration> {
    let settings = json!({ "host": "127.0.0.1", "port": server.server.port, "database": "bench", "user": USER,
                           "tls": "disable", "schemas": ["web"] });
    let settings = serde_json::from_value(settings)?;
    let begun = Instant::now();
    let mut engine = Postgres::connect(&settings, PASSWORD, true).await?;
    let tables = engine.discover().await?;
    let ids = Ids::new(people, &tables);
    if case.whole {
        ensure!(run(&mut engine, &tables, &ids, Verb::Count).await? == expected, "found");
    }
    ensure!(run(&mut engine, &tables, &ids, Verb::Delete).await? == expected, "forgotten");
    if case.whole {
        ensure!(run(&mut engine, &tables, &ids, Verb::Count).await? == 0, "verified");
    }
    Ok(begun.elapsed())
}

async fn run(engine: &mut Postgres, tables: &[Table], ids: &Ids<'_>, verb: Verb) -> Result<u64> {
    let statement = Statement { verb, tables, ids, seed: "bench" };
    let until = Instant::now() + Duration::from_secs(600);
    match engine.run(&statement, &mut Memory::default(), until).await? {
        StatementState::Done(answer) => Ok(answer.rows.iter().sum()),
        turn => anyhow::bail!("{turn:?}"),
    }
}

/// As a good administrator would do it.
async fn by_hand(client: &Client, people: &[Subject], case: Case, expected: u64) -> Result<Duration> {
    const COUNT: &str = "SELECT count(*) FROM web.tracks t JOIN gone ON t.user_id = gone.id";
    let ids: Vec<&str> = people.iter().map(|subject| subject.id.as_str()).collect();
    let parameter: &(dyn ToSql + Sync) = &ids;
    let begun = Instant::now();
    client.batch_execute("CREATE TEMP TABLE gone (id text PRIMARY KEY)").await?;
    client.execute("INSERT INTO gone SELECT unnest($1::text[])", &[parameter]).await?;
    client.batch_execute("ANALYZE gone").await?;
    if case.whole {
        ensure!(client.query_one(COUNT, &[]).await?.get::<_, i64>(0) as u64 == expected, "found");
    }
    let deleted =
        client.execute("DELETE FROM web.tracks t USING gone WHERE t.user_id = gone.id", &[]).await?;
    ensure!(deleted == expected, "forgotten");
    if case.whole {
        ensure!(client.query_one(COUNT, &[]).await?.get::<_, i64>(0) == 0, "verified");
    }
    let took = begun.elapsed();
    client.batch_execute("DROP TABLE gone").await?;
    Ok(took)
}
