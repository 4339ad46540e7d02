//! Which ids were seen together. A link is stored on both items, in `links` of the user's and in `owners` of the
//! other's, written together, so that it is found and forgotten from either side.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::people::spelled;
use crate::people::{FIRST, LAST, OF, expiry, key, subject_value};
use crate::{CONCURRENCY, PERSON, Sighting, Store, number, person_key, text, unless_refused};
use model::failure::Result;
use model::linking::{Link, Linked, MAX_LINKS, users_named_like};
use model::person::{MAX_OWNERS, People, Person};
use model::subject::{Subject, SubjectType};

impl Store {
    /// Links ids to the users they were seen with, but for those of whom nothing may be noted any more. A user with
    /// [`MAX_LINKS`] ids takes no more, nor does an id with [`MAX_OWNERS`] users, which is shared anyway.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Some may then be
    /// noted and others not.
    pub async fn link(&self, links: &BTreeSet<Link>, seen: Sighting<'_>) -> Result<()> {
        let links: Vec<&Link> = links.iter().collect();
        // One user's links one after the other: they write the same item.
        let users = links.chunk_by(|a, b| a.user == b.user).map(|links| async move {
            for link in links {
                self.link_one(link, seen).await?;
            }
            Ok(())
        });
        let users: Vec<_> = users.collect();
        stream::iter(users).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn link_one(&self, link: &Link, seen: Sighting<'_>) -> Result<()> {
        let (let_in, let_in_by_name) = (Sighting::let_in(), Sighting::let_in_by_name());
        let side = |side: Side<'_>, most: usize, let_in: &str| {
            let (set, member) = (side.set, side.member.clone());
            let mut values = seen.values(let_in);
            values.insert(":members".to_owned(), AttributeValue::Ss(vec![member.clone()]));
            values.insert(":member".to_owned(), text(&member));
            values.insert(":most".to_owned(), number(most as u64));
            values.insert(":subject".to_owned(), subject_value(side.subject));
            side.update()
                .update_expression(format!("ADD {set} :members SET {OF} REMOVE expiresAt"))
                .condition_expression(format!(
                    "(attribute_not_exists({set}) OR contains({set}, :member) OR size({set}) < :most) AND {let_in}"
                ))
                .set_expression_attribute_names(Some(seen.names(let_in)))
                .set_expression_attribute_values(Some(values))
        };
        // An alias does not say of which kind its `previousId` is. A transaction takes each item once.
        let namesake = Some(Subject::user(&link.other.id))
            .filter(|user| link.other.kind == SubjectType::AnonymousId && *user != link.user);
        let checks = namesake.iter().map(|user| seen.check(user, &let_in)).collect();
        let [user, other] = sides(link);
        let pair = [side(user, MAX_LINKS, &let_in), side(other, MAX_OWNERS, &let_in_by_name)];
        self.update_pair_if(pair, checks).await.map(drop)
    }

