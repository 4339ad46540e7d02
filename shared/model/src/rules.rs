//! Which paths of a record hold which kind of identifier.
//!
//! In an archive's configuration:
//! ```json
//! [
//!   {"path": "userId", "type": "USER_ID"},
//!   {"path": "previousId", "type": "USER_ID", "when": {"path": "type", "equals": "alias"}},
//!   {"path": "context.traits.email", "type": "EMAIL"},
//!   {"path": "properties.em", "type": "EMAIL_SHA256"},
//!   {"path": "context.traits.login", "type": "login", "foldCase": true, "trim": true, "normalize": "nfc"}
//! ]
//! ```
//! A rule finds the identifiers of its own kind and no others. Email addresses and phone numbers are compared in their
//! [normal form](crate::normal), all else as the rule says. A [hash](crate::hashed) finds what it is a hash of, and the
//! other way round.
//!
//! A path names fields from the outermost in, joined by dots; a list of names (`["a.b", "c"]`) serves names
//! that hold a dot. An array on the way, or at the end, stands for each of its elements.
//!
//! Text without a header has columns by number, from `#1` on, which a path begins with:
//! ```json
//! {"headerless": {"delimiter": "tab", "quotes": false}, "rules": [{"path": "#13", "type": "USER_ID"}]}
//! ```
//! All text in the archive is read so then: nothing is guessed from its first line.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Normalize};
use crate::subject::SubjectType;

/// The most rules an archive can have.
const MAX_RULES: usize = 64;
/// The most fields one path can go through.
const MAX_DEPTH: usize = 16;
/// The most columns of text without a header.
const MAX_COLUMNS: usize = 10_000;

/// Where identifiers stand in the records of one archive. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct Rules {
    rules: Vec<Rule>,
    headerless: Option<Dialect>,
}

/// How delimited text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DialectConfig", into = "DialectConfig")]
pub struct Dialect {
    /// The ASCII character between two cells.
    pub delimiter: u8,
    /// Whether a cell in double quotes may hold delimiters and line feeds, as RFC 4180 has it; otherwise a quote is a
    /// character like any other.
    pub quotes: bool,
}

/// One place where an identifier stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The names of the fields that lead to it.
    pub path: Vec<String>,
    /// The kind of identifier there.
    pub kind: SubjectType,
    /// Which records the rule holds for; all, if there is none.
    pub when: Option<When>,
    /// How the identifier is compared.
    pub comparison: Comparison,
}

/// Limits a rule to records with this text, number or truth value (`true`, `false`) at this path. A record in which it is
/// anything else, such as an object, stays as a residual if it names a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The names of the fields that lead to it.
    pub path: Vec<String>,
    /// The text, or the number or truth value as text.
    pub equals: String,
}

impl Rules {
    /// Segment's own: the user id at `userId`, the anonymous id at `anonymousId`, and either at `previousId`
    /// of an `alias` call (<https://segment.com/docs/connections/spec/alias/>).
    pub fn segment() -> Self {
        let alias = || When { path: vec!["type".into()], equals: "alias".into() };
        let rule = |path: &str, kind, when| Rule {
            path: vec![path.into()],
            kind,
            when,
            comparison: Comparison::default(),
        };
        let rules = vec![
            rule("userId", SubjectType::UserId, None),
            rule("anonymousId", SubjectType::AnonymousId, None),
            rule("previousId", SubjectType::UserId, Some(alias())),
            rule("previousId", SubjectType::AnonymousId, Some(alias())),
        ];
        Self { rules, headerless: None }
    }

    /// Rules that look for both kinds of identifier at each of these dotted paths.
    pub fn at_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<Self, RuleError> {
        let both = |path: &str| {
            [SubjectType::UserId, SubjectType::AnonymousId].map(|kind| RuleConfig {
                path: Path::Dotted(path.to_owned()),
                kind,
                when: None,
                fold_case: false,
                trim: false,
                normalize: None,
            })
        };
        Config::Named(paths.into_iter().flat_map(both).collect()).try_into()
    }

