//! Archives that can be connected: event files in S3.

use model::comparison::Comparison;
use model::destination::{Destination, DestinationKind};
use model::failure::{Failure, Result};
use model::keys::Patterns;
use model::rules::{Rule, Rules};
use model::status::TaskStatus;
use model::subject::SubjectType;
use serde::{Deserialize, Serialize};

use crate::description::{Description, Field, Form};
use crate::layout;

/// Its entry in the catalogue.
pub(crate) const DESCRIPTION: Description = Description {
    vendor: "s3",
    title: "Amazon S3",
    kind: DestinationKind::Archive,
    docs: "https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("bucket", "Bucket", "The bucket's name"),
        Field::optional("prefix", "Prefix", "Only keys that begin so; all keys if left out"),
        Field::optional(
            "include",
            "Include",
            "Only keys that fit one of these patterns (* any characters, ? one); all keys if left out",
        )
        .of(Form::List),
        Field::optional("exclude", "Exclude", "No keys that fit one of these patterns; evidence counts them")
            .of(Form::List),
        Field::optional(
            "rules",
            "Rules",
            "Where identifiers stand in a record, or in which column of text without a header; Segment's places if left out",
        )
        .of(Form::Json),
        Field::optional(
            "resolves",
            "Resolves",
            "Where identify calls of trusted sources hold other identifiers of a user: [{\"path\": \"traits.email\", \"type\": \"EMAIL\"}]",
        )
        .of(Form::Json),
        Field::optional(
            "requestPayer",
            "Request payer",
            "requester: Lethe's account pays for its calls, as a requester-pays bucket wants",
        )
        .of(Form::Choice(&["requester"])),
        Field::optional(
            "maxShare",
            "Max share",
            "Share of the lines that a run may remove unconfirmed; 0.01 if left out",
        )
        .of(Form::Number),
    ],
};

/// The settings of an S3 archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The bucket's name.
    pub bucket: String,
    /// The prefix of the keys in scope.
    #[serde(default)]
    pub prefix: String,
    /// The patterns of which keys in scope must match one; all keys match, if there is none.
    #[serde(default)]
    pub include: Patterns,
    /// The patterns of which keys in scope must match none.
    #[serde(default)]
    pub exclude: Patterns,
    /// Where identifiers stand in a record; Segment's places if left out.
    #[serde(default = "Rules::segment")]
    pub rules: Rules,
    /// Where `identify` calls hold other identifiers of a user; nobody is looked up, if left out.
    #[serde(default)]
    pub resolves: Option<Traits>,
    /// Who pays for calls; the bucket's owner, if left out.
    #[serde(default)]
    pub request_payer: Option<RequestPayer>,
    /// The share of the archive's lines, from 0 to 1, that a run may remove without being confirmed.
    #[serde(default)]
    pub max_share: Share,
}

impl Settings {
    /// Whether the settings exclude a key below the prefix, so that nothing is looked for in it.
    pub fn excludes(&self, key: &str) -> bool {
        (!self.include.is_empty() && !self.include.fit(key)) || self.exclude.fit(key)
    }
}

/// Checks an archive's settings.
///
/// # Errors
/// `Invalid`, naming the field.
pub(crate) fn check(archive: &Destination) -> Result<()> {
    let Settings { prefix, resolves, .. } = archive.settings()?;
    let has_folders = prefix.is_empty() || prefix.ends_with('/') || layout::split(&prefix).is_some();
    if resolves.is_some() && !has_folders {
        let problem = "it tells sources by their folders: end settings.prefix with segment-logs/";
        return Err(Failure::invalid(format!("settings.resolves: {problem}")).field("settings"));
    }
    Ok(())
}

/// Where an `identify` call holds other identifiers of its user: paths, each with its kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Rules")]
pub struct Traits(pub Rules);

impl TryFrom<Rules> for Traits {
    type Error = &'static str;

    fn try_from(rules: Rules) -> Result<Self, Self::Error> {
        let is_plain =
            |rule: &Rule| rule.when.is_none() && rule.comparison == Comparison::default().of_kind(rule.kind);
        if rules.headerless().is_some() || !rules.iter().all(is_plain) {
            return Err("each takes a path and a type, and nothing else");
        }
        if rules.iter().any(|rule| matches!(rule.kind, SubjectType::UserId | SubjectType::Hash(_))) {
            return Err("people are looked up by user ids: neither these nor hashes are looked for");
        }
        Ok(Self(rules))
    }
}

/// Who pays for calls to a bucket, other than its owner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequestPayer {
    /// The caller.
    Requester,
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Share(pub f64);

impl Default for Share {
    fn default() -> Self {
        Self(0.01)
    }
}

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err("maxShare must be from 0 to 1") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::NewDestination;

    fn connected(settings: Value) -> Result<Destination> {
        let request = json!({ "name": "Events", "vendor": "s3", "settings": settings });
        let request: NewDestination = serde_json::from_value(request).expect("a request");
        Ok(request.accept(false, jiff::Timestamp::UNIX_EPOCH)?.0)
    }

    #[test]
    fn people_are_resolved_by_plain_paths_below_the_folders_of_sources() {
        let email = json!({ "path": "traits.email", "type": "EMAIL" });
        let resolves = |resolves: Value, prefix: &str| {
            connected(json!({ "bucket": "b", "prefix": prefix, "resolves": resolves }))
        };
        let both = json!([email, { "path": "context.traits.phone", "type": "PHONE" }]);
        for prefix in ["", "acme/", "segment-logs/", "acme/segment-logs/we"] {
            let archive = resolves(both.clone(), prefix).expect("it may be so");
            assert!(crate::resolves(&archive), "{prefix}");
        }
        assert!(!crate::resolves(&connected(json!({ "bucket": "b" })).expect("it may be so")));
        for (wrong, says) in [
            (json!([]), "name at least one path"),
            (
                json!([{ "path": "traits.email", "type": "EMAIL", "when": { "path": "a", "equals": "b" } }]),
                "nothing else",
            ),
            (json!([{ "path": "traits.crm", "type": "crm", "foldCase": true }]), "nothing else"),
            (json!([{ "path": "traits.id", "type": "USER_ID" }]), "looked up by user ids"),
            (json!([{ "path": "traits.em", "type": "EMAIL_SHA256" }]), "looked up by user ids"),
            (json!([{ "path": "traits.mail", "type": "email" }]), "type must be one of"),
        ] {
            let refused = resolves(wrong, "").expect_err(says).public;
            assert!(refused.contains("settings.resolves") && refused.contains(says), "{refused}");
        }
        let refused = resolves(json!([email]), "acme").expect_err("no folders").public;
        assert!(refused.contains("end settings.prefix with segment-logs/"), "{refused}");
    }
}