    /// Removes a link.
    async fn unlink(&self, link: &Link) -> Result<()> {
        let forget = |side: Side<'_>| {
            let update = side.update().update_expression(format!("DELETE {} :members", side.set));
            update.expression_attribute_values(":members", AttributeValue::Ss(vec![side.member]))
        };
        self.update_pair(sides(link).map(forget)).await.map(drop)
    }

    /// The other ids of these subjects.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn linked(&self, subjects: &[Subject]) -> Result<Linked> {
        let subjects = spelled(subjects);
        let mut people = self.people(&subjects).await?;
        let links =
            subjects.iter().filter_map(|subject| people.get(subject)).flat_map(|person| &person.links);
        let mut others: BTreeSet<Subject> = links.flat_map(Subject::spelled).collect();
        others.extend(users_named_like(&others));
        people.merge(self.people(&others).await?);
        Ok(Linked::of(&subjects, &people))
    }

    /// Forgets what events revealed of subjects, on their own items and on others', but for what suppresses them.
    /// Erased subjects keep a mark that expires.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn forget_people(&self, subjects: &[Subject], now: Timestamp) -> Result<()> {
        // An alias does not say of which kind its `previousId` is, so it may be stored as the other kind, too.
        let users = subjects.iter().filter(|subject| subject.kind == SubjectType::UserId);
        let namesakes = users.map(|user| Subject::anonymous(&user.id));
        let subjects = spelled(subjects.iter().chain(&namesakes.collect::<Vec<_>>()));
        let mut people = self.people(&subjects).await?;
        let links: BTreeSet<Link> = subjects.iter().flat_map(|subject| links_of(subject, &people)).collect();
        let everyone: BTreeSet<Subject> = links
            .iter()
            .flat_map(|link| [link.user.clone(), link.other.clone()])
            .chain(subjects.iter().cloned())
            .collect();
        people.merge(self.people(&everyone).await?);
        let unlinks: Vec<_> =
            links.iter().filter(|link| !link.holds(&people)).map(|link| self.unlink(link)).collect();
        stream::iter(unlinks).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        let seen = subjects.iter().filter_map(|subject| Some((subject, people.get(subject)?)));
        let forgets: Vec<_> = seen
            .filter(|(_, person)| !person.seen.is_empty())
            .map(|(subject, person)| self.forget_days(subject, person))
            .collect();
        stream::iter(forgets).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.let_expire(&everyone.into_iter().collect::<Vec<_>>(), now).await
    }

    async fn forget_days(&self, subject: &Subject, person: &Person) -> Result<()> {
        let days =
            person.seen.keys().flat_map(|source| [format!("{FIRST}{source}"), format!("{LAST}{source}")]);
        let names: HashMap<String, String> =
            days.enumerate().map(|(place, name)| (format!("#day{place}"), name)).collect();
        let gone: Vec<&str> = names.keys().map(String::as_str).collect();
        let update = self.update_person(subject).update_expression(format!("REMOVE {}", gone.join(", ")));
        let update = update.set_expression_attribute_names(Some(names.clone()));
        unless_refused(update.condition_expression("attribute_exists(pk)").send().await)
    }

    /// Lets items of subjects expire, if nothing is known of them but that they were erased or let in again. Harmless
    /// for others.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub(crate) async fn let_expire(&self, subjects: &[Subject], at: Timestamp) -> Result<()> {
        let people = self.people(subjects).await?;
        let idle = subjects.iter().filter(|subject| {
            people.get(subject).is_some_and(|person| !person.is_learnt() && !person.is_suppressed())
        });
        let writes: Vec<_> = idle
            .map(|subject| async {
                let update = self
                    .update_person(subject)
                    .update_expression("SET expiresAt = :expires")
                    // They may have been suppressed or linked since they were read, or erased by a later request.
                    .condition_expression(
                        "attribute_exists(pk) AND (attribute_not_exists(expiresAt) OR expiresAt < :expires) \
                         AND attribute_not_exists(#scope) AND attribute_not_exists(sources) \
                         AND attribute_not_exists(linkedSources) AND attribute_not_exists(owners) \
                         AND attribute_not_exists(links)",
                    )
                    .expression_attribute_names("#scope", "scope")
                    .expression_attribute_values(":expires", expiry(at));
                unless_refused(update.send().await)
            })
            .collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect().await
    }
}

/// One side of a link: the item's set, and the member that the link adds to it.
struct Side<'a> {
    subject: &'a Subject,
    set: &'static str,
    member: String,
}

fn sides(link: &Link) -> [Side<'_>; 2] {
    [
        Side { subject: &link.user, set: "links", member: person_key(&link.other) },
        Side { subject: &link.other, set: "owners", member: link.user.id.clone() },
    ]
}

impl Side<'_> {
    fn update(&self) -> UpdateBuilder {
        Update::builder().set_key(Some(key(self.subject, PERSON)))
    }
}

/// The links stored on a subject's item, on either side.
fn links_of(subject: &Subject, people: &People) -> Vec<Link> {
    let Some(person) = people.get(subject) else { return Vec::new() };
    let taken = person.links.iter().map(|other| Link { user: subject.clone(), other: other.clone() });
    let owned = person.owners.iter().map(|user| Link { user: Subject::user(user), other: subject.clone() });
    taken.chain(owned).collect()
}
