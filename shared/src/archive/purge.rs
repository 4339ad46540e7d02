//! The three phases of a purge run, for one key.
//!
//! Each may run twice or stop anywhere. **find** and **verify** change nothing. **forget** looks at the
//! versions as they are now, not as they were: those known to be clean are passed over, the current one is
//! replaced by a clean one, and only then are the older ones that hold a subject deleted. A second go finds a
//! clean current version and goes on with the rest.

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::bucket::{Archive, Trouble};
use super::manifest::{Entry, Outcome, Reason, Residual, Seen, Version};
use super::object::S3Object;
use super::upload::{Upload, parts};
use crate::format::{self, FormatError, Report};
use crate::matching::Matcher;

/// How often a key is looked at again, after S3 failed or another writer came first.
const ATTEMPTS: usize = 4;

/// Looks for the subjects in every version of an entry.
pub async fn find(archive: &Archive, entry: &Entry, matcher: &Matcher) -> Outcome {
    let mut versions = entry.versions.clone();
    for _ in 0..ATTEMPTS {
        if let Ok(outcome) = scan_all(archive, &entry.key, versions, matcher).await {
            return outcome;
        }
        versions = match archive.versions(&entry.key).await {
            Ok(versions) => versions,
            Err(failure) => return left(&entry.key, Reason::Unreachable, failure.public),
        };
    }
    left(&entry.key, Reason::Contended, "others changed it each time it was read".to_owned())
}

/// Removes the subjects from every version of an entry but those that it names as clean.
pub async fn forget(archive: &Archive, entry: &Entry, matcher: &Matcher) -> Outcome {
    let mut outcome = Outcome { key: entry.key.clone(), ..Outcome::default() };
    for _ in 0..ATTEMPTS {
        match forget_once(archive, entry, matcher, &mut outcome).await {
            Ok(()) => return outcome,
            Err(Trouble::Changed) => {}
            Err(Trouble::Left(residual)) => {
                outcome.residuals.push(residual);
                return outcome;
            }
        }
    }
    let detail = "others changed it each time it was rewritten".to_owned();
    outcome.residuals.push(Residual { reason: Reason::Contended, detail, until: None });
    outcome
}

/// Looks for the subjects in every version that there is now of an entry's key.
pub async fn verify(archive: &Archive, entry: &Entry, matcher: &Matcher) -> Outcome {
    match archive.versions(&entry.key).await {
        Ok(versions) => find(archive, &Entry { key: entry.key.clone(), versions }, matcher).await,
        Err(failure) => left(&entry.key, Reason::Unreachable, failure.public),
    }
}

/// The outcome of every version; an error, if one of them is not there any more.
async fn scan_all(
    archive: &Archive,
    key: &str,
    versions: Vec<Version>,
    matcher: &Matcher,
) -> Result<Outcome, Trouble> {
    let mut outcome = Outcome { key: key.to_owned(), ..Outcome::default() };
    for version in versions {
        match scan(archive, key, &version, matcher).await {
            Ok(report) => outcome.seen.push(Seen { version, report }),
            Err(Trouble::Left(residual)) => outcome.residuals.push(residual),
            Err(Trouble::Changed) => return Err(Trouble::Changed),
        }
    }
    Ok(outcome)
}

async fn forget_once(
    archive: &Archive,
    entry: &Entry,
    matcher: &Matcher,
    outcome: &mut Outcome,
) -> Result<(), Trouble> {
    let key = &entry.key;
    let is_clean = |version: &Version| entry.versions.iter().any(|clean| clean.is(version));
    let mut versions = list(archive, key).await?;
    if let Some(current) = versions.iter().find(|version| version.current && !is_clean(version)) {
        let report = replace(archive, key, current, matcher).await?;
        outcome.rewritten |= report.removed > 0;
        outcome.seen.push(Seen { version: current.clone(), report });
        versions = list(archive, key).await?;
    }
    for version in versions.iter().filter(|version| !version.current && !is_clean(version)) {
        match scan(archive, key, version, matcher).await {
            Ok(report) if report.removed == 0 => {}
            Ok(_) => match archive.delete_version(key, version).await {
                Ok(()) => outcome.deleted += 1,
                Err(Trouble::Changed) => {}
                Err(Trouble::Left(residual)) => outcome.residuals.push(residual),
            },
            Err(Trouble::Changed) => {}
            Err(Trouble::Left(residual)) => outcome.residuals.push(residual),
        }
    }
    Ok(())
}

/// Puts a version without the subjects in the place of the current one; deletes it, if nothing would be left;
/// changes nothing, if it holds none of them.
async fn replace(
    archive: &Archive,
    key: &str,
    current: &Version,
    matcher: &Matcher,
) -> Result<Report, Trouble> {
    let upload = Upload {
        archive,
        key,
        replaced: current,
        head: archive.head(key, current).await?,
        tags: archive.tags(key, current).await?,
    };
    let (mut writer, receiver) = parts(current.size);
    let (object, matcher) = (object(archive, key, current), matcher.clone());
    let rewriting = spawn_blocking(move || {
        let report = format::rewrite(&object, &mut writer, &matcher)?;
        writer.finish().map_err(FormatError::Io)?;
        Ok(report)
    });
    let sent = upload.receive(receiver).await?;
    let report = match rewriting.await.unwrap_or(Err(FormatError::Corrupt("it cannot be read"))) {
        Ok(report) => report,
        Err(error) => {
            upload.discard(sent).await;
            return Err(unreadable(&error));
        }
    };
    if report.removed == 0 {
        upload.discard(sent).await;
    } else if report.leaves_nothing() {
        upload.discard(sent).await;
        archive.delete_current(key, current).await?;
    } else {
        upload.commit(sent).await?;
    }
    Ok(report)
}

/// Reads a version, again if S3 breaks off.
async fn scan(archive: &Archive, key: &str, version: &Version, matcher: &Matcher) -> Result<Report, Trouble> {
    let mut trouble = Trouble::Changed;
    for _ in 0..ATTEMPTS {
        archive.head(key, version).await?;
        let (object, matcher) = (object(archive, key, version), matcher.clone());
        let scanned = spawn_blocking(move || format::scan(&object, &matcher)).await;
        match scanned.unwrap_or(Err(FormatError::Corrupt("it cannot be read"))) {
            Ok(report) => return Ok(report),
            Err(error @ FormatError::Io(_)) => trouble = unreadable(&error),
            Err(error) => return Err(unreadable(&error)),
        }
    }
    Err(trouble)
}

async fn list(archive: &Archive, key: &str) -> Result<Vec<Version>, Trouble> {
    archive.versions(key).await.map_err(|failure| {
        Trouble::Left(Residual { reason: Reason::Unreachable, detail: failure.public, until: None })
    })
}

fn object(archive: &Archive, key: &str, version: &Version) -> S3Object {
    S3Object {
        archive: archive.clone(),
        key: key.to_owned(),
        version: version.clone(),
        runtime: Handle::current(),
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
