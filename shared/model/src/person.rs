//! What collection knows of a subject: whether its events are dropped, which ids are the same person's, and which
//! sources saw it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::source::{Sightings, SourceId};
use crate::subject::Subject;
use crate::tracking::Event;

/// How long, in milliseconds, what is known of a subject is used before it is read again: a change of the suppression
/// list takes effect everywhere within this time.
pub const FRESH_MILLISECONDS: u64 = 500;

/// How long an erasure or a lifted suppression is remembered. An event that waited for longer is not written anywhere:
/// nobody can tell any more whether it may be.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The most owners recorded of an anonymous id: beyond one, it is a shared device anyway.
pub const MAX_OWNERS: usize = 10;

/// Where subjects are suppressed: everywhere, or at one source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SuppressionScope {
    /// In the whole workspace.
    Workspace,
    /// At one source.
    Source(SourceId),
}

/// The written form of the whole workspace. No source can have this id: the API reserves it.
pub const WORKSPACE: &str = "WORKSPACE";

impl SuppressionScope {
    /// The scope's written form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Workspace => WORKSPACE,
            Self::Source(id) => id.as_str(),
        }
    }
}

impl fmt::Display for SuppressionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for SuppressionScope {
    type Error = crate::failure::Failure;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == WORKSPACE { Ok(Self::Workspace) } else { text.parse().map(Self::Source) }
    }
}

impl From<SuppressionScope> for String {
    fn from(scope: SuppressionScope) -> Self {
        scope.as_str().to_owned()
    }
}

/// What is known of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Scopes that suppress it by name.
    pub scopes: BTreeSet<SuppressionScope>,
    /// Scopes that suppress it because it belongs to a suppressed user.
    pub linked_scopes: BTreeSet<SuppressionScope>,
    /// When each of these scopes began to suppress it.
    pub since: BTreeMap<SuppressionScope, Timestamp>,
    /// The periods, since an event could still be on its way, in which a scope suppressed it and no longer does.
    pub kept_out: BTreeMap<SuppressionScope, Vec<(Timestamp, Timestamp)>>,
    /// When its erasure was last asked for: events received before that are dropped, wherever they still are.
    pub erased: BTreeMap<SuppressionScope, Timestamp>,
    /// The users that this id was seen with.
    pub owners: BTreeSet<String>,
    /// The other ids that were seen with this user.
    pub links: BTreeSet<Subject>,
    /// The identifiers that are suppressed with it, since a warehouse knew them to be the same person's.
    pub resolved: BTreeSet<Subject>,
    /// The identifiers that it is suppressed with.
    pub resolved_for: BTreeSet<Subject>,
    /// The first and the last day, in UTC, on which each source saw it.
    pub seen: BTreeMap<SourceId, (Date, Date)>,
}

impl Person {
    /// Whether any scope suppresses it.
    pub fn is_suppressed(&self) -> bool {
        !self.scopes.is_empty() || !self.linked_scopes.is_empty()
    }

    /// All scopes that suppress it, by name or by link.
    pub fn all_scopes(&self) -> BTreeSet<SuppressionScope> {
        self.scopes.union(&self.linked_scopes).cloned().collect()
    }

    /// Whether events revealed anything about it.
    pub fn is_learnt(&self) -> bool {
        !self.links.is_empty() || !self.owners.is_empty() || !self.seen.is_empty()
    }

    /// Whether this user id was seen or suppressed itself, so that it is not another user's former id.
    pub fn is_somebody(&self) -> bool {
        !self.links.is_empty() || !self.seen.is_empty() || !self.scopes.is_empty()
    }

    /// Whether several users were seen with this id, so that it belongs to none of them alone.
    pub fn is_shared(&self) -> bool {
        self.owners.len() > 1
    }
}

/// What is known of some subjects.
#[derive(Debug, Default)]
pub struct People(std::collections::HashMap<Subject, Person>);

impl People {
    /// What is known of a subject, if anything.
    pub fn get(&self, subject: &Subject) -> Option<&Person> {
        self.0.get(subject)
    }

    /// Adds what is known of a subject.
    pub fn insert(&mut self, subject: Subject, person: Person) {
        self.0.insert(subject, person);
    }

