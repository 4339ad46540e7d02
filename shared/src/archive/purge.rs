//! The three phases of a purge run, for one key.
//!
//! Each may run twice or stop anywhere. **find** and **verify** change nothing. **forget** looks at the
//! versions as they are now, not as they were: those known to be clean are passed over, the current one is
//! replaced by a clean one, and only then are the older ones that hold a subject deleted. A second go finds a
//! clean current version and goes on with the rest.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::bucket::{Archive, Trouble, unreachable};
use super::filters::Filters;
use super::ledger::Ledger;
use super::manifest::{Entry, Outcome, Reason, Residual, Seen, Version};
use super::object::S3Object;
use super::upload::{Upload, parts};
use crate::format::{self, FormatError, Report, Rewritten};
use crate::index;
use crate::matching::Matcher;

/// How often a key is looked at again, after S3 failed or another writer came first.
const ATTEMPTS: usize = 4;

/// All that a batch of one archive needs.
pub struct Purge {
    /// The archive.
    pub archive: Archive,
    /// Tells whose a record is.
    pub matcher: Matcher,
    /// Tell who cannot be in an object.
    pub filters: Filters,
    /// Remembers unfinished uploads.
    pub ledger: Ledger,
    /// When to leave off.
    pub until: Instant,
}

impl Purge {
    /// Looks for the subjects in every version of an entry whose filter does not rule them out.
    pub async fn find(&self, entry: &Entry) -> Outcome {
        let mut versions = entry.versions.clone();
        for _ in 0..ATTEMPTS {
            if let Ok(outcome) = self.look(&entry.key, versions, true).await {
                return outcome;
            }
            versions = match self.archive.versions(&entry.key).await {
                Ok(versions) => versions,
                Err(failure) => return left(&entry.key, Reason::Unreachable, failure.public),
            };
        }
        left(&entry.key, Reason::Contended, "others changed it each time it was read".to_owned())
    }

    /// Removes the subjects from every version of an entry but those that it names as clean. Nothing, if time is
    /// up: another call goes on with it.
    pub async fn forget(&self, entry: &Entry) -> Option<Outcome> {
        let mut outcome = Outcome { key: entry.key.clone(), ..Outcome::default() };
        for _ in 0..ATTEMPTS {
            match self.forget_once(entry, &mut outcome).await {
                Ok(()) => return Some(outcome),
                Err(Trouble::Changed) => {}
                Err(Trouble::Left(residual)) => {
                    outcome.residuals.push(residual);
                    return Some(outcome);
                }
                Err(Trouble::Unfinished) => return None,
            }
        }
        let detail = "others changed it each time it was rewritten".to_owned();
        outcome.residuals.push(Residual { reason: Reason::Contended, detail, until: None });
        Some(outcome)
    }

    /// Reads every version that there is now of an entry's key, whatever a filter says.
    pub async fn verify(&self, entry: &Entry) -> Outcome {
        for _ in 0..ATTEMPTS {
            match self.archive.versions(&entry.key).await {
                Ok(versions) => {
                    if let Ok(outcome) = self.look(&entry.key, versions, false).await {
                        return outcome;
                    }
                }
                Err(failure) => return left(&entry.key, Reason::Unreachable, failure.public),
            }
        }
        left(&entry.key, Reason::Contended, "others changed it each time it was read".to_owned())
    }

