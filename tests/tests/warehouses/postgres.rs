//! A real Postgres: what is promised of every engine, and its own types, partitions, keys and rights.

use std::time::{Duration, Instant};

use anyhow::Result;
use model::evidence::Step;
use model::failure::FailureKind;
use model::subject::Subject;
use serde_json::{Value, json};
use tests::postgres::{PASSWORD, Server, USER};
use tokio_postgres::{Client, SimpleQueryMessage};
use warehouses::postgres::Postgres;
use warehouses::survey;
use warehouses::{Engine, Ids, Memory, Rows, Statement, StatementState, Verb};

use crate::machine;
use crate::suite::{self, Dialect, Double, SCHEMA, erase, people, report};

pub const DIALECT: Dialect = Dialect {
    text: "text",
    integer: "bigint",
    numbers: |n| format!("generate_series(1, {n}) AS numbers(n)"),
    quote: |name| format!("\"{}\"", name.replace('"', "\"\"")),
    weird: r#"We"ird"#,
};

pub struct Local {
    pub owner: Client,
    pub settings: Value,
    password: &'static str,
}

impl Local {
    /// A database of its own with one schema.
    pub async fn new() -> Result<Self> {
        let (server, database) = (machine::postgres().await?.server, machine::name());
        let owner = server.create(&database).await?;
        owner.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await?;
        Ok(Self { owner, settings: settings(server, &database, USER), password: PASSWORD })
    }

    /// As a role that the test makes.
    pub fn with_user(mut self, user: &str) -> Self {
        self.settings["user"] = user.into();
        self
    }

    pub async fn setting(self, sql: &str) -> Result<Self> {
        self.owner.batch_execute(&format!("SET search_path TO {SCHEMA}, public; {sql}")).await?;
        Ok(self)
    }
}

fn settings(server: Server, database: &str, user: &str) -> Value {
    json!({ "host": "127.0.0.1", "port": server.port, "database": database, "user": user, "tls": "disable",
            "schemas": [SCHEMA] })
}

impl Double for Local {
    type Engine = Postgres;
    const DIALECT: Dialect = DIALECT;

    async fn connect(&self) -> model::failure::Result<Postgres> {
        let settings = serde_json::from_value(self.settings.clone()).expect("valid settings");
        Postgres::connect(&settings, self.password, true).await
    }

    async fn sql(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        rows(&self.owner, sql).await
    }
}

/// The rows of a statement, as texts.
pub async fn rows(client: &Client, sql: &str) -> Result<Vec<Vec<String>>> {
    let messages = client.simple_query(sql).await?;
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|n| row.get(n).unwrap_or_default().to_owned()).collect())
        }
        _ => None,
    };
    Ok(messages.iter().filter_map(row).collect())
}

async fn with_members() -> Result<Local> {
    let mut local = Local::new().await?;
    local.settings["columns"] = suite::columns(SCHEMA);
    Ok(local)
}

suite::promises!(with_members().await?);

/// As the extension of the name makes it, which does not come with the Postgres at hand: in a schema of its own, with
/// an operator that is not on the search path.
const CITEXT: &str = "
    CREATE TYPE ext.citext;
    CREATE FUNCTION ext.citextin(cstring) RETURNS ext.citext LANGUAGE internal IMMUTABLE STRICT AS 'textin';
    CREATE FUNCTION ext.citextout(ext.citext) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
    CREATE TYPE ext.citext (INPUT = ext.citextin, OUTPUT = ext.citextout, LIKE = text, CATEGORY = 'S');
    CREATE CAST (ext.citext AS text) WITHOUT FUNCTION AS IMPLICIT;
    CREATE CAST (text AS ext.citext) WITHOUT FUNCTION AS ASSIGNMENT;
    CREATE FUNCTION ext.citext_eq(ext.citext, ext.citext) RETURNS bool LANGUAGE sql IMMUTABLE STRICT
        AS 'SELECT lower($1::text) = lower($2::text)';
    CREATE OPERATOR ext.= (LEFTARG = ext.citext, RIGHTARG = ext.citext, PROCEDURE = ext.citext_eq);";

