//! Reads JSON that may hold identifiers. serde's messages quote the input: only the place of a fault is told, and
//! the name of a field that is missing, which is ours.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not JSON at all.
    #[error("is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is JSON of another form.
    #[error("{message}")]
    Form {
        /// Where: a path such as `subjectIds[3]`.
        field: String,
        /// What, with the field's name.
        message: String,
    },
}

/// Reads a value that a text holds, and nothing after it.
///
/// # Errors
/// What is wrong, without repeating the text.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| fault(&error))?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Reads a value from JSON that was parsed before.
///
/// # Errors
/// What is wrong, without repeating the values.
pub fn read<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| fault(&error))
}

fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let (path, inner) = (error.path().to_string(), error.inner());
    if !inner.is_data() {
        return not_json(inner);
    }
    let missing = inner.to_string();
    match missing.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) => Fault::Form { field: field.to_owned(), message: format!("{field} is missing") },
        None => Fault::Form { message: format!("{path} is not of the expected form"), field: path },
    }
}

fn not_json(error: &serde_json::Error) -> Fault {
    Fault::NotJson { line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        #[expect(dead_code, reason = "only the errors are looked at")]
        subject_ids: Vec<String>,
    }

    #[test]
    fn errors_name_the_place_and_never_repeat_what_was_sent() {
        for body in [
            r#"{"subjectIds": "ada@example.com"}"#,
            r#"{"subjectIds": [{"ada@example.com": 1}]}"#,
            r#"["ada@example.com"]"#,
            "ada@example.com",
            r#"{"ada@example.com": 1}"#,
            r#"{"subjectIds": []} ada@example.com"#,
        ] {
            let error = format!("{:?}", parse::<Wanted>(body.as_bytes()).expect_err("invalid"));
            assert!(!error.contains("ada"), "{error}");
        }
    }
}
