//! The second opinion: the same decisions by plain values, written from the rules and not from the matcher.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::*;

/// Decides by `serde_json::Value` alone. `None`, if the line is not an object, or if that parser is stricter than JSON
/// (unpaired surrogates, numbers beyond a double).
pub(super) fn by_value(
    matcher: &Matcher,
    rules: &Rules,
    subjects: &SubjectSet,
    line: &[u8],
) -> Option<(Verdict, Vec<u32>)> {
    let record = serde_json::from_slice::<Value>(line).ok().filter(Value::is_object)?;
    let (mut hits, mut opaque, mut owned, mut strangers) = (Vec::new(), false, false, false);
    let mut nameless = Vec::new();
    let conditions = rules.iter().filter_map(|rule| Some((None, &rule.when.as_ref()?.path[..])));
    let paths = rules.iter().enumerate().map(|(at, rule)| (Some(at), &rule.path[..])).chain(conditions);
    find_nameless(&record, &paths.collect::<Vec<_>>(), &mut nameless);
    for (at, rule) in rules.iter().enumerate() {
        let condition = rule.when.as_ref().map(|when| (at_path(&record, &when.path, false), &when.equals));
        let is = |place: &Place, text: &str| matches!(place, Place::Text(value, _) | Place::Truth(value) if value == text);
        let is_met =
            condition.as_ref().is_none_or(|(places, equals)| places.iter().any(|place| is(place, equals)));
        let is_unsure =
            condition.is_some_and(|(places, _)| places.iter().any(|place| matches!(place, Place::Object(_))));
        strangers |= is_met && nameless.contains(&at);
        let goes_deeper = |other: &model::rules::Rule| {
            other.path.len() > rule.path.len() && other.path.starts_with(&rule.path)
                || other.when.as_ref().is_some_and(|when| {
                    when.path.len() > rule.path.len() && when.path.starts_with(&rule.path)
                })
        };
        for place in at_path(&record, &rule.path, false) {
            let (value, in_array) = match place {
                Place::Text(value, in_array) => (value, in_array),
                Place::Broken(text, in_array) => {
                    opaque |= matcher.raw_bytes_hold_an_identifier(text.as_bytes());
                    owned |= is_met && !in_array;
                    strangers |= is_met && in_array;
                    continue;
                }
                Place::Torn(text) => {
                    let named = |rule: &model::rules::Rule| {
                        let mut names = (0..rule.path.len()).map(|from| rule.path[from..].join("."));
                        names.any(|name| text.contains(&format!("\"{name}")))
                    };
                    opaque |=
                        rules.iter().any(named) && matcher.raw_bytes_hold_an_identifier(text.as_bytes());
                    continue;
                }
                Place::Truth(_) => continue,
                Place::Rounded(in_array) => {
                    let is_given = |subject: &Subject| {
                        hash_in(subject.kind.as_str()).is_some_and(|(of, _)| of == rule.kind.as_str())
                    };
                    opaque |= subjects.iter().any(is_given);
                    strangers |= is_met && in_array;
                    continue;
                }
                Place::Object(in_array) => {
                    let is_end = !rules.iter().any(goes_deeper);
                    opaque |= is_end;
                    strangers |= is_met && in_array && is_end;
                    continue;
                }
            };
            let named = |rule: &model::rules::Rule, value: &str| -> Vec<u32> {
                let normal = |text: &str| {
                    let Comparison { fold_case, trim, normalize, phone: _, hash: _ } = rule.comparison;
                    let text = if trim { text.trim() } else { text };
                    let text = if fold_case { text.to_lowercase() } else { text.to_owned() };
                    if normalize.is_some() { text.nfc().collect() } else { text }
                };
                let is_named = |(_, subject): &(usize, &Subject)| {
                    let (holds, given) = (rule.kind.as_str(), subject.kind.as_str());
                    let nothing = value.trim().is_empty() || subject.id == NOTHING_SHA256;
                    match (hash_in(holds), hash_in(given)) {
                        (None, None) => given == holds && normal(&subject.id) == normal(value),
                        (Some(_), Some(_)) => given == holds && plain_hash(value) == subject.id && !nothing,
                        (Some((of, hash)), None) => given == of && plain_hash(value) == hash(&subject.id),
                        (None, Some((of, hash))) => {
                            holds == of && hash(&normal(value)) == subject.id && !nothing
                        }
                    }
                };
                subjects.iter().enumerate().filter(is_named).map(|(at, _)| at as u32).collect()
            };
            let bare = value.trim_matches(['\'', '"', '`']);
            opaque |= value.starts_with('"') && !named(rule, bare).is_empty();
            if !is_met {
                opaque |= is_unsure && !named(rule, &value).is_empty();
                continue;
            }
            hits.extend(named(rule, &value));
            let is_named =
                rules.iter().any(|other| other.path == rule.path && !named(other, &value).is_empty());
            owned |= !in_array && !value.trim().is_empty();
            strangers |= in_array && !is_named && !value.trim().is_empty();
        }
    }
    hits.sort_unstable();
    hits.dedup();
    Some(match hits.is_empty() {
        false if strangers && !owned => (Verdict::Shared, Vec::new()),
        false => (Verdict::Remove, hits),
        true => (if opaque { Verdict::Opaque } else { Verdict::Keep }, hits),
    })
}

