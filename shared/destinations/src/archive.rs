//! Archives that can be connected: event files in S3.

use model::destination::DestinationKind;
use model::keys::Patterns;
use model::rules::Rules;
use model::status::TaskStatus;
use serde::{Deserialize, Serialize};

use crate::description::{Description, Field, Form};

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
