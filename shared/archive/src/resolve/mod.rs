//! Looks up other identifiers of people in the `identify` calls of an archive, before anything is erased.
//!
//! 1. Only what lies in the folders of trusted sources is read: a write key is public, and anybody who has one may call
//!    a stranger's address their own.
//! 2. The first look reads the people's own calls. The second reads all calls that hold what the first found: what
//!    another user's call holds, too, is nobody's.
//! 3. When time is up, the next invocation goes on from [`Progress`]. All that is noted there may be noted twice.
//! 4. What cannot be read may know more: it is counted. It may also say of a value that it is another's: then nothing is used.

mod look;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::bucket::Archive;
use crate::filters::{FilterVerdict, Filters};
use crate::purge::{ATTEMPTS, unreadable};
use crate::run_plan::{Entry, Reason, Version};
use crate::trouble::Trouble;
use aws::bucket::Bucket;
use destinations::archive::Settings;
use engine::filter::IndexKey;
use engine::format::{FormatError, Pause, Rewritten, take_from};
use engine::matching::{Matcher, SubjectSet};
use lambda::clock::sleep;
use look::{Look, Taken};
use model::backoff;
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::resolved::{Links, MOST, Resolved};
use model::rules::{Rule, Rules};
use model::subject::{Subject, SubjectType};

/// How often the progress is stored, in case the invocation does not end.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// All that looking through one archive needs.
pub struct Resolver<'a> {
    /// The archive.
    pub archive: Archive,
    /// Its id.
    pub id: DestinationId,
    /// Its settings.
    pub settings: &'a Settings,
    /// The prefixes of the keys of trusted sources.
    pub folders: Vec<String>,
    /// The people, by what the regulation names: they are looked up by these user ids.
    pub people: &'a [Vec<Subject>],
    /// The same people, by all that is known of them.
    pub known: &'a [Vec<Subject>],
    /// Where the archive's filters lie.
    pub files: Bucket,
    /// Their key.
    pub index_key: IndexKey,
    /// How many objects are read at once.
    pub cores: usize,
    /// When to stop.
    pub until: Instant,
}

/// How far it is. Holds identifiers; `Debug` shows none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// For what it holds; with anything else it begins anew.
    scope: Option<Scope>,
    /// How many of the two looks are done.
    looks: usize,
    /// How many folders are done in this look.
    folders: usize,
    /// The last key that is done in this folder.
    after: Option<String>,
    /// The object that is being read, and where reading paused.
    reading: Option<(Version, Pause)>,
    /// What stands in the people's calls, by their places in the regulation.
    found: BTreeSet<(usize, Subject)>,
    /// What of it stands in another user's call.
    of_others: BTreeSet<Subject>,
    /// Number of objects done in each look.
    objects: [u64; 2],
    /// Number of those that could not be read, by reason.
    unread: [BTreeMap<Reason, u64>; 2],
}

/// In what is looked for what, and in which attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scope {
    attempt: u32,
    bucket: String,
    folders: Vec<String>,
    rules: Rules,
}

/// What was in an object.
#[derive(Default)]
struct Read {
    taken: Taken,
    unread: Vec<Reason>,
    paused: Option<(Version, Pause)>,
}

