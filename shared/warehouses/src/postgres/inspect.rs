//! A closer look at the tables for `check`: what would refuse a deletion, what else it would change, and which columns
//! may hold people and are not covered.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::failure::{UNIDENTIFIED, failure};
use crate::Inspection;
use destinations::warehouse::{Table, TableScope, place};
use model::failure::Result;

/// The most columns that a remark names.
const NAMED: usize = 20;

/// Foreign keys to a table by which Postgres itself would delete or change rows elsewhere.
const CASCADES: &str = "
    SELECT k.confrelid::regclass::text, k.conrelid::regclass::text, k.conname::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd') AND n.nspname = ANY($1)
    ORDER BY 1, 2, 3";

/// Tables, or roots of partitions, whose deletions are published and that have no replica identity: Postgres refuses to
/// delete from them (<https://www.postgresql.org/docs/current/logical-replication-publication.html>).
const UNIDENTIFIED_TABLES: &str = "
    WITH published AS (
        SELECT c.oid FROM pg_publication_tables t
        JOIN pg_publication p ON p.pubname = t.pubname AND p.pubdelete
        JOIN pg_namespace n ON n.nspname = t.schemaname
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename)
    SELECT DISTINCT n.nspname::text, r.relname::text, ''
    FROM published p
    CROSS JOIN LATERAL (SELECT p.oid AS relid UNION SELECT t.relid FROM pg_partition_tree(p.oid) t) leaf
    JOIN pg_class c ON c.oid = leaf.relid AND c.relkind = 'r'
    JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
    JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE n.nspname = ANY($1) AND c.relreplident <> 'f' AND NOT EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = c.oid
        AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)";

/// Columns whose names say that they hold people.
const NAMED_LIKE_IDS: &str = "
    SELECT n.nspname::text, c.relname::text, a.attname::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname ~* '(^|_)((user|member|customer|client|account|person|visitor|player|profile|contact|subscriber|distinct|anonymous)_?(id|uuid|guid|key)|uid|e_?mail)$'
    ORDER BY 1, 2, 3";

/// Looks closer at the tables in scope, and at others of the same schemas.
pub(super) async fn inspect(
    client: &Client,
    scope: &TableScope,
    schemas: &[String],
    tables: &[Table],
) -> Result<Inspection> {
    let rows = async |sql: &str| -> Result<Vec<[String; 3]>> {
        let rows = client.query(sql, &[&schemas]).await.map_err(|e| failure(&e))?;
        Ok(rows.iter().map(|row| [0, 1, 2].map(|column| row.get(column))).collect())
    };
    let cascade = |[to, from, name]: [String; 3]| {
        format!("deleting from {to} lets Postgres itself change {from} (foreign key {name})")
    };
    let mut remarks: Vec<String> = rows(CASCADES).await?.into_iter().map(cascade).collect();
    remarks.extend(uncovered(scope, tables, rows(NAMED_LIKE_IDS).await?));
    let unidentified = rows(UNIDENTIFIED_TABLES).await?.into_iter();
    let refusals: BTreeMap<_, _> =
        unidentified.map(|[schema, table, _]| (place(&schema, &table), UNIDENTIFIED.to_owned())).collect();
    Ok(Inspection { remarks, refusals })
}

/// Names the columns that are not matched, though their names say that they hold people.
fn uncovered(scope: &TableScope, tables: &[Table], columns: Vec<[String; 3]>) -> Option<String> {
    let covered: BTreeMap<_, _> = tables.iter().map(|table| (table.place(), &table.columns)).collect();
    let is_covered = |place: &str, name: &str| {
        covered.get(place).is_some_and(|columns| columns.iter().any(|column| column.name == name))
    };
    let columns = columns.into_iter().map(|[schema, table, name]| (place(&schema, &table), name));
    let columns = columns.filter(|(place, name)| !scope.excepts(place) && !is_covered(place, name));
    let names: Vec<_> = columns.map(|(place, name)| format!("{place}.{name}")).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        format!("looks like user ids, not covered: {named}{more}; if they are, name them in settings.columns")
    })
}