/// Every type that identifiers come in, by value where the type has one: with an index and without.
#[tokio::test]
async fn identifiers_are_found_in_columns_of_every_type() -> Result<()> {
    const UUID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    let types = [
        ("bigint", "42", "420"),
        ("int", "42", "-42"),
        ("smallint", "42", "4"),
        ("numeric(20,2)", "42", "42.5"),
        ("varchar(80)", "Ada@x.io", "ada@x.io"),
        ("char(12)", "Ada@x.io", "ada@x.io"),
        ("citext", "ada@X.io", "ada@x.ioo"),
        ("id", "42", "43"),
        ("uuid", UUID, "00000000-0000-0000-0000-000000000000"),
        ("name", "Ada@x.io", "ada@x.io"),
        ("json", "42", "\"42\""),
    ];
    let mut sql =
        format!("CREATE SCHEMA ext; CREATE DOMAIN id AS bigint; {CITEXT} SET search_path TO web, ext; ");
    for (n, (kind, theirs, others)) in types.iter().enumerate() {
        for (table, index) in [("plain", ""), ("indexed", "CREATE INDEX ON")] {
            let name = format!("{table}_{n}");
            sql += &format!("CREATE TABLE {name} (user_id {kind}, x int); ");
            if !index.is_empty() && !["json", "citext"].contains(kind) {
                sql += &format!("{index} {name} (user_id); ");
            }
            sql += &format!(
                "INSERT INTO {name} VALUES ('{theirs}', 1), ('{theirs}', 2), ('{others}', 3), (NULL, 4); "
            );
        }
    }
    let local = Local::new().await?.setting(&sql).await?;
    let subjects =
        ["42", "042", "Ada@x.io", &UUID.to_uppercase(), "no number", "99999999999999999999999", "a\0b"];
    let subjects = subjects.map(Subject::user);
    let reports = erase(&local, &subjects, "types").await?;
    for (table, rows) in &report(&reports, Step::Find)?.counts {
        assert_eq!(*rows, 2, "{table} {}", types[table[table.find('_').unwrap() + 1..].parse::<usize>()?].0);
    }
    for (n, (kind, ..)) in types.iter().enumerate() {
        for table in ["plain", "indexed"] {
            let left = local.sql(&format!("SELECT x FROM web.{table}_{n} ORDER BY x")).await?;
            assert_eq!(left, [["3"], ["4"]], "{table} {kind}");
        }
    }
    Ok(())
}

/// Partitions go with their parent, wherever they lie; tables that inherit are tables of their own; generated and
/// identity columns are no hindrance.
#[tokio::test]
async fn partitions_heirs_and_generated_columns() -> Result<()> {
    let local = Local::new()
        .await?
        .setting(
            "CREATE SCHEMA parts;
             CREATE TABLE events (n int GENERATED ALWAYS AS IDENTITY, at date, user_id text) PARTITION BY RANGE (at);
             CREATE TABLE parts.y2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
             CREATE TABLE parts.y2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (user_id);
             CREATE TABLE parts.\"y2026 \"\"a\" PARTITION OF parts.y2026 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE parts.y2026b PARTITION OF parts.y2026 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             INSERT INTO events (at, user_id) SELECT date '2025-06-01' + n % 500, n % 10 FROM generate_series(1, 1000) n;
             CREATE TABLE calls (payload jsonb, user_id text GENERATED ALWAYS AS (payload->>'userId') STORED);
             INSERT INTO calls SELECT jsonb_build_object('userId', n % 10) FROM generate_series(1, 100) n;
             CREATE TABLE vip_calls () INHERITS (calls);
             INSERT INTO vip_calls SELECT jsonb_build_object('userId', n % 10) FROM generate_series(1, 30) n;",
        )
        .await?;
    let reports = erase(&local, &people([7]), "parts").await?;
    let expected = [("web.calls", 10), ("web.events", 100), ("web.vip_calls", 3)];
    let expected: Rows = expected.map(|(table, rows)| (table.to_owned(), rows)).into();
    assert_eq!(report(&reports, Step::Find)?.counts, expected);
    assert_eq!(report(&reports, Step::Forget)?.counts, expected);
    assert_eq!(
        local.sql("SELECT count(*), count(*) FILTER (WHERE user_id = '7') FROM web.events").await?,
        [["900", "0"]]
    );
    assert_eq!(
        local.sql("SELECT count(*), count(*) FILTER (WHERE user_id = '7') FROM web.calls").await?,
        [["117", "0"]]
    );
    Ok(())
}

