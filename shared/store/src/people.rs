//! The table `suppressions` as `collect` reads it: one item per subject holds all that a decision about its events
//! needs, so that a request costs one call.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Deserialize;

use crate::{CONCURRENCY, Item, PERSON, Sighting, Store, failure, person_key, text, unless_refused};
use lambda::clock::sleep;
use model::failure::{Failure, Result};
use model::person::{People, Person, REMEMBERED, SuppressionScope};
use model::source::SourceId;
use model::subject::Subject;

pub(crate) const FIRST: &str = "first#";
pub(crate) const LAST: &str = "last#";
pub(crate) const SINCE: &str = "since#";
pub(crate) const ERASED: &str = "erased#";
pub(crate) const OUT_FROM: &str = "outFrom#";
pub(crate) const OUT_UNTIL: &str = "outUntil#";
/// The periods before that one, as `from/until`.
pub(crate) const OUT_EARLIER: &str = "outEarlier#";

/// The item that counts the changes of the suppression list.
const CHANGES: &str = "CHANGES";

/// DynamoDB's limit for one read of many items.
const BATCH: usize = 100;

impl Store {
    /// What is known of these subjects at this moment.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn people<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) -> Result<People> {
        let distinct: HashSet<&Subject> = subjects.into_iter().collect();
        let keys: Vec<Item> = distinct.into_iter().map(|subject| key(subject, PERSON)).collect();
        let reads: Vec<_> = keys.chunks(BATCH).map(|keys| self.read_people(keys.to_vec())).collect();
        let all: Vec<Vec<Item>> = stream::iter(reads).buffer_unordered(CONCURRENCY).try_collect().await?;
        let mut people = People::default();
        people.extend(all.into_iter().flatten().filter_map(person));
        Ok(people)
    }

    async fn read_people(&self, keys: Vec<Item>) -> Result<Vec<Item>> {
        let table = &self.tables.suppressions;
        let (mut left, mut found) = (keys, Vec::new());
        for pause in [0, 20, 40, 80, 160, 320, 640] {
            if pause > 0 {
                sleep(Duration::from_millis(pause)).await;
            }
            let keys = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build();
            let keys = keys.map_err(|e| Failure::permanent("a read cannot be built").detail(e))?;
            let request = self.client.batch_get_item().request_items(table, keys);
            let mut reply = request.send().await.map_err(|e| failure(&e))?;
            found.extend(reply.responses.as_mut().and_then(|all| all.remove(table)).unwrap_or_default());
            left = reply
                .unprocessed_keys
                .and_then(|mut all| all.remove(table))
                .map_or_else(Vec::new, |k| k.keys);
            if left.is_empty() {
                return Ok(found);
            }
        }
        Err(Failure::transient("DynamoDB read only some of the suppression list: it is throttled"))
    }

    /// Notes that a source saw a subject on a day, unless nothing may be noted of it any more.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn saw(&self, subject: &Subject, seen: Sighting<'_>) -> Result<()> {
        let (let_in, day) = (Sighting::let_in(), Offset::UTC.to_datetime(seen.at).date());
        let mut names = seen.names(&let_in);
        names.insert("#first".to_owned(), format!("{FIRST}{}", seen.source));
        names.insert("#last".to_owned(), format!("{LAST}{}", seen.source));
        let mut values = seen.values(&let_in);
        values.insert(":day".to_owned(), text(&day.to_string()));
        values.insert(":subject".to_owned(), subject_value(subject));
        let update = self
            .update_person(subject)
            .update_expression(format!("SET #first = if_not_exists(#first, :day), #last = :day{EXISTS}"))
            .condition_expression(let_in)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        unless_refused(update.send().await)
    }

    /// Number of changes of the suppression list by regulations so far.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn changes(&self) -> Result<u64> {
        #[derive(Deserialize)]
        struct Changes {
            count: u64,
        }
        let found: Option<Changes> = self.get(&self.tables.suppressions, (CHANGES, CHANGES)).await?;
        Ok(found.map_or(0, |changes| changes.count))
    }

    /// Counts a change, once all of it is written: a recorder that wrote to an archive meanwhile looks again.
    pub(crate) async fn count_change(&self) -> Result<()> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.suppressions)
            .key("pk", text(CHANGES))
            .key("sk", text(CHANGES))
            .update_expression("ADD #count :one")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", AttributeValue::N("1".into()));
        update.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    pub(crate) fn update_person(&self, subject: &Subject) -> UpdateItemFluentBuilder {
        let request = self.client.update_item().table_name(&self.tables.suppressions);
        request.key("pk", text(&person_key(subject))).key("sk", text(PERSON))
    }
}

