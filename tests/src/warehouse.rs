//! A Segment-style warehouse in Postgres: a schema per source, a table per kind of call and per event, and what
//! real ones grow besides: a view, a table with a strange name, a numeric id column, a table of nobody's rows.

use std::collections::BTreeMap;

use anyhow::Result;
use tokio_postgres::Client;

/// One schema per source.
pub const SCHEMAS: [&str; 2] = ["web", "ios"];

/// The tables of each schema, as SQL names them, and the column that says whose row it is. In `users` the key
/// is the user's id.
const TABLES: [(&str, &str); 8] = [
    ("identifies", "user_id"),
    ("users", "id"),
    ("tracks", "user_id"),
    ("pages", "user_id"),
    ("aliases", "user_id"),
    ("order_completed", "user_id"),
    (r#""We""ird""#, "user_id"),
    ("loyalty", "user_id"),
];

const CALLS: &str = "id text PRIMARY KEY, anonymous_id text, user_id text, received_at timestamptz NOT NULL,
                     sent_at timestamptz, context_ip text";

/// Makes the schemas and fills them: about `rows` rows in each table of calls.
///
/// # Errors
/// Postgres's own.
pub async fn fill(postgres: &Client, people: &[String], rows: i32) -> Result<()> {
    for schema in SCHEMAS {
        postgres
            .batch_execute(&format!(
                r#"
                DROP SCHEMA IF EXISTS {schema} CASCADE;
                CREATE SCHEMA {schema};
                SET search_path TO {schema};
                CREATE TABLE identifies ({CALLS}, email text);
                CREATE TABLE users (id text PRIMARY KEY, received_at timestamptz NOT NULL, email text);
                CREATE TABLE tracks ({CALLS}, event text);
                CREATE TABLE pages ({CALLS}, url text);
                CREATE TABLE aliases ({CALLS}, previous_id text);
                CREATE TABLE order_completed ({CALLS}, revenue numeric, gift_for text);
                CREATE TABLE "We""ird" (user_id text, "Sp ace" jsonb);
                CREATE TABLE loyalty (user_id bigint, points int);
                CREATE TABLE products (sku text PRIMARY KEY, price numeric);
                CREATE VIEW users_view AS SELECT * FROM users;
                INSERT INTO products SELECT 'sku-' || n, n / 100.0 FROM generate_series(1, 100) n;
                "#
            ))
            .await?;
        // Every statement takes the people ($1) and, those of calls, how many rows ($2). One call in ten was made before
        // anyone logged in; one in fifty by one of the three, who come first.
        let calls = |kind: &str, more: &str| {
            format!(
                "SELECT '{schema}-{kind}-' || n, 'anon-' || n % 977, CASE WHEN n % 10 > 0 THEN ($1::text[])[1 + n * 31 % CASE WHEN n % 50 = 1 THEN 3 ELSE cardinality($1) END] END,
                        timestamptz '2026-11-02' + n * interval '7 seconds', NULL::timestamptz, '10.0.0.' || n % 250, {more}
                 FROM generate_series(1, $2::int) n"
            )
        };
        // The three stand in other people's rows too: in URLs and as the person a present is for.
        for (table, select) in [
            ("identifies", calls("i", "n || '@example.com'")),
            ("tracks", calls("t", "'Order Completed'")),
            ("pages", calls("p", "'https://shop.example/u/' || ($1::text[])[1 + n % 3]")),
            ("aliases", calls("a", "'anon-' || n % 977")),
            ("order_completed", calls("o", "n / 7.0, ($1::text[])[1 + n % 3]")),
        ] {
            postgres.execute(&format!("INSERT INTO {schema}.{table} {select}"), &[&people, &rows]).await?;
        }
        for insert in [
            r#"users SELECT id, timestamptz '2026-11-02', id || '@example.com' FROM unnest($1::text[]) id"#,
            r#""We""ird" SELECT id, jsonb_build_object('user_id', ($1::text[])[1]) FROM unnest($1::text[]) id"#,
            r#"loyalty SELECT id::bigint, 7 FROM unnest($1::text[]) id WHERE id ~ '^[1-9][0-9]*$'"#,
        ] {
            postgres.execute(&format!("INSERT INTO {schema}.{insert}"), &[&people]).await?;
        }
    }
    Ok(())
}

/// What stands in the warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// By table: the rows of the people asked about.
    pub theirs: BTreeMap<String, i64>,
    /// By table: how many rows everyone else has, and their checksum.
    pub rest: BTreeMap<String, (i64, String)>,
}

impl Holdings {
    /// Counts, knowing each table: nothing is discovered as the code does that deletes.
    ///
    /// # Errors
    /// Postgres's own.
    pub async fn take(postgres: &Client, people: &[&str]) -> Result<Self> {
        let mut holdings = Self { theirs: BTreeMap::new(), rest: BTreeMap::new() };
        for schema in SCHEMAS {
            for (table, column) in TABLES.into_iter().chain([("products", "sku")]) {
                let row = postgres
                    .query_one(
                        &format!(
                            "SELECT count(*) FILTER (WHERE theirs), count(*) FILTER (WHERE NOT theirs),
                                    coalesce(md5(string_agg(line, E'\\n' ORDER BY line) FILTER (WHERE NOT theirs)), '')
                             FROM (SELECT t::text AS line, coalesce({column}::text = ANY($1), false) AS theirs
                                   FROM {schema}.{table} t) rows"
                        ),
                        &[&people],
                    )
                    .await?;
                let name = format!("{schema}.{table}");
                holdings.theirs.insert(name.clone(), row.get(0));
                holdings.rest.insert(name, (row.get(1), row.get(2)));
            }
        }
        Ok(holdings)
    }

    /// All rows of the people asked about.
    pub fn total(&self) -> i64 {
        self.theirs.values().sum()
    }
}