    /// The same rules, and the user id at `userId`, for the records of `identify` calls alone
    /// (<https://segment.com/docs/connections/spec/identify/>).
    #[must_use]
    pub fn of_identify(&self) -> Self {
        let when = || Some(When { path: vec!["type".into()], equals: "identify".into() });
        let path = vec!["userId".into()];
        let user = Rule { path, kind: SubjectType::UserId, when: when(), comparison: Comparison::default() };
        let rules = self.rules.iter().map(|rule| Rule { when: when(), ..rule.clone() });
        Self { rules: [user].into_iter().chain(rules).collect(), headerless: None }
    }

    /// The condition of the rule at this index, if it has one.
    pub fn conditional(&self, rule: usize) -> Option<&When> {
        self.rules.get(rule)?.when.as_ref()
    }

    /// The kinds of identifier by which people are looked for.
    pub fn kinds(&self) -> BTreeSet<SubjectType> {
        self.iter().flat_map(|rule| rule.kind.found_by()).collect()
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// How the archive's text is written, if it has no header.
    pub fn headerless(&self) -> Option<Dialect> {
        self.headerless
    }
}

/// The index of the column that a name such as `#13` numbers, from 0.
pub fn column(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('#')?;
    let number: usize = digits.parse().ok()?;
    // One spelling per column: not #+1, not #01.
    ((1..=MAX_COLUMNS).contains(&number) && digits == number.to_string()).then(|| number - 1)
}

/// What is wrong with a rule, and at which field of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct RuleError {
    /// The field, as in `rules[1].path`.
    pub field: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Rules as the configuration writes them.
#[derive(Serialize)]
#[serde(untagged)]
enum Config {
    Named(Vec<RuleConfig>),
    Numbered(NumberedConfig),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberedConfig {
    #[serde(default)]
    headerless: Option<Dialect>,
    rules: Vec<RuleConfig>,
}

// Not derived: errors of an untagged enum do not say what is wrong.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Config;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rules, or an object with headerless and rules")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, rules: A) -> Result<Config, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(rules)).map(Config::Named)
            }
            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Config, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(fields)).map(Config::Numbered)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DialectConfig {
    delimiter: String,
    quotes: bool,
}

impl TryFrom<DialectConfig> for Dialect {
    type Error = RuleError;

    fn try_from(DialectConfig { delimiter, quotes }: DialectConfig) -> Result<Self, RuleError> {
        let delimiter = if delimiter == "tab" { "\t" } else { &delimiter };
        match delimiter.as_bytes() {
            [byte @ (1..=9 | 11 | 12 | 14..=33 | 35..=47 | 58..=64 | 91..=96 | 123..=126)] => {
                Ok(Self { delimiter: *byte, quotes })
            }
            _ => Err(RuleError {
                field: "headerless.delimiter".into(),
                problem: "must be tab or one ASCII character that is no letter, digit, quote or line break",
            }),
        }
    }
}

impl From<Dialect> for DialectConfig {
    fn from(Dialect { delimiter, quotes }: Dialect) -> Self {
        Self { delimiter: char::from(delimiter).to_string(), quotes }
    }
}

/// A rule as the configuration writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleConfig {
    path: Path,
    #[serde(rename = "type", deserialize_with = "crate::kind::held")]
    kind: SubjectType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<WhenConfig>,
    #[serde(default, skip_serializing_if = "is_false")]
    fold_case: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    trim: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    normalize: Option<Normalize>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenConfig {
    path: Path,
    equals: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "a path: names joined by dots, or a list of names")]
enum Path {
    Dotted(String),
    Names(Vec<String>),
}

fn is_false(value: &bool) -> bool {
    !value
}

impl TryFrom<Config> for Rules {
    type Error = RuleError;

