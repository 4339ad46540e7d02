//! Which tables of a warehouse know other identifiers of a person.
//!
//! Off, unless the settings say so:
//! ```json
//! {"resolves": [{"table": "web.users", "from": {"column": "id", "type": "USER_ID"},
//!                "to": [{"column": "email", "type": "EMAIL"}, {"column": "username", "type": "username"}]}]}
//! ```
//! Before anything is erased, the people of a regulation are looked up in `from`, and what stands in `to` is theirs, too.

use serde::Deserialize;

use model::failure::{Failure, Result};
use model::subject::SubjectType;

/// The most tables, and columns of one, that settings may name.
const MAX_ENTRIES: usize = 20;

/// A table that knows other identifiers of a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resolve {
    /// Its name, as `schema.table`.
    pub table: String,
    /// The column by which people are looked up.
    pub from: Holds,
    /// The columns that hold their other identifiers.
    pub to: Vec<Holds>,
}

/// A column and what it holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holds {
    /// Its name.
    pub column: String,
    /// The kind of identifier in it.
    #[serde(deserialize_with = "model::kind::held")]
    pub r#type: SubjectType,
}

impl Resolve {
    /// Its schema and its table; none, if it names no table of a schema.
    pub fn place(&self) -> Option<(&str, &str)> {
        let (schema, table) = self.table.split_once('.')?;
        (!schema.is_empty() && !table.is_empty()).then_some((schema, table))
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub(crate) fn check(all: &[Self]) -> Result<()> {
        let invalid =
            |what: &str| Err(Failure::invalid(format!("settings.resolves: {what}")).field("settings"));
        let within = |count: usize| (1..=MAX_ENTRIES).contains(&count);
        if all.len() > MAX_ENTRIES || !all.iter().all(|one| within(one.to.len())) {
            return invalid("at most 20 tables, with 1 to 20 columns in to");
        }
        if all.iter().any(|one| one.place().is_none()) {
            return invalid("table is named as schema.table");
        }
        let columns = |one: &Self| one.to.iter().chain([&one.from]).all(|holds| !holds.column.is_empty());
        let holds = all.iter().flat_map(|one| one.to.iter().chain([&one.from]));
        if holds.map(|holds| holds.r#type).any(|kind| matches!(kind, SubjectType::Hash(_))) {
            return invalid("people are not looked up by hashes, nor hashes of people");
        }
        if !all.iter().all(columns) {
            return invalid("column is empty");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(resolves: Value) -> std::result::Result<(), String> {
        let read: Vec<Resolve> = serde_json::from_value(resolves).map_err(|error| error.to_string())?;
        Resolve::check(&read).map_err(|failure| failure.public)
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let entry = |table: &str, to: Value| json!([{ "table": table, "from": { "column": "id", "type": "USER_ID" }, "to": to }]);
        let email = json!([{ "column": "email", "type": "EMAIL" }]);
        assert_eq!(check(entry("web.users", email.clone())), Ok(()));
        for (resolves, says) in [
            (entry("users", email.clone()), "schema.table"),
            (entry("web.users", json!([])), "1 to 20 columns"),
            (entry("web.users", json!([{ "column": "", "type": "EMAIL" }])), "column is empty"),
            (entry("web.users", json!([{ "column": "em", "type": "EMAIL_MD5" }])), "not looked up by hashes"),
            (entry("web.users", json!([{ "column": "mail", "type": "email" }])), "unknown variant `email`"),
            (json!([{ "table": "web.users", "to": email }]), "missing field `from`"),
        ] {
            let refused = check(resolves).expect_err(says);
            assert!(refused.contains(says), "{refused}");
        }
    }
}