    /// Adds what is known of others.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The first and the last day on which each source saw any of them.
    pub fn seen(&self) -> Sightings {
        let all = self.0.values().flat_map(|person| &person.seen);
        all.map(|(source, days)| (source.clone(), *days)).collect()
    }

    /// Whether an event of a source is dropped because it names a suppressed subject. A device that is suppressed only
    /// through its owner does not drop the events of another user.
    pub fn drops(&self, event: &Event, source: &SourceId) -> bool {
        self.keep_out(event, source, |_, _| true)
    }

    /// Whether an event that was let in is dropped after all: it was received after the suppression was asked for, even
    /// if that was lifted since.
    pub fn drops_late(&self, event: &Event, source: &SourceId) -> bool {
        let came_since = |person: &Person, scope: &SuppressionScope| {
            person.since.get(scope).is_none_or(|since| event.received_at >= *since)
        };
        self.keep_out(event, source, came_since) || self.was_kept_out(event, source)
    }

    fn was_kept_out(&self, event: &Event, source: &SourceId) -> bool {
        event.subjects().filter(|subject| speaks(event, subject)).any(|subject| {
            let Some(person) = self.get(&subject) else { return false };
            let here = scopes(source);
            let mut spans = here.iter().filter_map(|scope| person.kept_out.get(scope)).flatten();
            spans.any(|(from, until)| (*from..*until).contains(&event.received_at))
        })
    }

    fn keep_out(
        &self,
        event: &Event,
        source: &SourceId,
        holds: impl Fn(&Person, &SuppressionScope) -> bool,
    ) -> bool {
        let here = scopes(source);
        event.subjects().any(|subject| {
            let Some(person) = self.get(&subject) else { return false };
            let keeps_out = |scope: &&SuppressionScope| {
                person.scopes.contains(scope)
                    || speaks(event, &subject) && person.linked_scopes.contains(scope)
            };
            here.iter().filter(keeps_out).any(|scope| holds(person, scope))
        })
    }

    /// Whether an event of a source was received before the erasure of a subject that it names was asked for.
    pub fn erased(&self, event: &Event, source: &SourceId) -> bool {
        let here = scopes(source);
        event.subjects().any(|subject| {
            let Some(person) = self.get(&subject) else { return false };
            here.iter().filter_map(|scope| person.erased.get(scope)).any(|at| event.received_at <= *at)
        })
    }
}

/// The scopes that apply to events of a source.
fn scopes(source: &SourceId) -> [SuppressionScope; 2] {
    [SuppressionScope::Workspace, SuppressionScope::Source(source.clone())]
}

/// Whether an event is about this id's owner: not if the id is a device and the event names a user, too.
fn speaks(event: &Event, subject: &Subject) -> bool {
    event.anonymous.as_ref() != Some(subject) || event.user.is_none()
}