/// A child that is erased too is no hindrance, in whatever order the tables come; one that is not in scope is, and is
/// named; the other tables are done nevertheless.
#[tokio::test]
async fn foreign_keys_are_reported_and_never_cascaded() -> Result<()> {
    let local = Local::new()
        .await?
        .setting(
            "CREATE TABLE accounts (user_id text PRIMARY KEY);
             CREATE TABLE orders (id int PRIMARY KEY, user_id text REFERENCES accounts);
             CREATE TABLE payments (id int, user_id text, paid_order int CONSTRAINT \"pays \"\"for\" REFERENCES orders);
             CREATE TABLE notes (id int, about text REFERENCES accounts ON DELETE CASCADE);
             INSERT INTO accounts SELECT n FROM generate_series(1, 9) n;
             INSERT INTO orders SELECT n, n FROM generate_series(1, 9) n;
             INSERT INTO payments SELECT n, n, n FROM generate_series(1, 8) n;
             INSERT INTO payments VALUES (9, NULL, 9);",
        )
        .await?;
    let reports = erase(&local, &people([7]), "keys").await?;
    assert_eq!(report(&reports, Step::Forget)?.counts.values().sum::<u64>(), 3);

    let mut kept = Value::Null;
    let mut reports = Vec::new();
    let failure = suite::invoke(&local, &people([8, 9]), "stuck", &mut kept, &mut reports)
        .await
        .expect_err("9 is paid for");
    assert_eq!(failure.kind, FailureKind::Permanent);
    for named in ["web.orders", "web.accounts", "pays \"for", "web.payments", "23503", "cascaded"] {
        assert!(failure.public.contains(named), "{named}: {failure}");
    }
    // 8 and 9 are one statement to Postgres: who stands in the way keeps both, but not the payments.
    assert_eq!(report(&reports, Step::Forget)?.counts["web.payments"], 1);
    assert!(report(&reports, Step::Verify)?.counts["web.orders"] > 0, "what is left is told");
    local.owner.batch_execute("DELETE FROM web.payments WHERE id = 9").await?;
    erase(&local, &people([8, 9]), "freed").await?;
    assert_eq!(local.sql("SELECT count(*) FROM web.accounts").await?, [["6"]]);

    let checked = survey::check(&mut local.connect().await?, &[]).await?;
    assert!(checked.remarks[0].contains("notes"), "{:?}", checked.remarks);
    Ok(())
}

/// What stands in the way is said so that somebody can act, without a value; and a policy that hides rows is no proof
/// that there are none.
#[tokio::test]
async fn what_stands_in_the_way_is_said() -> Result<()> {
    let role = machine::name();
    let local = Local::new()
        .await?
        .setting(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}';
             CREATE TABLE open_one (user_id text); CREATE TABLE shut (user_id text); CREATE TABLE veiled (user_id text);
             INSERT INTO open_one VALUES ('secret-7'); INSERT INTO shut VALUES ('secret-7'); INSERT INTO veiled VALUES ('secret-7');
             ALTER TABLE veiled ENABLE ROW LEVEL SECURITY;
             GRANT USAGE ON SCHEMA web TO {role}; GRANT SELECT, DELETE ON open_one, veiled TO {role}; GRANT SELECT ON shut TO {role};"
        ))
        .await?
        .with_user(&role);
    let subjects = [Subject::user("secret-7")];
    let failure = erase(&local, &subjects, "shut").await.expect_err("two tables are shut");
    assert_eq!(failure.kind, FailureKind::Permanent);
    assert!(failure.public.contains("web.shut") && failure.public.contains("web.veiled"), "{failure}");
    assert!(!failure.public.contains("open_one") && !failure.public.contains("secret-7"), "{failure}");
    assert_eq!(local.sql("SELECT count(*) FROM web.open_one").await?, [["0"]], "its neighbour is erased");

    let wrong = Local { password: "wrong", ..local };
    for (field, value, said) in [
        ("schemas", json!([SCHEMA]), "password"),
        ("schemas", json!(["nowhere"]), "nowhere"),
        ("database", json!("nowhere"), "database"),
        ("columns", json!([{ "column": "no_such", "type": "USER_ID" }]), "no_such"),
        ("port", json!(1), "cannot be reached"),
    ] {
        let mut settings = wrong.settings.clone();
        settings[field] = value;
        let password = if said == "password" { "wrong" } else { PASSWORD };
        let local =
            Local { settings, password, owner: machine::postgres().await?.server.connect("postgres").await? };
        let failure =
            suite::invoke(&local, &subjects, "x", &mut Value::Null, &mut Vec::new()).await.expect_err(said);
        assert!(failure.public.contains(said), "{said}: {failure}");
        assert_eq!(failure.is_transient(), field == "port", "{failure}");
    }
    Ok(())
}

