//! Counts how much of an archive may be the subjects', and changes nothing.

use std::time::Instant;

use futures::{StreamExt, stream};

use crate::filters::FilterVerdict;
use crate::purge::{Left, Purge};
use crate::run_plan::{Checkpoint, Entry};
use crate::survey::{Count, Survey};
use destinations::archive::Settings;
use model::exception::Exception;
use model::failure::Result;

/// The most filters asked at once.
const QUESTIONS: usize = 64;
/// The most stored bytes that a count reads.
const READ: u64 = 64 << 20;

/// Asks the filters of an archive's versions about the subjects, and reads what they do not rule out, if that is
/// little; `cores` objects at once.
///
/// # Errors
/// `Transient` or `Permanent`, if the archive cannot be listed.
pub async fn count(
    purge: &Purge,
    settings: &Settings,
    exceptions: &[Exception],
    cores: usize,
) -> Result<Survey> {
    let (mut survey, mut count) = (Survey::new(settings), Count::default());
    let (mut unread, mut to_read) = (Vec::new(), 0);
    let mut listing = purge.archive.list(&settings.prefix);
    survey.whole = loop {
        let Some(page) = listing.next().await? else { break true };
        let page = survey.in_scope(page, settings);
        page.iter().for_each(|entry| survey.add(entry));
        let mut asked = stream::iter(page).map(|entry| ask(purge, entry)).buffer_unordered(QUESTIONS);
        while let Some(asked) = asked.next().await {
            let Some(Suspect { entry, indexed }) = asked else { continue };
            *(if indexed { &mut count.may_hold } else { &mut count.not_indexed }) += 1;
            to_read += entry.versions.iter().map(|version| version.size).sum::<u64>();
            if to_read <= READ {
                unread.push(entry);
            }
        }
        if Instant::now() >= purge.until {
            break false;
        }
    };
    if survey.whole && to_read <= READ {
        count.lines = read(purge, &unread, exceptions, cores, &mut survey).await;
        count.exact = count.lines.is_some() && survey.unreachable.is_empty();
    }
    survey.count = Some(count);
    Ok(survey)
}

/// The lines that would be removed from these entries; none, if time is up before all are read.
async fn read(
    purge: &Purge,
    entries: &[Entry],
    exceptions: &[Exception],
    cores: usize,
    survey: &mut Survey,
) -> Option<u64> {
    let finds = stream::iter(entries).map(|entry| purge.find(entry, Checkpoint::new(&entry.key)));
    let mut finds = finds.buffer_unordered(cores);
    let mut lines = 0;
    while let Some(left) = finds.next().await {
        let Left::Done(outcome) = left else { return None };
        lines += outcome.seen.iter().map(|seen| seen.report.removed).sum::<u64>();
        survey.leave(outcome.key.clone(), outcome.obstacles(), exceptions);
    }
    Some(lines)
}

/// An object that may hold a subject.
struct Suspect {
    /// The object, with those of its versions that may.
    entry: Entry,
    /// Whether filters say so; false, if a version has no filter.
    indexed: bool,
}

async fn ask(purge: &Purge, mut entry: Entry) -> Option<Suspect> {
    let (mut suspects, mut indexed) = (Vec::new(), true);
    for version in entry.versions {
        match purge.filters.ask(&entry.key, &version).await.0 {
            Some(FilterVerdict::RuledOut { .. }) => continue,
            Some(FilterVerdict::MayHold) => {}
            None => indexed = false,
        }
        suspects.push(version);
    }
    entry.versions = suspects;
    (!entry.versions.is_empty()).then_some(Suspect { entry, indexed })
}
