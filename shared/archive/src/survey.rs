//! Looks at an archive and changes nothing: whether it can be read, and what is in it. How much of it may be the subjects'
//! is what [`count`](crate::count) says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::bucket::Archive;
use crate::purge::unreadable;
use crate::run_plan::{Entry, Residual, Version};
use crate::trouble::Trouble;
use destinations::archive::Settings;
use engine::format::{Format, FormatError, detect};
use engine::matching::{Matcher, SubjectSet};
use jiff::Timestamp;
use model::exception::Exception;
use model::failure::Result;
use model::subject::SubjectType;

/// How long a check lists keys.
const LISTING: Duration = Duration::from_secs(5);
/// The most objects that a check reads from, and the most calls at once.
const SAMPLE: usize = 16;
/// The most objects that a message names.
const NAMED: usize = 3;

/// What a look at an archive found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// The bucket.
    pub bucket: String,
    /// The prefix of the keys in scope.
    pub prefix: String,
    /// The kinds of identifier that it is searched for.
    pub kinds: BTreeSet<SubjectType>,
    /// The bucket's region, if S3 tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Number of keys in scope, as far as they were listed.
    pub objects: u64,
    /// Number of their versions.
    pub versions: u64,
    /// Number of keys below the prefix that the settings exclude, as far as they were listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub excluded: u64,
    /// Number of objects looked into that cannot be read and that exceptions cover.
    #[serde(skip_serializing_if = "is_zero")]
    pub excepted: u64,
    /// Stored bytes of the versions in scope.
    pub bytes: u64,
    /// Whether everything was listed; otherwise time was up.
    pub whole: bool,
    /// Sampled objects by format; after a check only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub formats: BTreeMap<String, u64>,
    /// Minor facts that could not be determined, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Objects that were to be read and cannot be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Unreachable>,
    /// How much may be the subjects'; after a count only.
    #[serde(flatten)]
    pub count: Option<Count>,
}

/// An object that cannot be read.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Unreachable {
    /// Its key.
    pub key: String,
    /// The reason, as evidence names it.
    pub reason: &'static str,
    /// The reason, for people.
    pub detail: String,
}

/// How much may be the subjects'.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// Objects that may hold a subject's lines, by the filters in the index.
    pub may_hold: u64,
    /// Objects with versions that are not in the index: only reading them would tell.
    pub not_indexed: u64,
    /// Lines that would be removed, over all versions; none, if some that may hold such lines could be read and were
    /// not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// Whether `lines` is complete: everything was listed, and all that may hold such lines could be read.
    pub exact: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Survey {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (bucket, prefix) = (settings.bucket.clone(), settings.prefix.clone());
        Self { bucket, prefix, kinds: settings.rules.kinds(), ..Self::default() }
    }

    /// The entries that the settings do not exclude; counts the others.
    pub(crate) fn in_scope(&mut self, mut page: Vec<Entry>, settings: &Settings) -> Vec<Entry> {
        let all = page.len();
        page.retain(|entry| !settings.excludes(&entry.key));
        self.excluded += (all - page.len()) as u64;
        page
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        self.objects += 1;
        self.versions += entry.versions.len() as u64;
        self.bytes += entry.versions.iter().map(|version| version.size).sum::<u64>();
    }

    /// Notes an object once, however many of its versions are left.
    pub(crate) fn leave(&mut self, key: String, residuals: Vec<Residual>, exceptions: &[Exception]) {
        let now = Timestamp::now();
        let is_excepted = |residual: &Residual| {
            let covers = |kind| exceptions.iter().any(|exception| exception.covers(&key, kind, now));
            residual.reason.unreadable().is_some_and(covers)
        };
        match residuals.iter().find(|residual| !is_excepted(residual)) {
            Some(Residual { reason, detail, .. }) => {
                self.unreachable.push(Unreachable { reason: reason.as_str(), detail: detail.clone(), key });
            }
            None => self.excepted += u64::from(!residuals.is_empty()),
        }
    }

    /// Whether nothing is in the way. An empty archive fails a check, since nothing shows that it could be read, but it
    /// can be counted.
    pub fn is_well(&self) -> bool {
        (self.objects > 0 || self.count.is_some()) && self.unreachable.is_empty()
    }

    /// A summary for people.
    pub fn message(&self) -> String {
        let Self { bucket, prefix, objects, versions, .. } = self;
        if self.objects == 0 {
            if self.excluded > 0 {
                return format!(
                    "the settings exclude all {} keys of the bucket {bucket} that begin with \"{prefix}\": correct include and exclude",
                    self.excluded
                );
            }
            return format!(
                "the bucket {bucket} can be listed, but no key begins with \"{prefix}\": correct the prefix, or check again when there is something"
            );
        }
        if !self.unreachable.is_empty() {
            let named = self.unreachable.iter().take(NAMED);
            let named: Vec<_> = named.map(|it| format!("s3://{bucket}/{} ({})", it.key, it.detail)).collect();
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            self.unreachable.iter().for_each(|it| *kinds.entry(it.reason).or_default() += 1);
            let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            let (all, kinds, named) = (self.unreachable.len(), kinds.join(", "), named.join(", "));
            return format!(
                "{all} of the objects that were looked into cannot be read ({kinds}), such as {named}"
            );
        }
        let more = if self.whole { "" } else { " and more" };
        let what = match &self.count {
            Some(Count { lines: Some(lines), .. }) => format!("{lines} lines would be removed"),
            Some(Count { may_hold, not_indexed, .. }) => {
                format!("{may_hold} may hold somebody's lines, {not_indexed} are not indexed yet")
            }
            None => self.formats.keys().map(String::as_str).collect::<Vec<_>>().join("; "),
        };
        let excluded = match self.excluded {
            0 => String::new(),
            excluded => format!("; the settings exclude {excluded} more"),
        };
        let excepted = match self.excepted {
            0 => String::new(),
            excepted => format!("; exceptions cover {excepted} that cannot be read"),
        };
        let remarks: String = self.remarks.iter().map(|remark| format!("; {remark}")).collect();
        format!("{objects} objects in {versions} versions{more}: {what}{excluded}{excepted}{remarks}")
    }
}

