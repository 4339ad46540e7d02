//! The statements, and the identifiers that they join.

use std::collections::BTreeSet;

use crate::{Statement, Verb, Wanted, list_name};
use destinations::warehouse::{Table, quote};
use model::subject::SubjectType;

/// The most identifiers and bytes of one parameter; a statement may have 100 KB with its parameters.
const MOST_IDS: usize = 1_000;
const MOST_BYTES: usize = 48 * 1024;
/// The numbers from 0 to 999, on the compute nodes, where `generate_series` is not available.
const NUMBERS: &str = "(SELECT a.d + 10 * b.d + 100 * c.d AS n FROM \
    (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
     UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) a, \
    (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
     UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) b, \
    (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
     UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) c) numbers";

pub(super) fn table_of(kind: SubjectType) -> String {
    format!("lethe_{}", list_name(kind))
}

/// The identifiers, each once, as JSON arrays that fit into a parameter. Redshift's text cannot hold NUL.
pub(super) fn arrays(ids: &[impl AsRef<str>]) -> Vec<String> {
    let distinct: BTreeSet<&str> = ids.iter().map(AsRef::as_ref).filter(|id| !id.contains('\0')).collect();
    let (mut arrays, mut array) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for id in distinct {
        let length = serde_json::to_string(id).map_or(0, |json| json.len()) + 1;
        if array.len() == MOST_IDS || bytes + length > MOST_BYTES {
            arrays.push(std::mem::take(&mut array));
            bytes = 0;
        }
        bytes += length;
        array.push(id);
    }
    if !array.is_empty() {
        arrays.push(array);
    }
    arrays.into_iter().map(|array| serde_json::to_string(&array).unwrap_or_default()).collect()
}

/// Fills a table of identifiers from the parameter `ids`, a JSON array.
pub(super) fn fill(table: &str) -> String {
    format!(
        "INSERT INTO {table} SELECT json_extract_array_element_text(:ids, numbers.n) FROM {NUMBERS} \
         WHERE numbers.n < json_array_length(:ids)"
    )
}

/// One statement for a count; for a deletion one per column, in one transaction. Joins, since Redshift takes no
/// `OR` of subqueries.
pub(super) fn sql(statement: &Statement<'_>) -> Vec<String> {
    match statement.verb {
        Verb::Count => {
            let tables = statement.tables.iter().enumerate();
            let count = |(n, table): (usize, &Table)| {
                let wanted: Vec<_> = statement.ids.wanted(table).collect();
                let join = |(i, wanted): (usize, &Wanted<'_, '_>)| {
                    format!(
                        " LEFT JOIN {} AS i{i} ON {} = i{i}.id",
                        table_of(wanted.kind),
                        value("t", wanted)
                    )
                };
                let joins: String = wanted.iter().enumerate().map(join).collect();
                let any: Vec<_> = (0..wanted.len()).map(|i| format!("i{i}.id IS NOT NULL")).collect();
                let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
                format!(
                    "SELECT {n} AS t, COUNT(*) AS n FROM {}.{} AS t{joins} WHERE {any}",
                    quote(&table.schema),
                    quote(&table.name)
                )
            };
            vec![tables.map(count).collect::<Vec<_>>().join(" UNION ALL ")]
        }
        Verb::Delete => {
            let table = &statement.tables[0];
            let (schema, name) = (quote(&table.schema), quote(&table.name));
            let delete = |wanted: Wanted<'_, '_>| {
                let ids = table_of(wanted.kind);
                format!("DELETE FROM {schema}.{name} USING {ids} WHERE {} = {ids}.id", value(&name, &wanted))
            };
            statement.ids.wanted(table).map(delete).collect()
        }
    }
}

/// A column as text, without the blanks that pad a `char`, as it is compared.
fn value(table: &str, wanted: &Wanted<'_, '_>) -> String {
    let name = format!("{table}.{}", quote(&wanted.column.name));
    let text = match wanted.column.data_type.as_str() {
        "character varying" | "text" => name,
        "character" => format!("RTRIM({name})"),
        _ => format!("{name}::varchar"),
    };
    wanted.comparable(text, |value| format!("SHA2({value}, 256)"), |value| format!("MD5({value})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ids;
    use destinations::warehouse::Column;
    use model::subject::Subject;

    #[test]
    fn identifiers_are_cut_into_parameters_and_none_is_lost_or_doubled() {
        let ids: Vec<String> =
            (0..5_000).map(|n| format!("{n:0>600}\"")).chain(["u1".into(), "u1".into()]).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let arrays = arrays(&ids);
        assert!(arrays.iter().all(|json| json.len() <= MOST_BYTES + 2));
        let all: Vec<String> =
            arrays.iter().flat_map(|json| serde_json::from_str::<Vec<String>>(json).expect("JSON")).collect();
        assert_eq!(all.len(), 5_001);
        assert!(ids.iter().all(|id| all.iter().any(|other| other == id)));
    }

    #[test]
    fn a_deletion_joins_each_column_with_its_kind_of_identifiers() {
        let column = |name: &str, data_type: &str, holds| Column {
            name: name.into(),
            data_type: data_type.into(),
            holds,
        };
        let columns = vec![
            column("anonymous_id", "character varying", SubjectType::AnonymousId),
            column("pre\"vious", "bigint", SubjectType::UserId),
            column("user_id", "character", SubjectType::UserId),
        ];
        let tables = [Table { schema: "web".into(), name: "We\"ird".into(), columns }];
        let subjects = [Subject::user("u1")];
        let ids = Ids::new(&subjects, &tables);
        let statement = Statement { verb: Verb::Delete, tables: &tables, ids: &ids, seed: "" };
        assert_eq!(
            sql(&statement),
            [
                r#"DELETE FROM "web"."We""ird" USING lethe_users WHERE "We""ird"."pre""vious"::varchar = lethe_users.id"#,
                r#"DELETE FROM "web"."We""ird" USING lethe_users WHERE RTRIM("We""ird"."user_id") = lethe_users.id"#,
            ]
        );
    }
}