/// Few people are looked up in the index of a large table, many are found by reading it; a deletion stays with what it
/// began with, in whatever state the next invocation finds the table.
#[tokio::test]
async fn few_are_looked_up_and_many_found_by_reading() -> Result<()> {
    let local = Local::new()
        .await?
        .setting(
            "CREATE TABLE visits (user_id text, page text);
             INSERT INTO visits SELECT CASE WHEN n % 8 < 5 THEN '7' ELSE 'v' || n % 3 END, repeat('x', 100)
                 FROM generate_series(1, 40000) n;
             CREATE INDEX ON visits (user_id)",
        )
        .await?;
    let mut engine = local.connect().await?;
    let tables = engine.discover().await?;
    let (one, many) = (people([7]), people(1..=5_000));
    for (people, way) in [(&many, "0:blocks:0"), (&one, "0:index:0")] {
        let ids = Ids::new(people, &tables);
        let statement = Statement { verb: Verb::Delete, tables: &tables, ids: &ids, seed: "visits" };
        let mut memory = Memory::default();
        let turn = engine.run(&statement, &mut memory, Instant::now()).await?;
        assert!(matches!(turn, StatementState::Later { rows: 0, .. }), "{turn:?}");
        assert_eq!(memory.handle.as_deref(), Some(way));
        if way.contains("index") {
            // By now it would be read.
            local
                .owner
                .batch_execute("DELETE FROM web.visits WHERE user_id LIKE 'v%' AND random() < 0.9")
                .await?;
            let turn = engine.run(&statement, &mut memory, Instant::now() + Duration::from_secs(900)).await?;
            assert!(matches!(&turn, StatementState::Done(answer) if answer.rows == [25_000]), "{turn:?}");
        }
    }
    assert_eq!(local.sql("SELECT count(*) FROM web.visits WHERE user_id = '7'").await?, [["0"]]);
    assert_ne!(local.sql("SELECT count(*) FROM web.visits").await?, [["0"]]);
    Ok(())
}

/// A big table goes in small statements: nobody waits long for a row.
#[tokio::test]
async fn a_locked_row_holds_up_one_table_only() -> Result<()> {
    let local = Local::new()
        .await?
        .setting(
            "CREATE TABLE a_free (user_id text); CREATE TABLE locked (user_id text); CREATE TABLE z_free (user_id text);
             INSERT INTO a_free VALUES ('7'); INSERT INTO locked VALUES ('7'); INSERT INTO z_free VALUES ('7');",
        )
        .await?;
    local.owner.batch_execute("BEGIN; LOCK TABLE web.locked IN SHARE ROW EXCLUSIVE MODE").await?;
    let (mut kept, mut reports) = (Value::Null, Vec::new());
    let failure = suite::invoke(&local, &people([7]), "locked", &mut kept, &mut reports)
        .await
        .expect_err("it is locked");
    assert!(failure.is_transient() && failure.public.contains("web.locked"), "{failure}");
    assert_eq!(local.sql("SELECT count(*) FROM web.z_free").await?, [["0"]]);
    local.owner.batch_execute("COMMIT").await?;
    suite::erase_from(&local, &people([7]), "locked", &mut kept).await?;
    assert_eq!(local.sql("SELECT count(*) FROM web.locked").await?, [["0"]]);
    Ok(())
}
