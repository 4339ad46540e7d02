//! The three phases of a purge run, for one key.
//!
//! Each may run twice or stop anywhere. **find** and **verify** change nothing. **forget** looks at the versions as
//! they are now, not as they were: those known to be clean are skipped, the current one is replaced by a clean one, and
//! only then are the older ones that hold a subject deleted. A second try finds a clean current version and goes on
//! with the rest.
//!
//! When time is up, a key is left as a [`Checkpoint`], from which the next invocation continues.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::task::spawn_blocking;

use crate::bucket::Archive;
use crate::filters::{FilterVerdict, Filters};
use crate::ledger::Ledger;
use crate::object::Refused;
use crate::run_plan::{Checkpoint, Entry, KeyOutcome, Reason, Residual, Version};
use crate::trouble::{Trouble, unreachable};
use crate::upload::{Upload, parts};
use engine::filter::{self, Scanned};
use engine::format::{self, FormatError, Pause, Report, Rewritten};
use engine::matching::Matcher;
use lambda::clock::sleep;
use model::backoff;

/// The most tries of a key, if S3 fails or another writer comes first.
pub(crate) const ATTEMPTS: u32 = 4;

/// All that a batch of one archive needs.
pub struct Purge {
    /// The archive.
    pub archive: Archive,
    /// Tells which records are the subjects'.
    pub matcher: Matcher,
    /// Tell which subjects cannot be in an object.
    pub filters: Filters,
    /// Remembers unfinished uploads.
    pub ledger: Ledger,
    /// When to stop.
    pub until: Instant,
}

/// How an invocation left a key.
pub enum Left {
    /// It is done.
    Done(KeyOutcome),
    /// The next invocation continues from here.
    Checkpoint(Box<Checkpoint>),
}

impl Purge {
    /// Looks for the subjects in every version of an entry whose filter does not rule them out.
    pub async fn find(&self, entry: &Entry, from: Checkpoint) -> Left {
        self.read(&entry.key, Some(entry.versions.clone()), from, true, None).await
    }

    /// Reads every version that an entry's key has now, whatever a filter says. The version `written` by this run need
    /// not be readable, if it lies in cold storage again.
    pub async fn verify(&self, entry: &Entry, from: Checkpoint, written: Option<&Version>) -> Left {
        self.read(&entry.key, None, from, false, written).await
    }

    /// Removes the subjects from every version of an entry, except those that it names as clean.
    pub async fn forget(&self, entry: &Entry, mut at: Checkpoint) -> Left {
        let detail = "others changed it each time it was rewritten".to_owned();
        let mut trouble = Residual { reason: Reason::Contended, detail, until: None };
        for attempt in 1..=ATTEMPTS {
            match self.forget_once(entry, &mut at).await {
                Ok(()) => return Left::Done(at.outcome),
                Err(Trouble::Changed) => {}
                Err(Trouble::Left(residual)) if residual.reason == Reason::Unreachable => {
                    trouble = residual;
                    sleep(backoff::OBJECT.after(attempt)).await;
                }
                Err(Trouble::Left(residual)) => {
                    at.outcome.residuals.push(residual);
                    return Left::Done(at.outcome);
                }
                Err(Trouble::Unfinished) => return Left::Checkpoint(Box::new(at)),
            }
        }
        at.outcome.residuals.push(trouble);
        Left::Done(at.outcome)
    }

    /// Looks at these versions of a key, or at those that exist now; again, if one of them disappears meanwhile.
    async fn read(
        &self,
        key: &str,
        mut versions: Option<Vec<Version>>,
        mut at: Checkpoint,
        by_filter: bool,
        written: Option<&Version>,
    ) -> Left {
        for _ in 0..ATTEMPTS {
            let versions = match versions.take() {
                Some(versions) => versions,
                None => match self.archive.versions(key).await {
                    Ok(versions) => versions,
                    Err(failure) => return left(key, Reason::Unreachable, failure.public),
                },
            };
            match self.look(key, versions, &mut at, by_filter, written).await {
                Ok(()) => return Left::Done(at.outcome),
                Err(Trouble::Unfinished) => return Left::Checkpoint(Box::new(at)),
                Err(_) => {
                    at.passed = at.outcome.seen.iter().map(|seen| seen.version.clone()).collect();
                    at.outcome.residuals.clear();
                }
            }
        }
        left(key, Reason::Contended, "others changed it each time it was read".to_owned())
    }

