//! Which ids belong to one person: what events may claim, and which of it a regulation acts on.
//!
//! A write key is public in a browser or app, so an event that carries one is a hint, never a proof:
//!
//! 1. An anonymous id belongs to the first user it is seen with. Once it is seen with a second one, it is shared and
//!    left alone.
//! 2. A user id that was itself seen stays on its own, also where an event calls it an anonymous id. Any other may be
//!    linked by a source that is trusted to link.
//! 3. A user has at most [`MAX_LINKS`] ids. A regulation acts on a subject's anonymous ids if there are at most
//!    [`MAX_COVERED`], and on no user id that it does not name; the certificate lists what was left out.
//! 4. Where people are [resolved](crate::resolved), a user id that a trusted source linked is theirs, too, if it was seen
//!    with nobody else and never itself.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::person::{MAX_OWNERS, People, Person};
use crate::resolved::Resolved;
use crate::subject::{Named, Subject, SubjectType};
use crate::tracking::Event;
use crate::uuid_text;

/// The most ids that are linked to one user.
pub const MAX_LINKS: usize = 50;

/// The most anonymous ids of one subject that a regulation acts on without naming them.
pub const MAX_COVERED: usize = 20;

/// The longest id that is linked, in bytes: SDKs make ids of 36.
const MAX_LINKED_BYTES: usize = 256;

/// An id that was seen together with a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The user.
    pub user: Subject,
    /// The other id.
    pub other: Subject,
}

impl Link {
    /// Whether the suppression list needs it: lifting the user's suppression must find the ids that were suppressed
    /// with the user.
    pub fn holds(&self, people: &People) -> bool {
        people.get(&self.user).is_some_and(Person::is_suppressed)
            && people.get(&self.other).is_some_and(|other| !other.linked_scopes.is_empty())
    }
}

/// The new, credible links that events claim. `trusted`: whether their source may link user ids.
pub fn claimed(events: &[&Event], people: &People, trusted: bool) -> BTreeSet<Link> {
    let users: HashSet<&Subject> = events.iter().filter_map(|event| event.user.as_ref()).collect();
    let seen = |user: &Subject| users.contains(user) || people.get(user).is_some_and(Person::is_somebody);
    let mut claims = BTreeSet::new();
    for event in events {
        let Some(user) = &event.user else { continue };
        let mut claim = |other: Subject| claims.insert(Link { user: user.clone(), other });
        if let Some(device) = &event.anonymous {
            claim(device.clone());
        }
        let Some(previous) = &event.previous else { continue };
        let former = Subject::user(previous);
        if !seen(&former) {
            claim(Subject::anonymous(previous));
            if trusted {
                claim(former);
            }
        }
    }
    let mut taken: HashMap<Subject, usize> = HashMap::new();
    claims.retain(|Link { user, other }| {
        let nobody = Person::default();
        let owners = &people.get(other).unwrap_or(&nobody).owners;
        let most = if other.kind == SubjectType::UserId { 1 } else { MAX_OWNERS };
        if other.id.len() > MAX_LINKED_BYTES || owners.contains(&user.id) || owners.len() >= most {
            return false;
        }
        let known = || people.get(user).map_or(0, |person| person.links.len());
        let taken = taken.entry(user.clone()).or_insert_with(known);
        *taken += 1;
        *taken <= MAX_LINKS
    });
    claims
}

/// The users whose ids read like these anonymous ids.
pub fn users_named_like<'a>(others: impl IntoIterator<Item = &'a Subject>) -> Vec<Subject> {
    let anonymous = others.into_iter().filter(|other| other.kind == SubjectType::AnonymousId);
    anonymous.flat_map(|other| Subject::user(&other.id).spelled().collect::<Vec<_>>()).collect()
}

/// The other ids of some subjects.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Linked {
    /// Ids that are theirs alone: the regulation acts on them, too.
    pub subjects: Vec<Subject>,
    /// Ids that are left out: user ids, anonymous ids that were seen as another user's id, and all anonymous ids of a
    /// subject with more than [`MAX_COVERED`].
    pub left_out: Vec<Subject>,
    /// Ids that were also seen with others and are left alone.
    pub shared: Vec<Subject>,
    /// The user ids among those that are left out which are one subject's alone, by what is known of them.
    pub former: Vec<Link>,
}

