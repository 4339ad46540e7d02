//! Looks up other identifiers of people in a table that the settings name.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::compare::Compare;
use super::failure::failure;
use crate::resolve::Standing;
use destinations::warehouse::{Holds, Resolve, quote};
use model::failure::{Failure, Result};
use model::resolved::MOST;

/// The types of some columns of a table or view, a domain's being the type below it.
const TYPES: &str = "
    SELECT a.attname::text, t.typname::text, tn.nspname::text
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type d ON d.oid = a.atttypid
    JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
    JOIN pg_namespace tn ON tn.oid = t.typnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
      AND NOT a.attisdropped AND a.attname = ANY($3)";

/// See [`Engine::resolve`](crate::Engine::resolve).
pub(super) async fn look_up(
    client: &Client,
    resolve: &Resolve,
    to: &Holds,
    ids: &[&str],
) -> Result<Vec<Standing>> {
    let (schema, table) = resolve.place().unwrap_or_default();
    let names = [resolve.from.column.as_str(), to.column.as_str()];
    let rows = client.query(TYPES, &[&schema, &table, &&names[..]]).await.map_err(|e| failure(&e))?;
    let types: BTreeMap<String, (String, String)> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    let compare = |holds: &Holds| match types.get(&holds.column) {
        Some((name, schema)) => Ok(Compare::of_kind(holds.r#type, Compare::of(name, schema))),
        None => Err(Failure::permanent(format!(
            "settings.resolves: there is no table {} with a column {}, or the role cannot see it: correct the destination and retry",
            resolve.table, holds.column
        ))),
    };
    let (from_is, to_is) = (compare(&resolve.from)?, compare(to)?);
    let source = format!("{}.{} AS t", quote(schema), quote(table));
    let column = |holds: &Holds| format!("t.{}", quote(&holds.column));
    let (from, to) = (column(&resolve.from), column(to));
    let (whose, value) = (from_is.text(&from), to_is.text(&to));

    let (mut keys, mut numbers) = (Vec::new(), Vec::new());
    for (number, id) in ids.iter().enumerate() {
        for key in from_is.possible(&[*id]) {
            keys.push(key);
            numbers.push(i32::try_from(number).unwrap_or(i32::MAX));
        }
    }
    let theirs = format!(
        "SELECT n, v FROM (
             SELECT n, v, row_number() OVER (PARTITION BY n ORDER BY v) AS place FROM (
                 SELECT DISTINCT i.n, {value} AS v FROM unnest($1::text[], $2::int4[]) AS i(id, n)
                 JOIN {source} ON {} WHERE {to} IS NOT NULL) AS each
         ) AS numbered WHERE place <= $3",
        from_is.equals(&from, "i.id")
    );
    let most = MOST as i64 + 1;
    let rows = client.query(&theirs, &[&keys, &numbers, &most]).await.map_err(|e| failure(&e))?;
    let found: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();

    // Somebody whose row names no id is another person, too.
    let owners = format!(
        "SELECT f.v, count(DISTINCT coalesce({whose}, '')) FROM unnest($1::text[]) AS f(v)
         JOIN {source} ON {value} = f.v GROUP BY f.v"
    );
    let mut values: Vec<&str> = found.iter().map(|(_, value)| value.as_str()).collect();
    values.sort_unstable();
    values.dedup();
    let rows = client.query(&owners, &[&values]).await.map_err(|e| failure(&e))?;
    let owners: BTreeMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let standing = |(number, value): (i32, String)| Standing {
        id: usize::try_from(number).unwrap_or_default(),
        // A row that came or went between the two queries proves nothing.
        is_alone: owners.get(&value) == Some(&1),
        value,
    };
    Ok(found.into_iter().map(standing).collect())
}
