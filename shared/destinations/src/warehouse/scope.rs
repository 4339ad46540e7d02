//! Which tables and columns of a warehouse identify people.
//!
//! Segment's own, whatever the case of their names: `user_id` and `anonymous_id` everywhere, `id` in `users`, and
//! `previous_id` in `aliases` (<https://segment.com/docs/connections/storage/warehouses/schema/>). Others by
//! configuration:
//! ```json
//! {"schemas": ["web", "mobile_*"], "exceptTables": ["web.audit_*"],
//!  "columns": [{"table": "web.loyalty", "column": "member", "type": "USER_ID"}, {"column": "email", "type": "EMAIL"}]}
//! ```
//! A column is compared with the identifiers of its own kind and no others; email addresses and phone numbers in their
//! [normal form](model::normal).
//! A `*` stands for any characters. All else is compared exactly, as the warehouse itself writes the name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use model::failure::{Failure, Result};
use model::subject::SubjectType;

/// The most schemas, exceptions and extra columns that settings may name.
const MAX_ENTRIES: usize = 100;
/// The longest name or pattern, in bytes: longer than any warehouse allows for `schema.table`.
const MAX_NAME: usize = 2 * 1024;

/// The tables and columns in scope, as the settings name them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableScope {
    /// The schemas (BigQuery: datasets).
    #[serde(alias = "datasets")]
    pub schemas: Vec<Pattern>,
    /// Tables in them that are left alone, as `schema.table`.
    #[serde(default)]
    pub except_tables: Vec<Pattern>,
    /// Columns that identify people beside Segment's own.
    #[serde(default)]
    pub columns: Vec<Extra>,
}

/// A column that identifies people, by configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extra {
    /// The tables that have it, as `schema.table`; all in scope, if left out.
    #[serde(default)]
    table: Pattern,
    /// Its name.
    column: Pattern,
    /// The kind of identifier in it.
    #[serde(deserialize_with = "model::kind::held")]
    r#type: SubjectType,
}

/// A name, in which `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(String);

impl Default for Pattern {
    fn default() -> Self {
        Self("*".into())
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_NAME || text.chars().any(char::is_control) {
            return Err(format!("a name has 1 to {MAX_NAME} bytes and no control characters"));
        }
        Ok(Self(text))
    }
}

impl Pattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches a name.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

/// A column of a base table, as the warehouse lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its schema.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its type's name.
    pub data_type: String,
}

/// A base table in scope and its columns that identify people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its schema or dataset.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns that identify people; never empty.
    pub columns: Vec<Column>,
}

impl Table {
    /// Its name in evidence.
    pub fn place(&self) -> String {
        place(&self.schema, &self.name)
    }
}

/// A column that identifies people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type's name, as the warehouse reports it.
    pub data_type: String,
    /// The kind of identifier in it.
    pub holds: SubjectType,
}

/// The name of a table in evidence; a part that holds a dot is quoted, so that no two tables share one.
pub fn place(schema: &str, table: &str) -> String {
    let part = |name: &str| if name.contains('.') { quote(name) } else { name.to_owned() };
    format!("{}.{}", part(schema), part(table))
}