impl Extend<(Subject, Person)> for People {
    fn extend<T: IntoIterator<Item = (Subject, Person)>>(&mut self, people: T) {
        self.0.extend(people);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::SubjectType;
    use crate::suppression::held;
    use crate::tracking::{Call, EventKind, read};

    fn event(kind: EventKind, body: &str) -> Event {
        let now = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
        read(Call::One(kind), body.as_bytes(), now).expect("a body").events.remove(0)
    }

    fn suppressed(scope: SuppressionScope, by_link: bool) -> Person {
        let (own, linked) = if by_link { (None, Some(scope)) } else { (Some(scope), None) };
        let scopes = own.into_iter().collect();
        Person { scopes, linked_scopes: linked.into_iter().collect(), ..Person::default() }
    }

    #[test]
    fn whoever_is_suppressed_is_dropped_and_nobody_else() {
        let (web, ios): (SourceId, SourceId) = ("web".parse().expect("id"), "ios".parse().expect("id"));
        let anonymous = |id: &str| Subject { kind: SubjectType::AnonymousId, id: id.into() };
        let mut people = People::default();
        people.insert(Subject::user("gone"), suppressed(SuppressionScope::Workspace, false));
        people.insert(Subject::user("gone-web"), suppressed(SuppressionScope::Source(web.clone()), false));
        people.insert(anonymous("hers"), suppressed(SuppressionScope::Workspace, true));
        people.insert(anonymous("named"), suppressed(SuppressionScope::Workspace, false));
        let address = held(SubjectType::Email, "gone@example.com").expect("an address");
        people.insert(address, suppressed(SuppressionScope::Workspace, false));
        for (kind, body, at_web, at_ios) in [
            (EventKind::Page, r#"{"userId": "gone"}"#, true, true),
            (EventKind::Page, r#"{"userId": "gone-web"}"#, true, false),
            (EventKind::Page, r#"{"userId": "other"}"#, false, false),
            (EventKind::Page, r#"{"anonymousId": "gone"}"#, false, false),
            (EventKind::Page, r#"{"anonymousId": "hers"}"#, true, true),
            (EventKind::Page, r#"{"userId": "other", "anonymousId": "hers"}"#, false, false),
            (EventKind::Page, r#"{"userId": "other", "anonymousId": "named"}"#, true, true),
            (EventKind::Alias, r#"{"userId": "other", "previousId": "gone"}"#, true, true),
            (EventKind::Alias, r#"{"userId": "other", "previousId": "hers"}"#, true, true),
            (
                EventKind::Identify,
                r#"{"userId": "other", "traits": {"email": "Gone@example.com"}}"#,
                true,
                true,
            ),
            (
                EventKind::Identify,
                r#"{"userId": "other", "traits": {"email": "here@example.com"}}"#,
                false,
                false,
            ),
        ] {
            let event = event(kind, body);
            assert_eq!((people.drops(&event, &web), people.drops(&event, &ios)), (at_web, at_ios), "{body}");
        }
    }

    #[test]
    fn what_came_in_before_a_suppression_was_asked_for_is_kept() {
        let web: SourceId = "web".parse().expect("id");
        let event = event(EventKind::Page, r#"{"userId": "u"}"#);
        for (since, late) in [("2026-11-24T20:00:00Z", true), ("2026-11-24T20:00:00.001Z", false)] {
            let since = [(SuppressionScope::Workspace, since.parse().expect("a timestamp"))].into();
            let mut people = People::default();
            people.insert(
                Subject::user("u"),
                Person { since, ..suppressed(SuppressionScope::Workspace, false) },
            );
            assert_eq!((people.drops(&event, &web), people.drops_late(&event, &web)), (true, late));
        }
    }

    #[test]
    fn what_came_in_while_somebody_was_kept_out_stays_dropped_once_that_is_lifted() {
        let web: SourceId = "web".parse().expect("id");
        let event = event(EventKind::Page, r#"{"userId": "u"}"#);
        for (from, until, late) in [
            ("2026-11-24T19:00:00Z", "2026-11-24T20:00:01Z", true),
            ("2026-11-24T19:00:00Z", "2026-11-24T20:00:00Z", false),
            ("2026-11-24T20:00:01Z", "2026-11-24T21:00:00Z", false),
        ] {
            let time = |text: &str| text.parse().expect("a timestamp");
            for scope in scopes(&web) {
                let kept_out = [(scope, vec![(time(from), time(until))])].into();
                let mut people = People::default();
                people.insert(Subject::user("u"), Person { kept_out, ..Person::default() });
                assert_eq!((people.drops(&event, &web), people.drops_late(&event, &web)), (false, late));
            }
        }
    }

    #[test]
    fn events_from_before_an_erasure_are_told_from_those_after_it() {
        let (web, ios): (SourceId, SourceId) = ("web".parse().expect("id"), "ios".parse().expect("id"));
        let mut people = People::default();
        let event = event(EventKind::Page, r#"{"userId": "u"}"#);
        assert!(!people.erased(&event, &web));
        for (scope, at, at_web, at_ios) in [
            (SuppressionScope::Workspace, "2026-11-24T19:59:59Z", false, false),
            (SuppressionScope::Workspace, "2026-11-24T20:00:00Z", true, true),
            (SuppressionScope::Source(web.clone()), "2026-11-24T20:00:00Z", true, false),
        ] {
            let erased = [(scope, at.parse().expect("a timestamp"))].into();
            people.insert(Subject::user("u"), Person { erased, ..Person::default() });
            assert_eq!((people.erased(&event, &web), people.erased(&event, &ios)), (at_web, at_ios), "{at}");
        }
    }
}
