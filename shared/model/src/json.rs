//! Reads JSON that may hold identifiers. serde's messages quote the input: only the place of a fault is told, and
//! the name of a field that is missing, which is ours.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

const UNEXPECTED: &str = "is not of the expected form";

/// How serde's messages begin that quote the value.
const QUOTES: [&str; 4] = ["invalid type: ", "invalid value: ", "invalid length ", "data did not match "];

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
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| match error.inner() {
        inner if inner.is_data() => form(&error, false),
        inner => not_json(inner),
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Reads a value of a type whose own messages, those of its `TryFrom`, repeat nothing: they are told.
///
/// # Errors
/// `Form`, saying what is wrong without repeating the value.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| form(&error, true))
}

/// What is wrong with the form of a value. serde's messages quote the value: of them, only names from the type are told.
fn form(error: &serde_path_to_error::Error<serde_json::Error>, tells_own: bool) -> Fault {
    let message = error.inner().to_string();
    let path: Vec<_> = error.path().iter().collect();
    let about = |field: String, problem: &str| Fault::Form { message: format!("{field} {problem}"), field };
    let (start, rest) = message.split_once('`').unwrap_or((&message, ""));
    let name = rest.split('`').next().unwrap_or_default();
    match start {
        "missing field " => about(name.to_owned(), "is missing"),
        "duplicate field " => about(name.to_owned(), "is there twice"),
        // The path ends with the name that was sent.
        "unknown field " => about(written(&path[..path.len().saturating_sub(1)]), "has an unknown field"),
        // The value may hold another `, expected `: the type's is the last.
        "unknown variant " => {
            let known =
                message.rsplit_once(", expected ").and_then(|(_, known)| known.split(" at line ").next());
            about(
                written(&path),
                &known.map_or_else(|| UNEXPECTED.to_owned(), |known| format!("must be {known}")),
            )
        }
        _ if tells_own && !QUOTES.iter().any(|quotes| message.starts_with(quotes)) => {
            about(written(&path), &message)
        }
        _ => about(written(&path), UNEXPECTED),
    }
}

/// A path as in `subjectIds[3]`; `.` for the whole.
fn written(path: &[&Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text += &format!("[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } if text.is_empty() => text += name,
            Segment::Map { key: name } | Segment::Enum { variant: name } => text += &format!(".{name}"),
            Segment::Unknown => text += "?",
        }
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

fn not_json(error: &serde_json::Error) -> Fault {
    Fault::NotJson { line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors are looked at")]
    struct Wanted {
        subject_ids: Vec<String>,
        tls: Option<Tls>,
        since: Option<jiff::Timestamp>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Tls {
        Require,
        Disable,
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
            r#"{"subjectIds": [], "tls": "ada, expected ada at line 1"}"#,
            r#"{"subjectIds": [], "tls": {"ada": 1}}"#,
            r#"{"subjectIds": [], "ada": 1}"#,
            r#"{"subjectIds": [], "since": "ada"}"#,
        ] {
            let error = format!("{:?}", parse::<Wanted>(body.as_bytes()).expect_err("invalid"));
            assert!(!error.contains("ada"), "{error}");
            let Ok(value) = serde_json::from_str::<Value>(body) else { continue };
            if value.get("since").is_none() {
                let error = format!("{:?}", read::<Wanted>(value).expect_err("invalid"));
                assert!(!error.contains("ada"), "{error}");
            }
        }
    }

    #[test]
    fn errors_say_what_is_expected() {
        for (body, message) in [
            (r#"{}"#, "subjectIds is missing"),
            (r#"{"subjectIds": ["a", 1]}"#, "subjectIds[1] is not of the expected form"),
            (r#"{"subjectIds": [], "tls": "no"}"#, "tls must be `require` or `disable`"),
            (r#"{"subjectIds": [], "Tls": "no"}"#, ". has an unknown field"),
        ] {
            assert_eq!(parse::<Wanted>(body.as_bytes()).expect_err("invalid").to_string(), message);
        }
    }
}