    fn try_from(config: Config) -> Result<Self, RuleError> {
        let (configs, headerless) = match config {
            Config::Named(rules) => (rules, None),
            Config::Numbered(NumberedConfig { headerless, rules }) => (rules, headerless),
        };
        if configs.is_empty() {
            return Err(RuleError { field: "rules".into(), problem: "name at least one path" });
        }
        if configs.len() > MAX_RULES {
            return Err(RuleError { field: "rules".into(), problem: "are more than 64" });
        }
        let rule = |(at, config): (usize, RuleConfig)| {
            let when = |when: WhenConfig| {
                let path = names(when.path, headerless, format_args!("rules[{at}].when.path"))?;
                Ok(When { path, equals: when.equals })
            };
            Ok(Rule {
                path: names(config.path, headerless, format_args!("rules[{at}].path"))?,
                kind: config.kind,
                when: config.when.map(when).transpose()?,
                comparison: Comparison {
                    fold_case: config.fold_case,
                    trim: config.trim,
                    normalize: config.normalize,
                    ..Comparison::default()
                }
                .of_kind(config.kind),
            })
        };
        let rules = configs.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { rules, headerless })
    }
}

/// The names of a path. `[]` after a name is allowed and ignored: every element of an array counts anyway.
fn names(
    path: Path,
    headerless: Option<Dialect>,
    field: fmt::Arguments<'_>,
) -> Result<Vec<String>, RuleError> {
    let is_dotted = matches!(path, Path::Dotted(_));
    let names: Vec<String> = match path {
        Path::Dotted(path) => {
            path.split('.').map(|name| name.strip_suffix("[]").unwrap_or(name).to_owned()).collect()
        }
        Path::Names(names) => names,
    };
    let problem = if names.iter().all(String::is_empty) {
        "names no field"
    } else if names.iter().any(String::is_empty) {
        "has an empty name between its dots"
    } else if names.len() > MAX_DEPTH {
        "goes deeper than 16 fields"
    } else if headerless.is_some() && column(&names[0]).is_none() {
        "must begin with a column's number, from #1 to #10000, as headerless has it"
    } else if headerless.is_none() && is_dotted && column(&names[0]).is_some() {
        "numbers a column: say by headerless how the files are written"
    } else {
        return Ok(names);
    };
    Err(RuleError { field: field.to_string(), problem })
}

