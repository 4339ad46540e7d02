//! How the catalogue describes what can be connected.

use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;

use crate::address::is_public_host;
use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::status::TaskStatus;

/// What can be connected, and which settings it takes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Description {
    /// The name in the API.
    pub vendor: &'static str,
    /// The name as the vendor writes it, for people.
    pub title: &'static str,
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
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name in the API.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is, for people.
    pub help: &'static str,
    /// Whether there is no default.
    pub required: bool,
    /// Whether it is kept in Secrets Manager and never shown again.
    pub secret: bool,
    /// Whether it says where the secrets are sent, or how: to change it, the secrets have to be given again.
    pub directs_secrets: bool,
    /// What it may be.
    pub form: Form,
}

/// What a field may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", content = "values", rename_all = "camelCase")]
pub enum Form {
    /// One line of text.
    Text,
    /// Text of several lines, such as a certificate or a key.
    LongText,
    /// A list of texts.
    List,
    /// A number.
    Number,
    /// JSON of the form that the help shows.
    Json,
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
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
    /// A setting of one line of text that must be given.
    pub(crate) const fn required(name: &'static str, title: &'static str, help: &'static str) -> Self {
        let (required, secret, directs_secrets) = (true, false, false);
        Self { name, title, help, required, secret, directs_secrets, form: Form::Text }
    }

    /// A setting of one line of text that may be left out.
    pub(crate) const fn optional(name: &'static str, title: &'static str, help: &'static str) -> Self {
        Self { required: false, ..Self::required(name, title, help) }
    }

    /// A secret that must be given.
    pub(crate) const fn secret(name: &'static str, title: &'static str, help: &'static str) -> Self {
        Self { secret: true, ..Self::required(name, title, help) }
    }

    /// A secret that may be left out.
    pub(crate) const fn optional_secret(name: &'static str, title: &'static str, help: &'static str) -> Self {
        Self { required: false, ..Self::secret(name, title, help) }
    }

    /// The field with this form. A form that names an endpoint directs the secrets.
    pub(crate) const fn of(self, form: Form) -> Self {
        Self { form, directs_secrets: self.directs_secrets || form.is_endpoint(), ..self }
    }

    /// The field, marked as directing the secrets.
    pub(crate) const fn directing_secrets(self) -> Self {
        Self { directs_secrets: true, ..self }
    }

    /// The base URL of calls: the host that the setting names, with `https`, or on test stacks the setting itself. If
    /// an optional host is left out, the first of its form is used.
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

    /// Checks a value. `any_endpoint` permits hosts that are not the vendor's.
    fn check(&self, value: &Value, any_endpoint: bool) -> Result<()> {
        let text = value.as_str().unwrap_or_default();
        let fits = match self.form {
            Form::Text => {
                value.is_string() && text.len() <= 2_000 && !(self.required && text.trim().is_empty())
            }
            Form::LongText => !text.trim().is_empty(),
            Form::List => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Form::Number => value.is_number(),
            Form::Json => true,
            Form::Choice(words) => words.contains(&text),
            Form::Region(regions) => regions.iter().any(|region| region.name == text),
            Form::Host(patterns) => patterns.iter().any(|pattern| is_host(text, pattern)),
            Form::Url => is_public_url(text),
        };
        if fits || (any_endpoint && self.form.is_endpoint() && text.starts_with("http://")) {
            return Ok(());
        }
        let wanted = match self.form {
            Form::Text => "text of 1 to 2,000 bytes".to_owned(),
            Form::LongText => "text".to_owned(),
            Form::List => "a list of texts".to_owned(),
            Form::Number => "a number".to_owned(),
            Form::Json => "JSON".to_owned(),
            Form::Choice(words) => format!("one of {}", words.join(", ")),
            Form::Region(regions) => {
                format!("one of {}", regions.iter().map(|r| r.name).collect::<Vec<_>>().join(", "))
            }
            Form::Host(patterns) => format!("a host such as {}", patterns.join(" or ")),
            Form::Url => "an https URL with a public host name, without user or password".to_owned(),
        };
        Err(Failure::invalid(format!("settings.{} must be {wanted}", self.name)).field("settings"))
    }
}

impl Form {
    /// Whether it determines which host is called.
    const fn is_endpoint(self) -> bool {
        matches!(self, Self::Region(_) | Self::Host(_) | Self::Url)
    }
}

impl Description {
    /// Checks that the settings or secrets have all names that are required and none that are unknown.
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
        // Unknown names are not repeated: one may be a secret in the wrong place.
        let known: Vec<_> = fields().map(|f| f.name).collect();
        invalid(match known.is_empty() {
            true => format!("{} takes no {field}", self.vendor),
            false => format!("{field} has an unknown name: {} takes {}", self.vendor, known.join(", ")),
        })
    }

    /// A failure with the setting or secret at fault as its part, if its message begins with one of the catalogue's. What a
    /// client made up is in neither.
    pub(super) fn naming(&self, failure: Failure) -> Failure {
        let named = |field: &&Field| {
            let place = if field.secret { "secrets" } else { "settings" };
            let rest = failure.public.strip_prefix(place).and_then(|rest| rest.strip_prefix('.'));
            let rest = rest.and_then(|rest| rest.strip_prefix(field.name));
            let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            failure.field == Some(place) && rest.is_some_and(ends)
        };
        match self.fields.iter().find(named) {
            Some(field) => failure.part(field.name),
            None => failure,
        }
    }

    /// Checks the forms of the settings.
    pub(super) fn check_forms(&self, settings: &Map<String, Value>, any_endpoint: bool) -> Result<()> {
        let given = self.fields.iter().filter_map(|field| Some((field, settings.get(field.name)?)));
        given.into_iter().try_for_each(|(field, value)| field.check(value, any_endpoint))
    }

    /// Whether secrets that were given for the settings `before` go elsewhere with `after`.
    pub(super) fn redirects_secrets(&self, before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
        self.fields.iter().any(|field| field.secret)
            && self.fields.iter().any(|f| f.directs_secrets && before.get(f.name) != after.get(f.name))
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

/// Whether a text is an `https` URL of a public host, without user or password.
pub fn is_public_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.host().is_some_and(|host| is_public_host(&host))
            && url.username().is_empty()
            && url.password().is_none()
    })
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
}
