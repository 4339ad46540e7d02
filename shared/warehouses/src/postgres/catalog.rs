//! The tables in scope, as Postgres's catalogue describes them.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::compare::Compare;
use super::failure::{READ_ONLY_SERVER, failure};
use destinations::warehouse::{Candidate, Table, TableScope, place, quote};
use model::failure::{Failure, Result};

/// What Postgres knows of the tables beyond what all engines know.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    entries: BTreeMap<String, Entry>,
    /// The schemas in scope.
    pub(super) schemas: Vec<String>,
}

/// A table.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The table with all its partitions, as SQL names it, without tables that inherit from it, which are tables of
    /// their own.
    pub(super) from: String,
    /// What holds its rows, as SQL names it: the table itself, or its partitions.
    pub(super) parts: Vec<String>,
    columns: BTreeMap<String, (Compare, bool)>,
}

impl Entry {
    pub(super) fn indexed(&self, column: &str) -> bool {
        self.columns.get(column).is_some_and(|(_, indexed)| *indexed)
    }

    pub(super) fn compare(&self, column: &str) -> &Compare {
        self.columns.get(column).map_or(&Compare::Other, |(compare, _)| compare)
    }
}

impl Catalog {
    pub(super) fn entry(&self, table: &Table) -> &Entry {
        static NONE: Entry = Entry { from: String::new(), parts: Vec::new(), columns: BTreeMap::new() };
        self.entries.get(&table.place()).unwrap_or(&NONE)
    }
}

/// Base and partitioned tables only: rows are never deleted through a view, and partitions go with their parent.
/// A domain counts as the type below it. An index serves a column that it begins with, if it covers all rows.
const COLUMNS: &str = "
    SELECT n.nspname::text, c.relname::text, a.attname::text, t.typname::text, tn.nspname::text,
           EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum
                   AND i.indisvalid AND i.indpred IS NULL),
           c.relkind = 'p'
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type d ON d.oid = a.atttypid
    JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
    JOIN pg_namespace tn ON tn.oid = t.typnamespace
    WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND ($2::text[] IS NULL OR lower(a.attname) = ANY($2))
    ORDER BY 1, 2, 3";

const READ_ONLY: &str = "SELECT current_setting('transaction_read_only') = 'on'";

const SCHEMAS: &str = "SELECT nspname::text FROM pg_namespace ORDER BY 1";

const PARTITIONS: &str = "
    SELECT n.nspname::text, c.relname::text
    FROM pg_partition_tree(($1::text)::regclass) p
    JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.isleaf ORDER BY c.oid";

pub(super) async fn read(client: &Client, scope: &TableScope) -> Result<(Vec<Table>, Catalog)> {
    // A replica may lag behind: that it holds nobody would prove nothing.
    if client.query_one(READ_ONLY, &[]).await.map_err(|e| failure(&e))?.get(0) {
        return Err(Failure::permanent(READ_ONLY_SERVER));
    }
    let all = client.query(SCHEMAS, &[]).await.map_err(|e| failure(&e))?;
    let all: Vec<String> = all.iter().map(|row| row.get(0)).collect();
    let schemas = scope.schemas(&all)?;
    let rows = client.query(COLUMNS, &[&schemas, &scope.names()]).await.map_err(|e| failure(&e))?;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut partitioned = Vec::new();
    let mut candidates = Vec::new();
    for row in &rows {
        let text = |column| row.get::<_, String>(column);
        let (schema, table, name, data_type) = (text(0), text(1), text(2), text(3));
        let sql = format!("{}.{}", quote(&schema), quote(&table));
        let place = place(&schema, &table);
        let entry = entries.entry(place.clone()).or_insert_with(|| {
            let from = match row.get(6) {
                true => {
                    partitioned.push((place, sql.clone()));
                    sql
                }
                false => format!("ONLY {sql}"),
            };
            Entry { parts: vec![from.clone()], from, columns: BTreeMap::new() }
        });
        entry.columns.insert(name.clone(), (Compare::of(&data_type, &text(4)), row.get(5)));
        candidates.push(Candidate { schema, table, name, data_type });
    }
    let tables = scope.tables(candidates)?;
    for table in &tables {
        let Some(entry) = entries.get_mut(&table.place()) else { continue };
        for column in &table.columns {
            let Some((compare, indexed)) = entry.columns.remove(&column.name) else { continue };
            let compare = Compare::of_kind(column.holds, compare);
            // An index of the column is one of its values as they are.
            let indexed = indexed && !matches!(compare, Compare::Form(_));
            entry.columns.insert(column.name.clone(), (compare, indexed));
        }
    }
    for (place, sql) in partitioned.iter().filter(|(place, _)| tables.iter().any(|t| t.place() == *place)) {
        let rows = client.query(PARTITIONS, &[sql]).await.map_err(|e| failure(&e))?;
        let name = |row: &tokio_postgres::Row| format!("{}.{}", quote(row.get(0)), quote(row.get(1)));
        if let Some(entry) = entries.get_mut(place) {
            entry.parts = rows.iter().map(name).collect();
        }
    }
    Ok((tables, Catalog { entries, schemas }))
}