    /// What is in each version; an error, if one of them is not there any more.
    async fn look(&self, key: &str, versions: Vec<Version>, by_filter: bool) -> Result<Outcome, Trouble> {
        let mut outcome = Outcome { key: key.to_owned(), ..Outcome::default() };
        for version in versions {
            if by_filter && let Some(lines) = self.filters.rule_out(key, &version).await {
                let report = Report { lines, ..Report::default() };
                outcome.seen.push(Seen { version, report, ruled_out: true });
                continue;
            }
            match self.scan(key, &version).await {
                Ok(report) => outcome.seen.push(Seen { version, report, ruled_out: false }),
                Err(Trouble::Left(residual)) => outcome.residuals.push(residual),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(outcome)
    }

    async fn forget_once(&self, entry: &Entry, outcome: &mut Outcome) -> Result<(), Trouble> {
        let key = &entry.key;
        let is_clean = |version: &Version| entry.versions.iter().any(|clean| clean.is(version));
        let mut versions = self.list(key).await?;
        if let Some(current) = versions.iter().find(|version| version.current && !is_clean(version)) {
            let report = self.replace(key, current).await?;
            outcome.rewritten |= report.removed > 0;
            outcome.seen.push(Seen { version: current.clone(), report, ruled_out: false });
            versions = self.list(key).await?;
        }
        for version in versions.iter().filter(|version| !version.current && !is_clean(version)) {
            match self.clear(key, version).await {
                Ok(deleted) => outcome.deleted += u64::from(deleted),
                Err(Trouble::Left(residual)) => outcome.residuals.push(residual),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Deletes an older version, if it holds a subject.
    async fn clear(&self, key: &str, version: &Version) -> Result<bool, Trouble> {
        if self.scan(key, version).await?.removed == 0 {
            return Ok(false);
        }
        self.archive.delete_version(key, version).await.map(|()| true)
    }

    /// Puts a version without the subjects in the place of the current one; deletes it, if nothing would be
    /// left; changes nothing, if it holds none of them.
    async fn replace(&self, key: &str, current: &Version) -> Result<Report, Trouble> {
        let resumed = self.ledger.resume(&self.archive, key, current).await.map_err(unreachable)?;
        let upload = Upload {
            archive: &self.archive,
            ledger: &self.ledger,
            key,
            replaced: current,
            head: self.archive.head(key, current).await?,
            tags: self.archive.tags(key, current).await?,
        };
        let (from, sent) = resumed.map(|(id, paused)| (paused.at, (id, paused.parts))).unzip();
        let (mut writer, receiver) = parts(current.size, sent.as_ref().map_or(0, |(_, parts)| parts.len()));
        let (object, matcher, until) = (self.object(key, current), self.matcher.clone(), self.until);
        let rewriting = spawn_blocking(move || {
            let may_pause = writer.may_pause();
            let pause = || may_pause.load(Ordering::Relaxed) && Instant::now() >= until;
            let rewritten = format::rewrite_from(&object, &mut writer, &matcher, from, &pause)?;
            writer.finish().map_err(FormatError::Io)?;
            Ok(rewritten)
        });
        let sent = upload.receive(receiver, sent).await?;
        let report = match rewriting.await.unwrap_or(Err(FormatError::Corrupt("it cannot be read"))) {
            Ok(Rewritten::Whole(report)) => report,
            Ok(Rewritten::Paused(at)) => {
                upload.pause(sent, at).await?;
                return Err(Trouble::Unfinished);
            }
            Err(error) => {
                upload.discard(sent).await;
                return Err(unreadable(&error));
            }
        };
        if report.removed == 0 {
            upload.discard(sent).await;
        } else if report.leaves_nothing() {
            upload.discard(sent).await;
            self.archive.delete_current(key, current).await?;
        } else {
            upload.commit(sent).await?;
        }
        Ok(report)
    }

    /// Reads a version, again if S3 breaks off, and keeps its filter.
    async fn scan(&self, key: &str, version: &Version) -> Result<Report, Trouble> {
        let mut trouble = Trouble::Changed;
        for _ in 0..ATTEMPTS {
            // Tells a version that is gone, cold or denied from one that cannot be read.
            self.archive.head(key, version).await?;
            let object = self.object(key, version);
            let (matcher, index_key) = (self.matcher.clone(), self.filters.key.clone());
            let scanned = spawn_blocking(move || index::scan(&object, &matcher, &index_key)).await;
            match scanned.unwrap_or(Err(FormatError::Corrupt("it cannot be read"))) {
                Ok((report, filter)) => {
                    if let Some(filter) = filter {
                        self.filters.keep(key, version, report.lines, &filter).await;
                    }
                    return Ok(report);
                }
                Err(error @ FormatError::Io(_)) => trouble = unreadable(&error),
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Err(trouble)
    }

    async fn list(&self, key: &str) -> Result<Vec<Version>, Trouble> {
        self.archive.versions(key).await.map_err(unreachable)
    }

    fn object(&self, key: &str, version: &Version) -> S3Object {
        S3Object {
            archive: self.archive.clone(),
            key: key.to_owned(),
            version: version.clone(),
            runtime: Handle::current(),
        }
    }
}

fn unreadable(error: &FormatError) -> Trouble {
    let reason = match error {
        FormatError::Unsupported(_) => Reason::Unsupported,
        FormatError::Corrupt(_) => Reason::Corrupt,
        FormatError::Io(_) => Reason::Unreachable,
    };
    let detail = match error {
        FormatError::Io(_) => "S3 broke off while it was read".to_owned(),
        error => error.to_string(),
    };
    Trouble::Left(Residual { reason, detail, until: None })
}

fn left(key: &str, reason: Reason, detail: String) -> Outcome {
    let residuals = vec![Residual { reason, detail, until: None }];
    Outcome { key: key.to_owned(), residuals, ..Outcome::default() }
}
