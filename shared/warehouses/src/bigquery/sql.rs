//! The statements and their parameters.

use google_cloud_bigquery_v2::model::{
    JobConfigurationQuery, QueryParameter, QueryParameterType, QueryParameterValue,
};
use jiff::civil::Date;

use crate::{Ids, Statement, Verb, Wanted, list_name};
use destinations::warehouse::BigQuery as Settings;
use destinations::warehouse::Table;

/// A statement as a query with its parameters.
pub(super) fn sql(settings: &Settings, statement: &Statement<'_>) -> JobConfigurationQuery {
    let name = |table: &Table| {
        let parts = [&settings.project, &table.schema, &table.name];
        parts.map(|part| quote(part)).join(".")
    };
    let where_theirs = |table: &Table| condition(settings, table, statement.ids);
    let sql = match statement.verb {
        Verb::Count => {
            let tables = statement.tables.iter().enumerate();
            let count = |(n, table)| {
                format!("SELECT {n} AS t, COUNT(*) AS n FROM {} WHERE {}", name(table), where_theirs(table))
            };
            tables.map(count).collect::<Vec<_>>().join(" UNION ALL ")
        }
        Verb::Delete => {
            let table = &statement.tables[0];
            format!("DELETE FROM {} WHERE {}", name(table), where_theirs(table))
        }
    };
    let parameters = statement.ids.kinds().map(|kind| array(&list_name(kind), statement.ids.of(kind)));
    JobConfigurationQuery::new().set_query(sql).set_query_parameters(parameters)
}

fn condition(settings: &Settings, table: &Table, ids: &Ids<'_>) -> String {
    let compare = |wanted: Wanted<'_, '_>| {
        let name = quote(&wanted.column.name);
        let value = match wanted.column.data_type.as_str() {
            "STRING" => name,
            _ => format!("SAFE_CAST({name} AS STRING)"),
        };
        let hash = |function: &'static str| move |value: &str| format!("TO_HEX({function}({value}))");
        let value = wanted.comparable(value, hash("SHA256"), hash("MD5"));
        format!("{value} IN UNNEST(@{})", list_name(wanted.kind))
    };
    let any: Vec<_> = ids.wanted(table).map(compare).collect();
    let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
    let place = table.place();
    match settings.partitions.iter().find(|partition| partition.table.matches(&place)) {
        // A literal, so that BigQuery sees before it begins which partitions it can skip.
        Some(partition) => {
            format!("({any}) AND {}", since(&quote(&partition.column), partition.since))
        }
        None => any,
    }
}

/// The partitions from a day on, and the rows of no partition.
fn since(column: &str, day: Date) -> String {
    format!("({column} >= '{day}' OR {column} IS NULL)")
}

/// A name in backticks.
pub(super) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// An `ARRAY<STRING>` of this name.
pub(super) fn array(name: &str, values: &[impl AsRef<str>]) -> QueryParameter {
    let text = QueryParameterType::new().set_type("STRING");
    let values = values.iter().map(|value| QueryParameterValue::new().set_value(value.as_ref()));
    QueryParameter::new()
        .set_name(name)
        .set_parameter_type(QueryParameterType::new().set_type("ARRAY").set_array_type(text))
        .set_parameter_value(QueryParameterValue::new().set_array_values(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(quote("sel ect"), "`sel ect`");
        assert_eq!(quote(r"a`b\"), r"`a\`b\\`");
    }
}
