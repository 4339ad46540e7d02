//! Decides which source may send events, and which events are kept.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws::event_queue::EventQueue;
use futures::{StreamExt, TryStreamExt, stream, try_join};
use jiff::tz::Offset;
use lambda::clock;
use model::failure::Result;
use model::linking;
use model::person::{FRESH_MILLISECONDS, People, Person};
use model::source::{KeyHash, Source};
use model::subject::Subject;
use model::tracking::Event;
use store::{Sighting, Store};

/// How long a source is cached: a removed write key is refused after this.
const SOURCE_FRESH: Duration = Duration::from_secs(5);
const PEOPLE_FRESH: Duration = Duration::from_millis(FRESH_MILLISECONDS);

/// The most writes under way at once.
const CONCURRENCY: usize = 32;

/// The most entries of a cache: it is emptied when it is full.
const MAX_KEPT: usize = 10_000;

pub struct Ingest {
    store: Store,
    /// On the way to the archives.
    queue: EventQueue,
    /// On the way to other tracking APIs.
    upstream: EventQueue,
    sources: Mutex<HashMap<KeyHash, (Instant, Admitted)>>,
    people: Mutex<HashMap<Subject, (Instant, Option<Person>)>>,
}

/// The source of a valid write key.
#[derive(Clone)]
pub struct Admitted {
    pub source: Source,
    /// Whether it is connected to an archive now.
    pub has_archive: bool,
}

/// How many events of a request were kept, and how many were dropped.
pub struct Passed {
    pub kept: usize,
    pub dropped: usize,
}

impl Ingest {
    pub fn new(store: Store, queue: EventQueue, upstream: EventQueue) -> Self {
        Self { store, queue, upstream, sources: Mutex::default(), people: Mutex::default() }
    }

    /// The source of a write key.
    pub async fn source(&self, key: &str) -> Result<Option<Admitted>> {
        let hash = KeyHash::of(key);
        let kept = self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some((since, admitted)) = kept
            && since.elapsed() < SOURCE_FRESH
        {
            return Ok(Some(admitted));
        }
        let now = Instant::now();
        let found = match self.store.source_of(&hash).await?.filter(|source| source.deleted_at.is_none()) {
            Some(source) => {
                let destinations = self.store.destinations().await?;
                let has_archive = source.archives_at(clock::now(), &destinations).next().is_some();
                Some(Admitted { source, has_archive })
            }
            None => None,
        };
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= MAX_KEPT {
            sources.clear();
        }
        match &found {
            Some(admitted) => drop(sources.insert(hash, (now, admitted.clone()))),
            None => drop(sources.remove(&hash)),
        }
        Ok(found)
    }

    /// Admits events of a source:
    ///
    /// 1. Events of suppressed people are dropped before anything is learned from them: they leave a count and nothing
    ///    else.
    /// 2. What the others reveal is noted: which ids were seen together, and on which days the source saw each person.
    /// 3. They are sent to the queues of what the source leads to. Once this returns, they are durable.
    pub async fn pass(&self, admitted: &Admitted, events: &[Event]) -> Result<Passed> {
        let source = &admitted.source;
        let people = self.people(events.iter().flat_map(Event::subjects)).await?;
        let kept: Vec<&Event> = events.iter().filter(|event| !people.drops(event, &source.id)).collect();
        self.learn_links(&people, source, &kept).await?;
        self.learn_days(&people, source, &kept).await?;
        let archives =
            async { if admitted.has_archive { self.queue.send(&source.id, &kept).await } else { Ok(()) } };
        let upstream = async {
            match source.upstream {
                Some(_) => self.upstream.send_in_lanes(&source.id, &kept).await,
                None => Ok(()),
            }
        };
        try_join!(archives, upstream)?;
        Ok(Passed { kept: kept.len(), dropped: events.len() - kept.len() })
    }

    /// What is known of subjects, at most half a second old. If this fails, no event may be admitted.
    async fn people(&self, subjects: impl Iterator<Item = Subject>) -> Result<People> {
        let (mut people, mut unknown) = (People::default(), Vec::new());
        {
            let kept = self.people.lock().unwrap_or_else(PoisonError::into_inner);
            for subject in subjects {
                match kept.get(&subject) {
                    Some((since, person)) if since.elapsed() < PEOPLE_FRESH => {
                        people.extend(person.clone().map(|person| (subject, person)));
                    }
                    _ => unknown.push(subject),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(people);
        }
        // Taken before the call: its result may be as old as that.
        let now = Instant::now();
        let read = self.store.people(&unknown).await?;
        let mut kept = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + unknown.len() > MAX_KEPT {
            kept.clear();
        }
        for subject in unknown {
            let person = read.get(&subject).cloned();
            people.extend(person.clone().map(|person| (subject.clone(), person)));
            kept.insert(subject, (now, person));
        }
        Ok(people)
    }

    /// Notes which ids were seen together for the first time.
    async fn learn_links(&self, people: &People, source: &Source, events: &[&Event]) -> Result<()> {
        let Some(seen) = sighting(source, events) else { return Ok(()) };
        let links = linking::claimed(events, people, source.trusted_to_link);
        self.store.link(&links, seen).await?;
        self.read_anew(links.iter().flat_map(|link| [&link.user, &link.other]));
        Ok(())
    }

    /// Notes the people whom the source saw for the first time today.
    async fn learn_days(&self, people: &People, source: &Source, events: &[&Event]) -> Result<()> {
        let Some(seen) = sighting(source, events) else { return Ok(()) };
        let today = Offset::UTC.to_datetime(seen.at).date();
        let whom = events.iter().filter_map(|event| event.user.as_ref().or(event.anonymous.as_ref()));
        let mut new: HashSet<&Subject> = whom.collect();
        new.retain(|who| {
            let last = people.get(who).and_then(|person| person.seen.get(&source.id)).map(|(_, last)| *last);
            last.is_none_or(|last| last < today)
        });
        let writes: Vec<_> = new.iter().map(|who| self.store.saw(who, seen)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.read_anew(new.into_iter());
        Ok(())
    }

    /// Drops these subjects from the cache, since something was noted about them: the next request reads them anew.
    fn read_anew<'a>(&self, subjects: impl Iterator<Item = &'a Subject>) {
        let mut kept = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        subjects.for_each(|subject| drop(kept.remove(subject)));
    }
}

/// Where and when the events of a request came in, if there are any: all at once.
fn sighting<'a>(source: &'a Source, events: &[&Event]) -> Option<Sighting<'a>> {
    events.first().map(|event| Sighting { source: &source.id, at: event.received_at })
}
