//! How the catalogue describes what can be connected.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::status::TaskStatus;

/// What can be connected, and which settings it takes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Description {
    /// The name in the API.
    pub vendor: &'static str,
    /// What sort of place it is.
    pub kind: DestinationKind,
    /// Where its vendor documents what is called there.
    pub docs: &'static str,
    /// The best that a task there can end as: what can be said for sure.
    pub confirms: TaskStatus,
    /// The settings and secrets it takes.
    pub fields: &'static [Field],
}

/// One setting or secret of a destination.
#[derive(Debug, Serialize, ToSchema)]
pub struct Field {
    /// Its name in the API.
    pub name: &'static str,
    /// What it is, for people.
    pub help: &'static str,
    /// Whether there is no default.
    pub required: bool,
    /// Whether it is kept in Secrets Manager and never shown again.
    pub secret: bool,
    /// What it may be.
    pub form: Form,
}

/// What a field may be.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(tag = "type", content = "values", rename_all = "camelCase")]
pub enum Form {
    /// Text, or what the adapter makes of it.
    Plain,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of the vendor's regions, by name.
    Region(&'static [Region]),
    /// A host that fits one of these patterns, in which `*` stands for one label of letters, digits and `-`.
    Host(&'static [&'static str]),
    /// An `https` URL.
    Url,
}

/// A region of a vendor.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Region {
    /// Its name, as the vendor has it.
    pub name: &'static str,
    /// Its host.
    pub host: &'static str,
}

/// A region of this name at this host.
pub(super) const fn region(name: &'static str, host: &'static str) -> Region {
    Region { name, host }
}

impl Field {
    pub(crate) const fn required(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: true, secret: false, form: Form::Plain }
    }

    pub(crate) const fn optional(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: false, secret: false, form: Form::Plain }
    }

    pub(crate) const fn secret(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: true, secret: true, form: Form::Plain }
    }

    /// The same, of a certain form.
    pub(super) const fn of(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Where calls go: the host that the setting stands for, with `https`; on test stacks, the URL that it is.
    /// A host that may be left out is the first of its form then.
    pub(super) fn base_url(&self, settings: &Map<String, Value>) -> String {
        let text = settings.get(self.name).and_then(Value::as_str).unwrap_or_default();
        if text.contains("://") {
            return text.trim_end_matches('/').to_owned();
        }
        let host = match self.form {
            Form::Region(regions) => regions.iter().find(|r| r.name == text).map_or("", |r| r.host),
            Form::Host([first, ..]) if text.is_empty() => first,
            _ => text,
        };
        format!("https://{host}")
    }

    /// Checks a value of a cloud destination. `any_endpoint` permits hosts that are not the vendor's.
    fn check(&self, value: &Value, any_endpoint: bool) -> Result<()> {
        let text = value.as_str().unwrap_or_default();
        let fits = match self.form {
            Form::Plain => !text.trim().is_empty() && text.len() <= 2_000,
            Form::Choice(words) => words.contains(&text),
            Form::Region(regions) => regions.iter().any(|region| region.name == text),
            Form::Host(patterns) => patterns.iter().any(|pattern| is_host(text, pattern)),
            Form::Url => text.strip_prefix("https://").is_some_and(is_public),
        };
        let endpoint = !matches!(self.form, Form::Plain | Form::Choice(_));
        if fits || (any_endpoint && endpoint && text.starts_with("http://")) {
            return Ok(());
        }
        let wanted = match self.form {
            Form::Plain => "text of 1 to 2,000 bytes".to_owned(),
            Form::Choice(words) => format!("one of {}", words.join(", ")),
            Form::Region(regions) => {
                format!("one of {}", regions.iter().map(|r| r.name).collect::<Vec<_>>().join(", "))
            }
            Form::Host(patterns) => format!("a host such as {}", patterns.join(" or ")),
            Form::Url => "an https URL with a public host name".to_owned(),
        };
        Err(Failure::invalid(format!("settings.{} must be {wanted}", self.name)).field("settings"))
    }
}

impl Description {
    /// Whether the given settings or secrets have the names they must, and no others.
    pub(super) fn check_names<'a>(
        &self,
        secret: bool,
        given: impl Iterator<Item = &'a String>,
    ) -> Result<()> {
        let field = if secret { "secrets" } else { "settings" };
        let given: Vec<_> = given.map(String::as_str).collect();
        let fields = || self.fields.iter().filter(|f| f.secret == secret);
        let invalid = |message| Err(Failure::invalid(message).field(field));
        if let Some(missing) = fields().find(|f| f.required && !given.contains(&f.name)) {
            return invalid(format!("{field}.{} is missing: {}", missing.name, missing.help));
        }
        if given.iter().all(|name| fields().any(|f| f.name == *name)) {
            return Ok(());
        }
        // What is not known is not repeated: it may be a secret in the wrong place.
        let known: Vec<_> = fields().map(|f| f.name).collect();
        invalid(match known.is_empty() {
            true => format!("{} takes no {field}", self.vendor),
            false => format!("{field} has an unknown name: {} takes {}", self.vendor, known.join(", ")),
        })
    }

    /// Whether the settings of a cloud destination have the forms they must.
    pub(super) fn check_forms(&self, settings: &Map<String, Value>, any_endpoint: bool) -> Result<()> {
        let given = self.fields.iter().filter_map(|field| Some((field, settings.get(field.name)?)));
        given.into_iter().try_for_each(|(field, value)| field.check(value, any_endpoint))
    }
}

/// Whether a host fits a pattern, label by label.
fn is_host(host: &str, pattern: &str) -> bool {
    let (host, pattern): (Vec<_>, Vec<_>) = (host.split('.').collect(), pattern.split('.').collect());
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    host.len() == pattern.len()
        && host.iter().zip(pattern).all(|(label, wanted)| match wanted {
            "*" => is_label(label),
            wanted => *label == wanted,
        })
}

/// Whether the rest of a URL names a host by a public name: an address or a local name could point into the
/// account's own network.
fn is_public(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let labels: Vec<_> = host.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    labels.len() > 1
        && labels.iter().all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        && last.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
        && !matches!(last, "internal" | "local" | "localhost" | "lan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_holds_label_by_label() {
        for (host, fits) in [
            ("rest.iad-01.braze.com", true),
            ("rest..braze.com", false),
            ("evil.example/rest.iad-01.braze.com", false),
            ("rest.a/b.braze.com", false),
            ("rest.iad-01.braze.com.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_host(host, "rest.*.braze.com"), fits, "{host}");
        }
    }

    #[test]
    fn a_url_names_a_public_host() {
        for (rest, fits) in [
            ("hooks.example.com/delete?x=1", true),
            ("hooks.example.com:8443/delete", true),
            ("169.254.169.254/latest", false),
            ("localhost/x", false),
            ("db.internal/x", false),
            ("user@hooks.example.com/", false),
            ("[::1]/", false),
        ] {
            assert_eq!(is_public(rest), fits, "{rest}");
        }
    }
}