/// Lists an archive, or the beginning of a large one, and reads the first bytes of some of its objects. It does not
/// tell whether they may be written and deleted.
///
/// # Errors
/// `Transient` or `Permanent`, if the archive cannot be listed.
pub async fn check(
    archive: &Archive,
    settings: &Settings,
    exceptions: &[Exception],
    until: Instant,
) -> Result<Survey> {
    let mut survey = Survey::new(settings);
    let (mut listing, mut sample) = (archive.list(&settings.prefix), Sample::default());
    let enough = until.min(Instant::now() + LISTING);
    survey.whole = loop {
        let Some(page) = listing.next().await? else { break true };
        for entry in survey.in_scope(page, settings) {
            survey.add(&entry);
            sample.offer(entry);
        }
        if Instant::now() >= enough {
            break false;
        }
    };
    match archive.region().await {
        Ok(region) => survey.region = region,
        Err(Trouble::Left(Residual { detail, .. })) => {
            survey.remarks.push(format!("where the bucket lies cannot be told: {detail}"));
        }
        Err(_) => {}
    }
    let matcher = &Matcher::new(&settings.rules, &SubjectSet::new([]));
    let looks = stream::iter(sample.entries).map(async |Entry { key, versions }| {
        let mut formats = Vec::new();
        // Of a key with many versions, the newest two.
        for version in versions.iter().take(2) {
            formats.push(format(archive, &key, version, matcher).await);
        }
        (key, formats)
    });
    let mut looks = looks.buffer_unordered(SAMPLE).boxed_local();
    while let Some((key, formats)) = looks.next().await {
        let mut residuals = Vec::new();
        for format in formats {
            match format {
                Ok(format) => *survey.formats.entry(format.to_string()).or_default() += 1,
                Err(Trouble::Left(residual)) => residuals.push(residual),
                // It was deleted meanwhile.
                Err(_) => {}
            }
        }
        survey.leave(key, residuals, exceptions);
    }
    Ok(survey)
}

async fn format(
    archive: &Archive,
    key: &str,
    version: &Version,
    matcher: &Matcher,
) -> Result<Format, Trouble> {
    archive.readable(key, version).await?;
    let (object, matcher) = (archive.object(key, version), matcher.clone());
    let detected = spawn_blocking(move || detect(&object, &matcher)).await;
    detected.unwrap_or(Err(FormatError::Corrupt("it cannot be read"))).map_err(unreadable)
}

/// Samples entries at even distances, however many there are.
#[derive(Default)]
struct Sample {
    entries: Vec<Entry>,
    offered: usize,
    skip: u32,
}

impl Sample {
    fn offer(&mut self, entry: Entry) {
        if self.offered.is_multiple_of(1 << self.skip) {
            self.entries.push(entry);
        }
        self.offered += 1;
        if self.entries.len() > SAMPLE {
            let mut place = 0;
            self.entries.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.skip += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_plan::Reason;

    #[test]
    fn what_a_run_would_leave_is_said_by_kind_and_count_and_what_is_excluded_too() {
        let residual = |reason, detail: &str| Residual { reason, detail: detail.to_owned(), until: None };
        let mut survey = Survey { objects: 9, versions: 9, whole: true, excluded: 2, ..Survey::default() };
        assert_eq!(survey.message(), "9 objects in 9 versions: ; the settings exclude 2 more");
        survey.leave("a".into(), vec![residual(Reason::Unsupported, "not supported: ORC")], &[]);
        survey.leave("b".into(), vec![residual(Reason::Corrupt, "corrupt: gzip")], &[]);
        survey.leave("c".into(), vec![residual(Reason::Unsupported, "not supported: zip")], &[]);
        let message = survey.message();
        assert!(
            message
                .contains("cannot be read (1 corrupt, 2 unsupported), such as s3:///a (not supported: ORC)"),
            "{message}"
        );
        let survey = Survey { excluded: 2, ..Survey::default() };
        assert!(!survey.is_well() && survey.message().starts_with("the settings exclude all 2 keys"));
    }

    #[test]
    fn a_denial_that_hinders_nothing_is_said_and_the_check_is_well_all_the_same() {
        let remarks = vec!["where the bucket lies cannot be told: access is denied".to_owned()];
        let survey = Survey { objects: 1, versions: 2, whole: true, remarks, ..Survey::default() };
        assert!(survey.is_well());
        let message = survey.message();
        assert!(message.starts_with("1 objects in 2 versions: "), "{message}");
        assert!(message.ends_with("; where the bucket lies cannot be told: access is denied"), "{message}");
    }
}
