//! A regulation: one request about up to 5,000 subjects. Types, states and limits are those of Segment's
//! Public API (`POST /regulations`), so that its clients work unchanged.

mod case;
mod law;
mod people;
mod request;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::destination::DestinationKind;
use crate::id::RegulationId;
use crate::outcome::Outcome;
use crate::source_scope::SourceScope;
use crate::status::Status;
use crate::subject::{Named, PseudonymKey, SubjectType, people};

pub use case::{Cancelled, CaseFile, Clock, Extension, NewCaseFile, NewClock, NewExtension};
pub use law::Law;
pub use people::{Individual, MAX_IDENTIFIERS};
pub use request::{NewCloudSourceRegulation, NewRegulation, NewSourceRegulation, subject_ids};

/// The most subjects of one regulation (Segment's limit).
pub const MAX_SUBJECTS: usize = 5_000;

/// The most bytes that the identifiers of one regulation may have together: they are stored in the same
/// transaction as the regulation, and DynamoDB's transactions end at 4 MB.
pub const MAX_SUBJECT_BYTES: usize = 3_500_000;

/// How long a failed regulation keeps its identifiers: long enough to fix the cause and retry.
const KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// What to do about the subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegulationType {
    /// Erase what one source brought from archives alone; suppress nobody. For a source only.
    DeleteArchiveOnly,
    /// Erase from archives and warehouses; forward nothing; suppress nobody.
    DeleteInternal,
    /// Erase everywhere; suppress nobody.
    DeleteOnly,
    /// Drop their events from now on; erase nothing.
    SuppressOnly,
    /// Drop their events from now on and erase everywhere.
    SuppressWithDelete,
    /// Drop their events from now on and erase from archives and warehouses; forward nothing.
    SuppressWithDeleteInternal,
    /// Let their events in again.
    Unsuppress,
}

impl RegulationType {
    /// Every type, in the order in which messages list them.
    pub const ALL: [Self; 7] = [
        Self::DeleteArchiveOnly,
        Self::DeleteInternal,
        Self::DeleteOnly,
        Self::SuppressOnly,
        Self::SuppressWithDelete,
        Self::SuppressWithDeleteInternal,
        Self::Unsuppress,
    ];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeleteArchiveOnly => "DELETE_ARCHIVE_ONLY",
            Self::DeleteInternal => "DELETE_INTERNAL",
            Self::DeleteOnly => "DELETE_ONLY",
            Self::SuppressOnly => "SUPPRESS_ONLY",
            Self::SuppressWithDelete => "SUPPRESS_WITH_DELETE",
            Self::SuppressWithDeleteInternal => "SUPPRESS_WITH_DELETE_INTERNAL",
            Self::Unsuppress => "UNSUPPRESS",
        }
    }

    /// What it does to the suppression list, if anything.
    pub fn suppression(self) -> Option<Suppression> {
        match self {
            Self::SuppressOnly | Self::SuppressWithDelete | Self::SuppressWithDeleteInternal => {
                Some(Suppression::Add)
            }
            Self::Unsuppress => Some(Suppression::Remove),
            Self::DeleteArchiveOnly | Self::DeleteInternal | Self::DeleteOnly => None,
        }
    }

    /// Whether it erases the subjects from anywhere.
    pub fn erases(self) -> bool {
        !matches!(self, Self::SuppressOnly | Self::Unsuppress)
    }

    /// Whether it erases the subjects from destinations of this kind.
    pub fn erases_from(self, kind: DestinationKind) -> bool {
        match self {
            Self::DeleteArchiveOnly => kind == DestinationKind::Archive,
            Self::DeleteOnly | Self::SuppressWithDelete => true,
            Self::DeleteInternal | Self::SuppressWithDeleteInternal => kind != DestinationKind::Cloud,
            Self::SuppressOnly | Self::Unsuppress => false,
        }
    }
}

/// A change to the suppression list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// Their events are dropped from now on.
    Add,
    /// Their events are let in again.
    Remove,
}

/// A request about subjects, as it is stored. The subjects are stored apart from it, since they are dropped when the
/// regulation is sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Regulation {
    /// Its id.
    pub id: RegulationId,
    /// What to do about the subjects.
    pub regulation_type: RegulationType,
    /// The kind of identifier that the subjects are given by; if each is by several, the first one's first kind.
    pub subject_type: SubjectType,
    /// Number of people, or of objects.
    pub subject_count: usize,
    /// Number of identifiers by kind, if people are given by several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub identifiers: BTreeMap<SubjectType, usize>,
    /// The part of the workspace that it is about; all of it, if left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<SourceScope>,
    /// Another regulation, under way when this one came, that asked for the same about the same subjects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duplicate_of: Option<RegulationId>,
    /// Its status.
    pub status: Status,
    /// The attempt that is under way or was last: 1, and one more for every retry.
    pub attempt: u32,
    /// Who asked for it: a token's id, `admin`, or a batch's id and sender.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Until when nothing is erased, so that it can be withdrawn; none, where it begins at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grace_until: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
    /// The law's clock; none, if it was made before there were any.
    #[serde(flatten)]
    pub clock: Option<Clock>,
    /// What is on file about the request.
    #[serde(skip_serializing_if = "CaseFile::is_empty", default)]
    pub file: CaseFile,
    /// That it was withdrawn.
    #[serde(flatten)]
    pub cancelled: Option<Cancelled>,
    /// What became of its people, once it is sealed; none, if it erases nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<Outcome>,
}

impl Regulation {
    /// A keyed hash of what is asked for, and about which subjects: equal for equal requests.
    pub fn fingerprint(&self, key: &PseudonymKey, named: &[Named]) -> String {
        let part = self.part.as_ref();
        let mut texts = vec![
            self.regulation_type.as_str(),
            part.map_or("", |part| part.source_id.as_str()),
            part.and_then(|part| part.collection.as_deref()).unwrap_or_default(),
        ];
        let mut people: Vec<_> = people(named).collect();
        people.iter_mut().for_each(|person| person.sort_unstable());
        people.sort_unstable();
        for person in &people {
            // No kind is empty: here a person begins.
            texts.push("");
            texts.extend(person.iter().flat_map(|subject| [subject.kind.as_str(), &subject.id]));
        }
        key.fingerprint(texts.into_iter().map(str::as_bytes))
    }

    /// The same with a time of grace, if it erases anything and there is any.
    pub fn with_grace(self, hours: u32) -> Self {
        let erases = self.regulation_type.erases() && hours > 0;
        let until = self.created_at.saturating_add(SignedDuration::from_hours(hours.into()));
        Self { grace_until: until.ok().filter(|_| erases), ..self }
    }

    /// The seconds of grace that are left before an attempt begins; none, if there are none, or it has ended.
    pub fn grace_left(&self, now: Timestamp) -> Option<i64> {
        let until = self.grace_until.filter(|_| !self.status.is_final())?;
        // Whole seconds, so that it has passed when they have.
        let left = until.duration_since(now).as_millis();
        (left > 0).then(|| i64::try_from((left + 999) / 1_000).unwrap_or(i64::MAX))
    }

    /// Until when its identifiers are kept for a retry; none, unless it failed somewhere.
    pub fn identifiers_kept_until(&self) -> Option<Timestamp> {
        let failed = matches!(self.status, Status::Failed | Status::PartialSuccess);
        self.finished_at.filter(|_| failed).map(kept_until)
    }
}

/// Until when the identifiers of a regulation that failed at this time are kept.
pub fn kept_until(failed: Timestamp) -> Timestamp {
    failed.saturating_add(KEPT).unwrap_or(Timestamp::MAX)
}