/// A name in double quotes, as standard SQL wants it.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl TableScope {
    /// Checks the limits and forms that the types do not.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn check(&self) -> Result<()> {
        let invalid = |message: &str| Err(Failure::invalid(message).field("settings"));
        if self.schemas.is_empty() {
            return invalid("settings: name at least one schema in scope");
        }
        if self.schemas.len().max(self.except_tables.len()).max(self.columns.len()) > MAX_ENTRIES {
            return invalid("settings: at most 100 schemas, exceptTables and columns each");
        }
        let tables = self.except_tables.iter().chain(self.columns.iter().map(|extra| &extra.table));
        let whole = |pattern: &Pattern| pattern.as_str() == "*" || pattern.as_str().contains('.');
        if !tables.into_iter().all(whole) {
            return invalid(
                "settings.exceptTables and settings.columns name tables as schema.table; * stands for any characters",
            );
        }
        Ok(())
    }

    /// The schemas in scope among all there are.
    ///
    /// # Errors
    /// `Permanent`, if an entry of the settings matches none.
    pub fn schemas(&self, all: &[String]) -> Result<Vec<String>> {
        let system = |name: &str| name.starts_with("pg_") || name.eq_ignore_ascii_case("information_schema");
        let mut names = Vec::new();
        for pattern in &self.schemas {
            let before = names.len();
            names.extend(all.iter().filter(|name| pattern.matches(name) && !system(name)).cloned());
            if names.len() == before {
                return Err(Failure::permanent(format!(
                    "there is no schema {}, or the role cannot see it: correct the destination and retry",
                    pattern.as_str()
                )));
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The names of the columns that may be in scope, in lower case; none, if a pattern allows any name.
    pub fn names(&self) -> Option<Vec<String>> {
        let segment = ["user_id", "anonymous_id", "previous_id", "id"].map(str::to_owned);
        let extra = self.columns.iter().map(|extra| extra.column.as_str().to_lowercase());
        let names: Vec<_> = segment.into_iter().chain(extra).collect();
        (!names.iter().any(|name| name.contains('*'))).then_some(names)
    }

    /// Whether the settings leave a table alone, as `schema.table`.
    pub fn excepts(&self, place: &str) -> bool {
        self.except_tables.iter().any(|pattern| pattern.matches(place))
    }

    /// The tables in scope, in order, made of the columns that the warehouse lists.
    ///
    /// # Errors
    /// `Permanent`, if a column of the settings matches none.
    pub fn tables(&self, candidates: Vec<Candidate>) -> Result<Vec<Table>> {
        let mut matched = vec![false; self.columns.len()];
        let mut tables: BTreeMap<(String, String), Vec<Column>> = BTreeMap::new();
        for candidate in candidates {
            let place = place(&candidate.schema, &candidate.table);
            if self.excepts(&place) {
                continue;
            }
            let extra = self
                .columns
                .iter()
                .position(|extra| extra.table.matches(&place) && extra.column.matches(&candidate.name));
            if let Some(index) = extra {
                matched[index] = true;
            }
            let holds = extra.map(|index| self.columns[index].r#type).or_else(|| segment(&candidate));
            if let Some(holds) = holds {
                let Candidate { schema, table, name, data_type } = candidate;
                tables.entry((schema, table)).or_default().push(Column { name, data_type, holds });
            }
        }
        if let Some(index) = matched.iter().position(|matched| !matched) {
            let (table, column) = (self.columns[index].table.as_str(), self.columns[index].column.as_str());
            return Err(Failure::permanent(format!(
                "settings.columns: no base table {table} in scope has a column {column}: correct the destination and retry"
            )));
        }
        let table = |((schema, name), mut columns): ((String, String), Vec<Column>)| {
            columns.sort_by(|a, b| a.name.cmp(&b.name));
            Table { schema, name, columns }
        };
        Ok(tables.into_iter().map(table).collect())
    }
}

/// The kind of identifier in a column of Segment's own.
fn segment(candidate: &Candidate) -> Option<SubjectType> {
    match (candidate.table.to_ascii_lowercase().as_str(), candidate.name.to_ascii_lowercase().as_str()) {
        (_, "user_id") | ("users", "id") | ("aliases", "previous_id") => Some(SubjectType::UserId),
        (_, "anonymous_id") => Some(SubjectType::AnonymousId),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope(settings: serde_json::Value) -> TableScope {
        serde_json::from_value(settings).expect("valid settings")
    }

    fn candidate(schema: &str, table: &str, name: &str) -> Candidate {
        let [schema, table, name] = [schema, table, name].map(str::to_owned);
        Candidate { schema, table, name, data_type: "text".into() }
    }

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(quote(r#"We"ird"#), r#""We""ird""#);
        assert_eq!(quote("select"), r#""select""#);
    }

    #[test]
    fn no_two_tables_share_a_name_in_evidence() {
        assert_eq!(place("web", r#"We"ird"#), r#"web.We"ird"#);
        assert_ne!(place("a.b", "c"), place("a", "b.c"));
    }

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_is_special() {
        for (pattern, name, matches) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("web", "Web", false),
            ("*", "anything at all", true),
            ("ios_*", "ios_", true),
            ("ios_*", "iosx", false),
            ("*.audit*", "web.audit_log", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("w.b", "web", false),
            (r#"We"ird"#, r#"We"ird"#, true),
        ] {
            assert_eq!(Pattern(pattern.into()).matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn segments_columns_and_configured_ones_are_in_scope_and_nothing_else() {
        let scope = scope(json!({
            "schemas": ["web"],
            "exceptTables": ["web.audit*"],
            "columns": [{"table": "web.loyalty", "column": "member", "type": "USER_ID"},
                        {"column": "device", "type": "ANONYMOUS_ID"}],
        }));
        let tables = scope.tables(vec![
            candidate("web", "tracks", "user_id"),
            candidate("web", "tracks", "id"),
            candidate("web", "tracks", "anonymous_id"),
            candidate("web", "tracks", "device"),
            candidate("web", "USERS", "ID"),
            candidate("web", "aliases", "previous_id"),
            candidate("web", "orders", "previous_id"),
            candidate("web", "loyalty", "member"),
            candidate("web", "partners", "member"),
            candidate("web", "audit_log", "user_id"),
        ]);
        let held: Vec<_> = tables
            .expect("found")
            .iter()
            .flat_map(|t| {
                t.columns
                    .iter()
                    .map(|c| format!("{}.{} {}", t.place(), c.name, c.holds.as_str()))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            held,
            [
                "web.USERS.ID USER_ID",
                "web.aliases.previous_id USER_ID",
                "web.loyalty.member USER_ID",
                "web.tracks.anonymous_id ANONYMOUS_ID",
                "web.tracks.device ANONYMOUS_ID",
                "web.tracks.user_id USER_ID",
            ]
        );
    }

    #[test]
    fn what_is_named_must_be_there() {
        let scope =
            scope(json!({"schemas": ["web", "ios_*"], "columns": [{"column": "member", "type": "USER_ID"}]}));
        let all = ["web", "ios_1", "pg_catalog", "other"].map(str::to_owned);
        assert_eq!(scope.schemas(&all).expect("both"), ["ios_1", "web"]);
        let failure = scope.schemas(&all[..1]).expect_err("no ios");
        assert!(failure.public.contains("ios_*"), "{failure}");
        let failure = scope.tables(vec![candidate("web", "tracks", "user_id")]).expect_err("no member");
        assert!(failure.public.contains("member"), "{failure}");
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        assert!(scope(json!({"schemas": []})).check().is_err());
        assert!(scope(json!({"schemas": ["web"], "exceptTables": ["tracks"]})).check().is_err());
        for settings in [
            json!({"schemas": [""]}),
            json!({"schemas": ["web\u{0}"]}),
            json!({"schemas": ["web"], "columns": [{"column": "x", "type": "email"}]}),
            json!({"schemas": ["web"], "columns": [{"column": "x", "type": "USER_ID", "fold": true}]}),
        ] {
            assert!(serde_json::from_value::<TableScope>(settings.clone()).is_err(), "{settings}");
        }
    }

    #[test]
    fn only_columns_that_may_count_are_asked_for() {
        let names =
            scope(json!({"schemas": ["w"], "columns": [{"column": "Member", "type": "USER_ID"}]})).names();
        assert_eq!(names.expect("no pattern"), ["user_id", "anonymous_id", "previous_id", "id", "member"]);
        assert_eq!(
            scope(json!({"schemas": ["w"], "columns": [{"column": "*_by", "type": "USER_ID"}]})).names(),
            None
        );
    }
}