    /// Looks at each version; fails, if one of them has disappeared.
    async fn look(
        &self,
        key: &str,
        versions: Vec<Version>,
        at: &mut Checkpoint,
        by_filter: bool,
        written: Option<&Version>,
    ) -> Result<(), Trouble> {
        at.outcome.seen.retain(|seen| versions.iter().any(|version| version.is(&seen.version)));
        for version in versions {
            if at.passed.iter().any(|passed| passed.is(&version)) {
                continue;
            }
            let (word, read) = match by_filter {
                true => self.filters.ask(key, &version).await,
                false => (None, 0),
            };
            at.read += read;
            if let Some(FilterVerdict::RuledOut { lines }) = word {
                let report = Report { lines, ..Report::default() };
                at.see(&version, report, true);
            } else {
                match self.scan(key, &version, &mut at.reading, &mut at.read).await {
                    Ok(report) => at.see(&version, report, false),
                    Err(Trouble::Left(residual))
                        if residual.reason == Reason::Cold && written.is_some_and(|w| w.is(&version)) =>
                    {
                        at.see(&version, Report::default(), true);
                    }
                    Err(Trouble::Left(residual)) => at.outcome.residuals.push(residual),
                    Err(trouble) => return Err(trouble),
                }
            }
            at.passed.push(version);
        }
        Ok(())
    }

    async fn forget_once(&self, entry: &Entry, at: &mut Checkpoint) -> Result<(), Trouble> {
        let key = &entry.key;
        let is_clean = |version: &Version, at: &Checkpoint| {
            entry.versions.iter().chain(&at.passed).any(|clean| clean.is(version))
        };
        let mut versions = self.list(key).await?;
        if let Some(current) = versions.iter().find(|version| version.current && !is_clean(version, at)) {
            let (report, clean) = self.replace(key, current).await?;
            if report.is_hit() {
                at.outcome.rewritten = true;
                at.outcome.written = clean.clone();
            }
            at.see(current, report, false);
            at.passed.extend(clean);
            versions = self.list(key).await?;
        }
        for version in versions.iter().filter(|version| !version.current) {
            if is_clean(version, at) {
                continue;
            }
            match self.clear(key, version, &versions, at).await {
                Ok(None) => {}
                Ok(Some(others)) => {
                    at.outcome.deleted += 1;
                    // The lines of a version that was replaced are in the clean one.
                    let replaced = at.outcome.seen.iter().any(|seen| seen.version.is(version));
                    at.outcome.others += if replaced { 0 } else { others };
                }
                Err(Trouble::Left(residual)) => at.outcome.residuals.push(residual),
                Err(trouble) => return Err(trouble),
            }
            at.passed.push(version.clone());
        }
        Ok(())
    }

    /// Deletes an older version, if it holds a subject. Returns how many lines of others it held.
    async fn clear(
        &self,
        key: &str,
        version: &Version,
        all: &[Version],
        at: &mut Checkpoint,
    ) -> Result<Option<u64>, Trouble> {
        let report = self.scan(key, version, &mut at.reading, &mut at.read).await?;
        if !report.is_hit() {
            return Ok(None);
        }
        self.archive.delete_version(key, version, all).await?;
        self.filters.drop(key, version).await;
        Ok(Some(report.lines - report.removed))
    }