type Hash = fn(&str) -> String;

/// What the name of a kind says that it is the hash of, and how it is made.
fn hash_in(kind: &str) -> Option<(&str, Hash)> {
    let sha256: Hash = |text| model::subject::hex(&Sha256::digest(text));
    let md5: Hash = |text| model::subject::hex(&Md5::digest(text));
    kind.strip_suffix("_SHA256").map(|of| (of, sha256)).or_else(|| Some((kind.strip_suffix("_MD5")?, md5)))
}

/// A value that is a hash, in lower-case hex.
fn plain_hash(value: &str) -> String {
    // Either alphabet, padded or not.
    let standard = value.trim().trim_end_matches('=').replace('-', "+").replace('_', "/");
    let base64 = || base64::engine::general_purpose::STANDARD_NO_PAD.decode(standard).ok();
    match value.trim().to_lowercase() {
        hex if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => hex,
        _ => base64().map(|bytes| model::subject::hex(&bytes)).unwrap_or_default(),
    }
}

/// What is at the end of a path.
enum Place {
    /// A text or number, and whether it is in an array.
    Text(String, bool),
    /// A truth value, which only a condition compares.
    Truth(String),
    /// A float to which several whole numbers round, of which one may be hashed; none of them is a subject's here.
    Rounded(bool),
    Object(bool),
    /// A text that only looks like JSON.
    Broken(String, bool),
    /// Such a text above the end of the path.
    Torn(String),
}

/// Notes the rules that lead into an array of which some object has nothing in their places. Returns whether there is
/// anything in the places of these paths, of which `None` are those of conditions.
fn find_nameless(value: &Value, paths: &[(Option<usize>, &[String])], nameless: &mut Vec<usize>) -> bool {
    let goes_deeper = paths.iter().any(|(_, path)| !path.is_empty());
    let ends = paths.iter().any(|(rule, path)| path.is_empty() && rule.is_some());
    match value {
        Value::Array(elements) => elements.iter().fold(false, |found, element| {
            let mut any = find_nameless(element, paths, nameless);
            if !any && goes_deeper && element.is_object() {
                nameless.extend(paths.iter().filter_map(|(rule, _)| *rule));
                any = paths.iter().any(|(rule, _)| rule.is_some());
            }
            found | any
        }),
        Value::Object(fields) if goes_deeper => fields.iter().fold(false, |found, (name, value)| {
            let rest = |path: &'_ [String]| (1..=path.len()).find(|&names| path[..names].join(".") == *name);
            let deeper = paths.iter().filter_map(|(rule, path)| Some((*rule, &path[rest(path)?..])));
            let deeper: Vec<_> = deeper.collect();
            let any = !deeper.is_empty() && find_nameless(value, &deeper, nameless);
            found | any
        }),
        Value::Object(fields) => ends && !fields.is_empty(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(json @ (Value::Array(_) | Value::Object(_))) => find_nameless(&json, paths, nameless),
            Ok(json @ Value::String(_)) if looks_like_json(text) => find_nameless(&json, paths, nameless),
            _ => ends && !text.trim().is_empty(),
        },
        Value::Number(_) => ends,
        Value::Null | Value::Bool(_) => false,
    }
}

/// Whether a text begins as an array or object does, be it in quotes.
fn looks_like_json(text: &str) -> bool {
    ["{", "[", "\"{", "\"["].iter().any(|start| text.trim_start().starts_with(start))
}

fn at_path(value: &Value, path: &[String], in_array: bool) -> Vec<Place> {
    match (value, path) {
        (Value::Array(elements), _) => elements.iter().flat_map(|value| at_path(value, path, true)).collect(),
        // Flattening programs join names.
        (Value::Object(fields), [_, ..]) => (1..=path.len())
            .filter_map(|names| Some((fields.get(&path[..names].join("."))?, &path[names..])))
            .flat_map(|(value, rest)| at_path(value, rest, in_array))
            .collect(),
        (Value::Object(fields), []) if !fields.is_empty() => vec![Place::Object(in_array)],
        (Value::String(text), _) => match serde_json::from_str::<Value>(text) {
            Ok(json @ (Value::Array(_) | Value::Object(_))) => at_path(&json, path, in_array),
            // It was written as a string twice.
            Ok(json @ Value::String(_)) if looks_like_json(text) => at_path(&json, path, in_array),
            _ if path.is_empty() && looks_like_json(text) => vec![Place::Broken(text.clone(), in_array)],
            _ if looks_like_json(text) => vec![Place::Torn(text.clone())],
            _ if path.is_empty() => vec![Place::Text(text.clone(), in_array)],
            _ => vec![],
        },
        (Value::Number(number), []) => match number.as_f64() {
            Some(float) if number.is_f64() && float.abs() >= (1_u64 << 53) as f64 => {
                vec![Place::Rounded(in_array)]
            }
            Some(float) if float.fract() == 0.0 => vec![Place::Text((float as i64).to_string(), in_array)],
            Some(float) => vec![Place::Text(float.to_string(), in_array)],
            _ => vec![],
        },
        (Value::Bool(truth), []) => vec![Place::Truth(truth.to_string())],
        _ => vec![],
    }
}