/// The subject of a key.
fn subject_of(key: &str) -> Option<Subject> {
    let (name, id) = key.split_once('#')?;
    Some(Subject { kind: name.parse().ok()?, id: id.to_owned() })
}

/// The subjects, and their UUIDs in the other [spellings](Subject::spelled) that events may use, each once.
pub(crate) fn spelled<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<Subject> {
    let mut seen = HashSet::new();
    let all = subjects.into_iter().flat_map(Subject::spelled);
    all.filter(|subject| seen.insert(subject.clone())).collect()
}

/// What every write about a person adds: the subject. `EXISTS` also ends the item's expiry.
pub(crate) const OF: &str = "subject = if_not_exists(subject, :subject)";
const EXISTS: &str = ", subject = if_not_exists(subject, :subject) REMOVE expiresAt";

pub(crate) fn key(subject: &Subject, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), text(&person_key(subject))), ("sk".to_owned(), text(sk))])
}

/// When a fact noted at a time may be forgotten, as DynamoDB's time to live.
pub(crate) fn expiry(at: Timestamp) -> AttributeValue {
    AttributeValue::N((at + REMEMBERED).as_second().to_string())
}

/// A time as text that sorts by time.
pub(crate) fn moment(at: Timestamp) -> AttributeValue {
    text(&format!("{at:.9}"))
}

/// A subject as an attribute.
pub(crate) fn subject_value(subject: &Subject) -> AttributeValue {
    let fields = [("type".to_owned(), text(subject.kind.as_str())), ("id".to_owned(), text(&subject.id))];
    AttributeValue::M(fields.into())
}

fn person(item: Item) -> Option<(Subject, Person)> {
    let subject = item.get("subject")?.as_m().ok()?;
    let field = |name: &str| subject.get(name)?.as_s().ok();
    let subject = subject_of(&format!("{}#{}", field("type")?, field("id")?))?;
    let flag =
        |name: &str| item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or_default();
    let set = |name: &str| item.get(name).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default();
    let subjects = |name: &str| set(name).iter().filter_map(|key| subject_of(key)).collect();
    let sources = |name: &str| {
        let ids = set(name).into_iter().filter_map(|id| id.parse().ok());
        ids.map(SuppressionScope::Source).collect::<BTreeSet<SuppressionScope>>()
    };
    let mut person = Person {
        scopes: sources("sources"),
        linked_scopes: sources("linkedSources"),
        owners: set("owners").into_iter().collect(),
        links: subjects("links"),
        resolved: subjects("resolved"),
        resolved_for: subjects("resolvedFor"),
        ..Person::default()
    };
    if item.contains_key("scope") {
        let scopes = if flag("byLink") { &mut person.linked_scopes } else { &mut person.scopes };
        scopes.insert(SuppressionScope::Workspace);
    }
    let time = |value: &AttributeValue| value.as_s().ok()?.parse::<Timestamp>().ok();
    person.since.extend(item.get("suppressedAt").and_then(time).map(|at| (SuppressionScope::Workspace, at)));
    for (name, value) in &item {
        if let Some(source) = name.strip_prefix(SINCE).and_then(|id| id.parse().ok()) {
            person.since.extend(time(value).map(|at| (SuppressionScope::Source(source), at)));
        }
        if let Some(scope) = name.strip_prefix(ERASED)
            && let (Ok(scope), Some(at)) = (SuppressionScope::try_from(scope.to_owned()), time(value))
        {
            person.erased.insert(scope, at);
        }
        if let Some(scope) = name.strip_prefix(OUT_FROM)
            && let Some(until) = item.get(&format!("{OUT_UNTIL}{scope}")).and_then(time)
            && let (Ok(scope), Some(from)) = (SuppressionScope::try_from(scope.to_owned()), time(value))
        {
            person.kept_out.entry(scope).or_default().push((from, until));
        }
        if let Some(scope) = name.strip_prefix(OUT_EARLIER)
            && let (Ok(scope), Ok(periods)) = (SuppressionScope::try_from(scope.to_owned()), value.as_ss())
        {
            let periods = periods.iter().filter_map(|period| period.split_once('/'));
            let periods = periods.filter_map(|(from, until)| Some((from.parse().ok()?, until.parse().ok()?)));
            person.kept_out.entry(scope).or_default().extend(periods);
        }
        let Some(source) = name.strip_prefix(FIRST).and_then(|id| id.parse::<SourceId>().ok()) else {
            continue;
        };
        let day = |value: &AttributeValue| value.as_s().ok()?.parse::<Date>().ok();
        let last = item.get(&format!("{LAST}{source}")).and_then(day);
        if let (Some(first), Some(last)) = (day(value), last) {
            person.seen.insert(source, (first, last));
        }
    }
    Some((subject, person))
}