    /// Replaces the current version by one without the subjects; deletes it, if nothing would be left; changes nothing,
    /// if it holds none of them. Returns what was in it, and the version that is current and clean now, if there is
    /// one.
    async fn replace(&self, key: &str, current: &Version) -> Result<(Report, Option<Version>), Trouble> {
        let resumed = self.ledger.resume(&self.archive, key, current).await.map_err(unreachable)?;
        let upload = Upload {
            archive: &self.archive,
            ledger: &self.ledger,
            key,
            replaced: current,
            head: self.archive.readable(key, current).await?,
            tags: self.archive.tags(key, current).await?,
        };
        let (from, sent) = resumed.map(|(id, paused)| (paused.at, (id, paused.parts))).unzip();
        let (mut writer, receiver) = parts(current.size, sent.as_ref().map_or(0, |(_, parts)| parts.len()));
        let (object, matcher, until) = (self.archive.object(key, current), self.matcher.clone(), self.until);
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
                return Err(unreadable(error));
            }
        };
        let clean = if !report.is_hit() {
            upload.discard(sent).await;
            Some(current.clone())
        } else if report.leaves_nothing() {
            upload.discard(sent).await;
            self.archive.delete_current(key, current).await?;
            self.filters.drop(key, current).await;
            None
        } else {
            Some(upload.commit(sent).await?)
        };
        Ok((report, clean))
    }

    /// Reads a version from where an earlier invocation paused, retries if S3 breaks off, and stores its filter.
    async fn scan(
        &self,
        key: &str,
        version: &Version,
        reading: &mut Option<(Version, Pause)>,
        read: &mut u64,
    ) -> Result<Report, Trouble> {
        let mut trouble = Trouble::Changed;
        for attempt in 1..=ATTEMPTS {
            // Tells a version that is gone, cold or denied from one that cannot be read.
            self.archive.readable(key, version).await?;
            let object = self.archive.object(key, version);
            let given = object.read.clone();
            let (matcher, index_key, until) = (self.matcher.clone(), self.filters.key.clone(), self.until);
            let from = reading.clone().filter(|(of, _)| of.is(version)).map(|(_, at)| at);
            let scanned = spawn_blocking(move || {
                filter::scan_from(&object, &matcher, &index_key, from, &|| Instant::now() >= until)
            });
            let scanned = scanned.await.unwrap_or(Err(FormatError::Corrupt("it cannot be read")));
            *read += given.load(Ordering::Relaxed);
            match scanned {
                Ok(Scanned::Whole(report, filter)) => {
                    *reading = None;
                    if let Some(filter) = filter {
                        self.filters.keep(key, version, report.lines, &filter).await;
                    }
                    return Ok(report);
                }
                Ok(Scanned::Paused(at)) => {
                    *reading = Some((version.clone(), at));
                    return Err(Trouble::Unfinished);
                }
                Err(error) => match unreadable(error) {
                    Trouble::Left(residual) if residual.reason == Reason::Unreachable => {
                        trouble = Trouble::Left(residual);
                        sleep(backoff::OBJECT.after(attempt)).await;
                    }
                    trouble => return Err(trouble),
                },
            }
        }
        Err(trouble)
    }

    async fn list(&self, key: &str) -> Result<Vec<Version>, Trouble> {
        self.archive.versions(key).await.map_err(unreachable)
    }
}

pub(crate) fn unreadable(error: FormatError) -> Trouble {
    let (reason, detail) = match error {
        FormatError::Unsupported(_) => (Reason::Unsupported, error.to_string()),
        FormatError::Corrupt(_) => (Reason::Corrupt, error.to_string()),
        FormatError::Io(error) => match error.downcast::<Refused>() {
            Ok(Refused(trouble)) => return trouble,
            Err(error) => {
                tracing::warn!(%error, "S3 broke off");
                (Reason::Unreachable, "S3 broke off while it was read".to_owned())
            }
        },
    };
    Trouble::Left(Residual { reason, detail, until: None })
}

fn left(key: &str, reason: Reason, detail: String) -> Left {
    let residuals = vec![Residual { reason, detail, until: None }];
    Left::Done(KeyOutcome { key: key.to_owned(), residuals, ..KeyOutcome::default() })
}
