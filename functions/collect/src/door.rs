//! Who may bring events in, and whose events are let in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use shared::failure::Result;
use shared::person::{FRESH_MILLISECONDS, People, Person};
use shared::queue::Queue;
use shared::source::{KeyHash, Source};
use shared::store::Store;
use shared::subject::Subject;
use shared::tracking::Event;

/// For how long a source is used before it is read again: a write key that is removed is refused after this.
const SOURCE_FRESH: Duration = Duration::from_secs(5);
const PEOPLE_FRESH: Duration = Duration::from_millis(FRESH_MILLISECONDS);

/// How many entries a cache holds before it is emptied.
const MAX_KEPT: usize = 10_000;

pub struct Door {
    store: Store,
    queue: Queue,
    sources: Mutex<HashMap<KeyHash, (Instant, Admitted)>>,
    people: Mutex<HashMap<Subject, (Instant, Option<Person>)>>,
}

/// A source that a write key lets in.
#[derive(Clone)]
pub struct Admitted {
    pub source: Source,
    /// Whether there is a place for its events.
    pub has_archive: bool,
}

/// What became of a request's events.
pub struct Passed {
    pub kept: usize,
    pub dropped: usize,
}

impl Door {
    pub fn new(store: Store, queue: Queue) -> Self {
        Self { store, queue, sources: Mutex::default(), people: Mutex::default() }
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
                let has_archive = source.archives_at(Timestamp::now(), &destinations).next().is_some();
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

    /// Lets events of a source in. What is let in is durable, and what it teaches is noted, once this is answered;
    /// what is dropped leaves no trace but a count.
    pub async fn pass(&self, source: &Source, events: &[Event]) -> Result<Passed> {
        let mut people = self.people(events.iter().flat_map(Event::subjects)).await?;
        while self.learn(&mut people, source, events).await? {
            // Somebody may have been suppressed while a link to them was written.
            people = self.store.people(&events.iter().flat_map(Event::subjects).collect::<Vec<_>>()).await?;
        }
        let kept: Vec<&Event> = events.iter().filter(|event| !people.drops(event, &source.id)).collect();
        self.queue.send(&source.id, &kept).await?;
        Ok(Passed { kept: kept.len(), dropped: events.len() - kept.len() })
    }

    /// What is known of subjects, at most half a second old. `Err`: nothing is known, and nothing may be let in.
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
        // Before the call: what it answers may be as old as its beginning.
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

    /// Notes which ids were met together for the first time, and that the source saw somebody today for the first
    /// time. Answers whether any link is new. A device of somebody who is suppressed is suppressed with them.
    async fn learn(&self, people: &mut People, source: &Source, events: &[Event]) -> Result<bool> {
        let mut linked = false;
        for event in events {
            let Some(user) = &event.user else { continue };
            for other in event.subjects().filter(|other| other != user) {
                let mut person = people.get(&other).cloned().unwrap_or_default();
                let new = !Store::is_linked(Some(&person), user);
                if new {
                    self.store.link(user, &other).await?;
                    person.owners.insert(user.id.clone());
                    linked = true;
                }
                let mut scopes = people.get(user).map(Person::all_scopes).unwrap_or_default();
                scopes
                    .retain(|scope| !person.scopes.contains(scope) && !person.linked_scopes.contains(scope));
                let follows = !person.is_shared() && !scopes.is_empty();
                if follows {
                    self.store.suppress_linked(&other, &scopes).await?;
                    person.linked_scopes.extend(scopes);
                }
                if !new && !follows {
                    continue;
                }
                people.insert(other.clone(), person);
                self.people.lock().unwrap_or_else(PoisonError::into_inner).remove(&other);
            }
        }
        for event in events {
            if people.drops(event, &source.id) {
                continue;
            }
            let Some(who) = event.user.as_ref().or(event.anonymous.as_ref()) else { continue };
            let today = jiff::tz::Offset::UTC.to_datetime(event.received_at).date();
            let mut person = people.get(who).cloned().unwrap_or_default();
            if person.seen.get(&source.id).is_some_and(|(_, last)| *last >= today) {
                continue;
            }
            self.store.saw(who, &source.id, today).await?;
            let first = person.seen.get(&source.id).map_or(today, |(first, _)| *first);
            person.seen.insert(source.id.clone(), (first, today));
            people.insert(who.clone(), person);
            self.people.lock().unwrap_or_else(PoisonError::into_inner).remove(who);
        }
        Ok(linked)
    }
}
