//! A vendor's fixture, for tests here and in the function that speaks HTTP.
//!
//! `fixtures/{vendor}.json`, from the vendor's documentation (`sources`):
//!
//! | field | |
//! |---|---|
//! | `settings`, `secrets` | a connection as an operator would make it |
//! | `limited` | the headers of a 429 |
//! | `check` | the exchange of the harmless call |
//! | `cases[]` | `name`, `subjects` (user ids, or objects of identifiers by kind), `exchange`, then `outcomes`, or `failure` (a kind), or both; other `settings` or `secrets` |
//! | `exchange[]` | `reply`, and the `call` before it where it matters (`method`, `url`, `headers`, and `json`, `form` or `text`); or a `wait` or `keep` with the note |

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::destination::Secrets;
use model::subject::{Subject, SubjectType};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Outcome;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub sources: Vec<String>,
    pub settings: Map<String, Value>,
    pub secrets: Secrets,
    /// The headers of a 429.
    #[serde(default)]
    pub limited: Map<String, Value>,
    #[serde(default)]
    pub check: Vec<Entry>,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// The settings, where they differ from the fixture's.
    #[serde(default)]
    pub settings: Option<Map<String, Value>>,
    /// The secrets, where they differ from the fixture's.
    #[serde(default)]
    pub secrets: Option<Secrets>,
    pub subjects: Vec<Person>,
    pub exchange: Vec<Entry>,
    #[serde(default)]
    pub outcomes: Vec<Outcome>,
    #[serde(default)]
    pub failure: Option<String>,
}

/// A person: a user id, or identifiers by kind.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Person {
    User(String),
    Known(BTreeMap<SubjectType, String>),
}

impl Person {
    pub fn identifiers(&self) -> Vec<Subject> {
        match self {
            Self::User(id) => vec![Subject::user(id)],
            Self::Known(ids) => {
                ids.iter().map(|(kind, id)| Subject { kind: *kind, id: id.clone() }).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Entry {
    Exchange { call: Option<Expected>, reply: Canned },
    Wait { wait: Value },
    Keep { keep: Value },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: Map<String, Value>,
    pub json: Option<Value>,
    pub text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canned {
    pub status: u16,
    #[serde(default)]
    pub headers: Map<String, Value>,
    pub body: Value,
}

pub fn fixture(vendor: &str) -> Fixture {
    let path = folder().join(format!("{vendor}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/destinations/fixtures")
}

impl Fixture {
    pub fn case(&self, name: &str) -> &Case {
        self.cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
    }
}