impl Resolver<'_> {
    /// Looks until all is done or time is up; `save` stores the progress from time to time. Returns whether all is done.
    ///
    /// # Errors
    /// `Permanent`, if the archive cannot be listed; `Transient`, if S3 throttles or cannot be reached.
    pub async fn go_on(
        &self,
        attempt: u32,
        at: &mut Progress,
        save: impl AsyncFn(&Progress) -> Result<()>,
    ) -> Result<bool> {
        let Some(traits) = &self.settings.resolves else { return Ok(true) };
        let (bucket, folders) = (self.settings.bucket.clone(), self.folders.clone());
        let scope = Scope { attempt, bucket, folders, rules: traits.0.of_identify() };
        if at.scope.as_ref() != Some(&scope) {
            *at = Progress { scope: Some(scope.clone()), ..Progress::default() };
        }
        while at.looks < 2 {
            let look = match at.looks {
                0 => Look::new(&scope.rules, self.people, None),
                _ => Look::new(&scope.rules, self.known, Some(&at.found)),
            };
            if let Some(look) = look.map(Arc::new) {
                let filters = self.filters(&scope.rules, &look.subjects);
                if !self.look((&look, filters.as_ref()), at, &save).await? {
                    return Ok(false);
                }
            }
            (at.looks, at.folders) = (at.looks + 1, 0);
        }
        Ok(true)
    }

    /// Takes one look, as far as time allows. Returns whether it is done.
    async fn look(
        &self,
        look: (&Arc<Look>, Option<&Filters>),
        at: &mut Progress,
        save: &impl AsyncFn(&Progress) -> Result<()>,
    ) -> Result<bool> {
        let mut saved = Instant::now();
        while let Some(folder) = self.folders.get(at.folders) {
            let mut listing = self.archive.list(folder).after(at.after.clone());
            while let Some(page) = listing.next().await? {
                let last = page.last().map(|entry| entry.key.clone());
                let from = at.reading.take();
                let reads = page.into_iter().filter(|entry| !self.settings.excludes(&entry.key));
                let reads =
                    reads.map(async |entry| (self.read(look, &entry, from.as_ref()).await, entry.key));
                let mut reads = stream::iter(reads).buffered(self.cores);
                while let Some((read, key)) = reads.next().await {
                    let Read { taken, unread, paused } = read?;
                    at.take(taken);
                    for reason in unread {
                        *at.unread[at.looks].entry(reason).or_default() += 1;
                    }
                    if paused.is_some() {
                        at.reading = paused;
                        return Ok(false);
                    }
                    at.objects[at.looks] += 1;
                    at.after = Some(key);
                    if Instant::now() >= self.until {
                        return Ok(false);
                    }
                    if saved.elapsed() >= SAVE_EVERY {
                        save(at).await?;
                        saved = Instant::now();
                    }
                }
                at.after = last;
                if Instant::now() >= self.until {
                    return Ok(false);
                }
            }
            (at.folders, at.after) = (at.folders + 1, None);
        }
        Ok(true)
    }

    /// Reads the current version of an entry's key, again if it is replaced meanwhile.
    async fn read(
        &self,
        look: (&Arc<Look>, Option<&Filters>),
        entry: &Entry,
        from: Option<&(Version, Pause)>,
    ) -> Result<Read> {
        let mut versions = entry.versions.clone();
        for attempt in 1..=ATTEMPTS {
            let Some(version) = versions.into_iter().find(|version| version.current) else { break };
            match self.read_version(look, &entry.key, &version, from).await {
                Ok(read) => return Ok(read),
                Err(Trouble::Left(residual)) if residual.reason != Reason::Unreachable => {
                    return Ok(Read { unread: vec![residual.reason], ..Read::default() });
                }
                Err(_) => sleep(backoff::OBJECT.after(attempt)).await,
            }
            if attempt == ATTEMPTS {
                return Err(Failure::transient(
                    "S3 failed, or others changed an object each time it was read",
                ));
            }
            versions = self.archive.versions(&entry.key).await?;
        }
        Ok(Read::default())
    }

    async fn read_version(
        &self,
        (look, filters): (&Arc<Look>, Option<&Filters>),
        key: &str,
        version: &Version,
        from: Option<&(Version, Pause)>,
    ) -> Result<Read, Trouble> {
        if let Some(filters) = filters
            && let (Some(FilterVerdict::RuledOut { .. }), _) = filters.ask(key, version).await
        {
            return Ok(Read::default());
        }
        self.archive.readable(key, version).await?;
        let is_first = look.is_first;
        let (object, look, until) = (self.archive.object(key, version), look.clone(), self.until);
        let from = from.filter(|(of, _)| of.is(version)).map(|(_, at)| at.clone());
        let read = spawn_blocking(move || {
            let mut taken = Taken::default();
            let mut take = |record: &[u8]| look.take(record, &mut taken);
            let read = take_from(&object, &look.matcher, from, &|| Instant::now() >= until, &mut take)?;
            Ok((read, taken))
        });
        let (read, taken) =
            read.await.unwrap_or(Err(FormatError::Corrupt("it cannot be read"))).map_err(unreadable)?;
        Ok(match read {
            Rewritten::Paused(at) => Read { taken, paused: Some((version.clone(), at)), ..Read::default() },
            Rewritten::Whole(report) => {
                // Whose what was found may be, too.
                let unread = [(Reason::Opaque, report.opaque), (Reason::Envelope, report.shared)];
                let unread = unread.into_iter().filter(|(_, records)| *records > 0 && !is_first);
                Read { taken, unread: unread.map(|(reason, _)| reason).collect(), paused: None }
            }
        })
    }

    /// The filters that tell which objects hold nobody; none, unless the archive's own rules look wherever this look does.
    fn filters(&self, rules: &Rules, subjects: &SubjectSet) -> Option<Filters> {
        let own = &self.settings.rules;
        let looks = |rule: &&Rule| subjects.iter().any(|subject| subject.kind == rule.kind);
        let is_indexed = rules.iter().filter(looks).all(|rule| {
            own.iter().any(|own| {
                let same = (&own.path, own.kind, own.comparison) == (&rule.path, rule.kind, rule.comparison);
                same && own.when.is_none()
            })
        });
        is_indexed.then(|| {
            let matcher = Matcher::new(own, subjects);
            Filters::new(self.files.clone(), self.id.clone(), own.clone(), &matcher, self.index_key.clone())
        })
    }
}

impl Progress {
    /// What was found, once all is done. `known`: the people, by all that is known of them.
    pub fn resolved(&self, known: &[Vec<Subject>]) -> Resolved {
        let mut links = Links::new(known);
        let all_was_read = self.unread[1].is_empty();
        for (person, subject) in &self.found {
            let too_many = count(&self.found, *person, subject.kind) > MOST;
            links.add(
                *person,
                subject.clone(),
                all_was_read && !too_many && !self.of_others.contains(subject),
            );
        }
        links.resolved()
    }

    /// How many objects were looked at.
    pub fn objects(&self) -> u64 {
        self.objects[0]
    }

    /// How many objects could not be read, by reason.
    pub fn unread(&self) -> BTreeMap<&'static str, u64> {
        let mut most = BTreeMap::new();
        for (reason, count) in self.unread.iter().flatten() {
            let most: &mut u64 = most.entry(reason.as_str()).or_default();
            *most = (*most).max(*count);
        }
        most
    }

    fn take(&mut self, taken: Taken) {
        taken.found.into_iter().for_each(|(person, subject)| add(&mut self.found, person, subject));
        self.of_others.extend(taken.of_others);
    }
}

/// Adds what was found with a person, unless it is known already that there is too much of its kind.
fn add(found: &mut BTreeSet<(usize, Subject)>, person: usize, subject: Subject) {
    if count(found, person, subject.kind) <= MOST {
        found.insert((person, subject));
    }
}

/// How many identifiers of a kind were found with a person.
fn count(found: &BTreeSet<(usize, Subject)>, person: usize, kind: SubjectType) -> usize {
    let theirs = found.range((person, Subject { kind, id: String::new() })..);
    theirs.take_while(|(of, subject)| *of == person && subject.kind == kind).count()
}