impl Linked {
    /// Sorts the other ids of `subjects`; `people` holds what is known of all of them, and of [`users_named_like`] them. A
    /// UUID is one id in every [spelling](Subject::spelled): archives are searched for all.
    pub fn of(subjects: &[Subject], people: &People) -> Self {
        let named: HashSet<&Subject> = subjects.iter().collect();
        let known =
            |subject: &Subject| subject.spelled().filter_map(|one| people.get(&one)).collect::<Vec<_>>();
        let owners = |known: &[&Person]| -> BTreeSet<String> {
            let owners = known.iter().flat_map(|person| &person.owners);
            owners.map(|owner| uuid_text::canonical(owner).into_owned()).collect()
        };
        let is_somebody = |known: &[&Person]| known.iter().any(|person| person.is_somebody());
        let users = named.iter().filter(|subject| subject.kind == SubjectType::UserId);
        let users: HashSet<_> = users.map(|user| uuid_text::canonical(&user.id)).collect();
        let is_anothers = |other: &Subject| {
            !users.contains(&uuid_text::canonical(&other.id))
                && is_somebody(&known(&Subject::user(&other.id)))
        };
        let is_alone = |user: &Subject, other: &Subject| {
            let known = known(other);
            owners(&known).iter().eq([&*uuid_text::canonical(&user.id)]) && !is_somebody(&known)
        };
        let distinct = |ids: &BTreeSet<&Subject>| {
            let ids = ids.iter().map(|other| (other.kind, uuid_text::canonical(&other.id)));
            ids.collect::<HashSet<_>>().len()
        };
        let (mut covered, mut left_out, mut shared) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut former = BTreeSet::new();
        for (user, person) in named.iter().filter_map(|subject| Some((*subject, people.get(subject)?))) {
            let mut own = BTreeSet::new();
            for other in person.links.iter().filter(|other| !named.contains(other)) {
                if other.kind == SubjectType::UserId && is_alone(user, other) {
                    former.insert(Link { user: user.clone(), other: other.clone() });
                }
                match other.kind {
                    SubjectType::UserId => left_out.insert(other),
                    _ if is_anothers(other) => left_out.insert(other),
                    _ if owners(&known(other)).len() > 1 => shared.insert(other),
                    _ => own.insert(other),
                };
            }
            if distinct(&own) > MAX_COVERED { &mut left_out } else { &mut covered }.extend(own);
        }
        let list = |set: BTreeSet<&Subject>| set.into_iter().cloned().collect();
        let former = former.into_iter().collect();
        Self { subjects: list(covered), left_out: list(left_out), shared: list(shared), former }
    }

    /// Takes out what is left out although it is one person's alone: the former user ids of these people.
    pub fn resolve(&mut self, people: &[Vec<Subject>]) -> Resolved {
        let mut resolved = Resolved::default();
        // By their first place, should two be named by one id.
        let mut places = HashMap::new();
        for (place, person) in (0..).zip(people) {
            for one in person {
                places.entry((one.kind, uuid_text::canonical(&one.id))).or_insert(place);
            }
        }
        for Link { user, other } in std::mem::take(&mut self.former) {
            let Some(&person) = places.get(&(user.kind, uuid_text::canonical(&user.id))) else { continue };
            self.left_out.retain(|left_out| *left_out != other);
            resolved.found.push(Named { person: Some(person), subject: other });
        }
        resolved
    }