impl From<Rules> for Config {
    fn from(Rules { rules, headerless }: Rules) -> Self {
        let config = |rule: Rule| RuleConfig {
            path: Path::Names(rule.path),
            kind: rule.kind,
            when: rule.when.map(|when| WhenConfig { path: Path::Names(when.path), equals: when.equals }),
            fold_case: rule.comparison.fold_case,
            trim: rule.comparison.trim,
            normalize: rule.comparison.normalize,
        };
        let rules = rules.into_iter().map(config).collect();
        match headerless {
            None => Self::Named(rules),
            headerless => Self::Numbered(NumberedConfig { headerless, rules }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Rules, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_read_and_write_as_configuration() {
        let rules = parse(
            r#"[{"path": "a.b[].c", "type": "USER_ID", "foldCase": true, "trim": true, "normalize": "nfc"},
                {"path": ["d.e"], "type": "ANONYMOUS_ID", "when": {"path": "type", "equals": "alias"}},
                {"path": "email", "type": "EMAIL"}, {"path": "tel", "type": "PHONE"}, {"path": "crm", "type": "crm"},
                {"path": "em", "type": "EMAIL_SHA256"}]"#,
        )
        .unwrap();
        assert_eq!(rules.rules[0].path, ["a", "b", "c"]);
        let comparison = Comparison {
            fold_case: true,
            trim: true,
            normalize: Some(Normalize::Nfc),
            ..Comparison::default()
        };
        assert_eq!([rules.rules[0].comparison, rules.rules[2].comparison], [comparison; 2]);
        assert!(rules.rules[3].comparison.phone && rules.rules[4].comparison.is_exact());
        // Six that are named, one of them a hash, and the two hashes of each of four, of which one is named.
        assert_eq!(rules.kinds().len(), 6 + 2 * 4 - 1);
        assert!(rules.rules[5].comparison.hash.is_some());
        assert_eq!(rules.rules[1].path, ["d.e"]);
        let numbered = parse(
            r##"{"headerless": {"delimiter": "tab", "quotes": false}, "rules": [
                {"path": "#13", "type": "USER_ID"}, {"path": "#53.data.id", "type": "USER_ID", "when": {"path": "#6", "equals": "x"}}]}"##,
        )
        .unwrap();
        assert_eq!(numbered.headerless(), Some(Dialect { delimiter: b'\t', quotes: false }));
        assert_eq!(numbered.rules[1].path, ["#53", "data", "id"]);
        assert_eq!(
            ["#13", "#0", "#10001", "13", "#+1", "#01", "#"].map(column),
            [Some(12), None, None, None, None, None, None]
        );
        let in_object = parse(r#"{"rules": [{"path": "userId", "type": "USER_ID"}]}"#).unwrap();
        for rules in [rules, numbered, in_object, Rules::segment()] {
            assert_eq!(parse(&serde_json::to_string(&rules).unwrap()).unwrap(), rules);
        }
    }

    #[test]
    fn a_bad_rule_is_an_error_that_names_the_field() {
        let deep = format!(r#"[{{"path": "{}a", "type": "USER_ID"}}]"#, "a.".repeat(16));
        for (json, says) in [
            ("[]", "rules: name at least one path"),
            (r#"[{"path": "", "type": "USER_ID"}]"#, "rules[0].path: names no field"),
            (r#"[{"path": [], "type": "USER_ID"}]"#, "rules[0].path: names no field"),
            (
                r#"[{"path": "a", "type": "USER_ID"}, {"path": "a..b", "type": "USER_ID"}]"#,
                "rules[1].path: has an empty name",
            ),
            (
                r#"[{"path": "a", "type": "USER_ID", "when": {"path": ".", "equals": "b"}}]"#,
                "rules[0].when.path: names no field",
            ),
            (&deep, "rules[0].path: goes deeper"),
            (r##"[{"path": "#13", "type": "USER_ID"}]"##, "rules[0].path: numbers a column"),
            (
                r##"{"headerless": {"delimiter": "tab", "quotes": false}, "rules": [{"path": "userId", "type": "USER_ID"}]}"##,
                "rules[0].path: must begin with a column's number",
            ),
            (
                r##"{"headerless": {"delimiter": "\n", "quotes": true}, "rules": [{"path": "#1", "type": "USER_ID"}]}"##,
                "headerless.delimiter: must be tab or one ASCII character",
            ),
            (
                r##"{"headerless": {"delimiter": ","}, "rules": [{"path": "#1", "type": "USER_ID"}]}"##,
                "missing field `quotes`",
            ),
            (r##"{"rules": [{"path": "#1", "type": "USER_ID"}]}"##, "rules[0].path: numbers a column"),
            (r#""userId""#, "a list of rules, or an object with headerless and rules"),
            (r#"[{"path": "a", "type": "Crm"}]"#, "unknown variant `Crm`"),
            (r#"[{"path": "a", "type": "email"}]"#, "unknown variant `email`"),
            (r#"[{"path": "a", "type": "email_sha256"}]"#, "one of these with _SHA256 or _MD5 behind it"),
            (r#"[{"path": "a"}]"#, "missing field `type`"),
            (r#"[{"path": 1, "type": "USER_ID"}]"#, "a path: names joined by dots"),
            (r#"[{"path": "a", "type": "USER_ID", "fold": true}]"#, "unknown field `fold`"),
            (r#"[{"path": "a", "type": "USER_ID", "normalize": "nfd"}]"#, "unknown variant `nfd`"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(says), "{json}: {error}");
        }
    }
}