    /// The ids that may have been suppressed with their user, perhaps when the user had fewer, or had them alone.
    pub fn suppressible(&self) -> Vec<Subject> {
        let anonymous = self.left_out.iter().filter(|other| other.kind == SubjectType::AnonymousId);
        self.subjects.iter().chain(anonymous).chain(&self.shared).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tracking::{Call, read};

    fn events(batch: Value) -> Vec<Event> {
        let now = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
        let body = json!({ "batch": batch }).to_string();
        read(Call::Batch, body.as_bytes(), now).expect("a body").events
    }

    fn claims(batch: Value, people: &People, trusted: bool) -> Vec<(String, String)> {
        let events = events(batch);
        let links = claimed(&events.iter().collect::<Vec<_>>(), people, trusted);
        let text = |subject: Subject| format!("{} {}", subject.kind.as_str(), subject.id);
        links.into_iter().map(|link| (link.user.id, text(link.other))).collect()
    }

    fn alias(user: &str, former: &str) -> Value {
        json!({"type": "alias", "userId": user, "previousId": former})
    }

    fn person(owners: &[&str]) -> Person {
        Person { owners: owners.iter().map(|owner| (*owner).to_owned()).collect(), ..Person::default() }
    }

    #[test]
    fn a_user_id_that_was_seen_is_nobody_elses() {
        let today = "2026-11-24".parse().expect("a day");
        let mut people = People::default();
        let seen = [("web".parse().expect("an id"), (today, today))].into();
        people.insert(Subject::user("seen"), Person { seen, ..Person::default() });
        let links = [Subject::anonymous("phone")].into();
        people.insert(Subject::user("linked"), Person { links, ..Person::default() });
        people.insert(Subject::user("another's"), person(&["b"]));
        for trusted in [false, true] {
            for victim in ["seen", "linked"] {
                assert!(claims(json!([alias("a", victim)]), &people, trusted).is_empty(), "{victim}");
            }
            let same_batch = json!([alias("a", "v"), {"type": "page", "userId": "v"}]);
            assert!(claims(same_batch, &people, trusted).is_empty());
            let link = |kind: &str| ("a".to_owned(), format!("{kind} another's"));
            assert_eq!(claims(json!([alias("a", "another's")]), &people, trusted), [link("ANONYMOUS_ID")]);
        }
        let link = |kind: &str| ("a".to_owned(), format!("{kind} before"));
        assert_eq!(claims(json!([alias("a", "before")]), &people, false), [link("ANONYMOUS_ID")]);
        let both = [link("USER_ID"), link("ANONYMOUS_ID")];
        assert_eq!(claims(json!([alias("a", "before")]), &people, true), both);
    }

    #[test]
    fn one_user_takes_few_ids_and_none_that_is_long() {
        let device = |id: String| json!({"type": "page", "userId": "a", "anonymousId": id});
        let many: Vec<Value> = (0..2_500).map(|n| device(n.to_string())).collect();
        let mut people = People::default();
        assert_eq!(claims(json!(many), &people, true).len(), MAX_LINKS);
        let links = (0..MAX_LINKS - 1).map(|n| Subject::anonymous(format!("old {n}"))).collect();
        people.insert(Subject::user("a"), Person { links, ..Person::default() });
        assert_eq!(claims(json!(many), &people, true).len(), 1);
        assert!(claims(json!([device("x".repeat(1_024))]), &People::default(), true).is_empty());
    }

    #[test]
    fn a_device_is_its_first_users_until_a_second_one_is_met() {
        let device = json!([{"type": "page", "userId": "b", "anonymousId": "tablet"}]);
        let mut people = People::default();
        people.insert(Subject::anonymous("tablet"), person(&["a"]));
        assert_eq!(claims(device.clone(), &people, false).len(), 1, "it is noted that they share it");
        people.insert(Subject::anonymous("tablet"), person(&["a", "b"]));
        assert!(claims(device, &people, false).is_empty());
        let links = |id: &str| Person { links: [Subject::anonymous(id)].into(), ..Person::default() };
        people.insert(Subject::user("a"), links("tablet"));
        let linked = Linked::of(&[Subject::user("a")], &people);
        assert_eq!(linked, Linked { shared: vec![Subject::anonymous("tablet")], ..Linked::default() });
        assert_eq!(linked.suppressible(), linked.shared, "it may have been suppressed before it was shared");
    }

    #[test]
    fn an_anonymous_id_that_reads_like_another_user_is_left_out() {
        let links = |ids: &[&str]| ids.iter().map(|id| Subject::anonymous(*id)).collect();
        let mut people = People::default();
        people.insert(Subject::user("a"), Person { links: links(&["a", "v", "phone"]), ..Person::default() });
        people.insert(Subject::user("v"), Person { links: links(&["v's phone"]), ..Person::default() });
        let linked = Linked::of(&[Subject::user("a")], &people);
        assert_eq!(linked.left_out, [Subject::anonymous("v")]);
        assert_eq!(linked.subjects, [Subject::anonymous("a"), Subject::anonymous("phone")]);
        let both = Linked::of(&[Subject::user("a"), Subject::user("v")], &people);
        assert!(both.left_out.is_empty(), "the regulation names that user: {both:?}");
    }

    #[test]
    fn a_uuid_is_one_id_in_every_spelling() {
        let (lower, upper) = ("2c1d3b6e-0a5f-4e7b-9c8d-1a2b3c4d5e6f", "2C1D3B6E-0A5F-4E7B-9C8D-1A2B3C4D5E6F");
        let links = |id: &str| Person { links: [Subject::anonymous(id)].into(), ..Person::default() };
        let mut people = People::default();
        people.insert(Subject::user("a"), links(upper));
        people.insert(Subject::anonymous(upper), person(&["a"]));
        let linked = |people: &People| Linked::of(&[Subject::user("a")], people);
        assert_eq!(linked(&people).subjects, [Subject::anonymous(upper)]);
        people.insert(Subject::anonymous(lower), person(&["b"]));
        assert_eq!(linked(&people).shared.len(), 1, "another user was seen on it, in another spelling");
        people.insert(Subject::anonymous(lower), Person::default());
        people.insert(Subject::user(lower), links("theirs"));
        assert_eq!(linked(&people).left_out, [Subject::anonymous(upper)], "it is another user's id");
    }

    #[test]
    fn a_former_user_id_is_resolved_if_it_is_one_persons_alone_and_was_never_seen_itself() {
        let links = |ids: &[&str]| ids.iter().map(|id| Subject::user(*id)).collect();
        let mut people = People::default();
        let a = Person { links: links(&["before", "seen since", "named", "taken"]), ..Person::default() };
        people.insert(Subject::user("a"), a);
        people.insert(Subject::user("before"), person(&["a"]));
        people.insert(Subject::user("named"), person(&["a"]));
        people.insert(Subject::user("taken"), person(&["a", "b"]));
        let today = "2026-11-24".parse().expect("a day");
        let seen = [("web".parse().expect("an id"), (today, today))].into();
        people.insert(Subject::user("seen since"), Person { seen, ..person(&["a"]) });
        let named = [vec![Subject::user("named")], vec![Subject::anonymous("x"), Subject::user("a")]];
        let mut linked = Linked::of(&named.concat(), &people);
        assert_eq!(
            linked.left_out,
            ["before", "seen since", "taken"].map(Subject::user),
            "unless it is resolved"
        );
        let resolved = linked.resolve(&named);
        assert_eq!(resolved.found, [Named { person: Some(1), subject: Subject::user("before") }]);
        assert_eq!(linked.left_out, ["seen since", "taken"].map(Subject::user));
        assert_eq!(linked.resolve(&named), Resolved::default(), "once");
    }

    #[test]
    fn what_is_too_much_to_be_one_persons_is_left_out_and_so_is_every_user_id() {
        let devices = |count: usize| (0..count).map(|n| Subject::anonymous(n.to_string()));
        for (count, covered) in [(MAX_COVERED, MAX_COVERED), (MAX_COVERED + 1, 0)] {
            let mut people = People::default();
            let links = devices(count).chain([Subject::user("v"), Subject::user("named")]).collect();
            people.insert(Subject::user("a"), Person { links, ..Person::default() });
            let linked = Linked::of(&[Subject::user("a"), Subject::user("named")], &people);
            assert_eq!((linked.subjects.len(), linked.left_out.len()), (covered, count - covered + 1));
            assert!(linked.left_out.contains(&Subject::user("v")));
            assert_eq!(
                linked.suppressible().len(),
                count,
                "lifting finds what was suppressed when there were fewer"
            );
        }
    }
}
