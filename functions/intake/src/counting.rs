//! Counts the regulations of a period, for figures and reports: pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use model::status::Status;
use serde::Serialize;
use store::Tallied;
use utoipa::ToSchema;

const DAY: f64 = 86_400.0;

/// Regulations that were accepted in a period.
#[derive(Debug, Default)]
pub struct Count {
    pub received: u64,
    pub requests: Requests,
    pub by_type: BTreeMap<&'static str, u64>,
    pub people_named: u64,
    pub objects_named: u64,
    pub people: People,
    /// Seconds from each one's acceptance to its end, of those that ended without a failure.
    pub honoured: Vec<i64>,
    pub days: BTreeMap<Date, OfDay>,
}

/// Requests by how far they are. Each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// Neither ended nor withdrawn.
    pub under_way: u64,
    /// Everything that can be done is done, and no vendor left it at an acceptance, as far as is known: see `unknown`.
    pub finished: u64,
    /// The work is done, but somewhere a vendor took the request and confirms nothing: its own deadline applies.
    pub accepted_only: u64,
    /// No place could delete the people, or look for them.
    pub not_supported: u64,
    /// Done in some places, failed in others.
    pub partly_failed: u64,
    /// Nothing could be done.
    pub failed: u64,
    /// Withdrawn before the work began.
    pub cancelled: u64,
    /// How many of those that have ended tell nothing of their people, nor whether a vendor only accepted: they ended before
    /// that was kept. They count above, too.
    pub unknown: u64,
}

/// The people whom requests name, by what became of them. Each counts once for every request that names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct People {
    /// Found, and confirmed to be gone wherever they were.
    pub erased: u64,
    /// Looked for everywhere, and found nowhere.
    pub not_found: u64,
    /// Somewhere a vendor took the request and confirms nothing.
    pub accepted: u64,
    /// Somewhere nobody could delete them or look for them, or there was no place to look at.
    pub unreached: u64,
    /// Somewhere it failed.
    pub failed: u64,
    /// Named together with others: some of them were found and are gone, and how many is not known.
    pub unclear: u64,
    /// The request is under way.
    pub under_way: u64,
    /// The request was withdrawn.
    pub cancelled: u64,
    /// Nothing was to be erased: they were suppressed, or let in again.
    pub nothing_to_erase: u64,
    /// The request ended before it was kept what became of them.
    pub unknown: u64,
}

/// The requests of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfDay {
    pub received: u64,
    pub finished: u64,
    pub accepted_only: u64,
}

impl Count {
    /// Counts one more regulation.
    pub fn add(&mut self, one: &Tallied) {
        self.received += 1;
        *self.by_type.entry(one.regulation_type.as_str()).or_default() += 1;
        self.days.entry(day_of(one.created_at)).or_default().received += 1;
        self.add_people(one);
        let accepted_only = one.outcome.is_some_and(|outcome| outcome.accepted_at > 0);
        let requests = &mut self.requests;
        if one.outcome.is_none() && one.regulation_type.erases() && ended(one.status) {
            requests.unknown += 1;
        }
        *match one.status {
            Status::Initialized | Status::Running => &mut requests.under_way,
            Status::Finished if accepted_only => &mut requests.accepted_only,
            Status::Finished => &mut requests.finished,
            Status::NotSupported => &mut requests.not_supported,
            Status::PartialSuccess => &mut requests.partly_failed,
            Status::Failed => &mut requests.failed,
            Status::Invalid => &mut requests.cancelled,
        } += 1;
        if let (Status::Finished, Some(at)) = (one.status, one.finished_at) {
            self.honoured.push(one.seconds_until(at));
            let day = self.days.entry(day_of(at)).or_default();
            *if accepted_only { &mut day.accepted_only } else { &mut day.finished } += 1;
        }
    }

    fn add_people(&mut self, one: &Tallied) {
        let count = one.subject_count;
        if names_objects(one) {
            self.objects_named += count;
            return;
        }
        self.people_named += count;
        let people = &mut self.people;
        *match (one.status, one.outcome) {
            (Status::Initialized | Status::Running, _) => &mut people.under_way,
            (Status::Invalid, _) => &mut people.cancelled,
            (_, Some(outcome)) => {
                people.erased += outcome.erased;
                people.not_found += outcome.not_found;
                people.accepted += outcome.accepted;
                people.unreached += outcome.unreached;
                people.failed += outcome.failed;
                people.unclear += outcome.unclear;
                return;
            }
            (Status::Failed, None) => &mut people.failed,
            _ if !one.regulation_type.erases() => &mut people.nothing_to_erase,
            _ => &mut people.unknown,
        } += count;
    }
}

/// Whether a regulation is about objects of a cloud source, and about nobody.
pub fn names_objects(one: &Tallied) -> bool {
    one.part.as_ref().is_some_and(|part| part.collection.is_some())
}

/// Whether a regulation was sealed.
fn ended(status: Status) -> bool {
    status.is_final() && status != Status::Invalid
}

/// The day of a time, in UTC.
pub fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// How many days requests took.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Days {
    /// How many requests this is over.
    of: usize,
    /// Null, if there are none.
    #[schema(required)]
    median: Option<f64>,
    #[schema(required)]
    mean: Option<f64>,
    #[schema(required)]
    longest: Option<f64>,
}

impl Days {
    /// The days of these requests, given in seconds.
    pub fn of(mut seconds: Vec<i64>) -> Self {
        seconds.sort_unstable();
        let of = seconds.len();
        let days = |seconds: f64| (seconds / DAY * 100.0).round() / 100.0;
        let some = |value: f64| (of > 0).then(|| days(value));
        let middle = |at: usize| seconds.get(at).copied().unwrap_or(0) as f64;
        let median = f64::midpoint(middle(of.saturating_sub(1) / 2), middle(of / 2));
        let mean = seconds.iter().sum::<i64>() as f64 / of.max(1) as f64;
        Self {
            median: some(median),
            mean: some(mean),
            longest: seconds.last().map(|longest| days(*longest as f64)),
            of,
        }
    }

    /// The median and the mean as cells of a table.
    pub fn cells(&self) -> [String; 2] {
        [self.median, self.mean].map(|days| days.map(|days| days.to_string()).unwrap_or_default())
    }
}

#[cfg(test)]
pub mod tests {
    use jiff::SignedDuration;
    use model::outcome::Outcome;
    use model::regulation::RegulationType;

    use super::*;

    pub fn tallied(status: Status, people: u64, outcome: Option<Outcome>) -> Tallied {
        let created_at: Timestamp = "2026-11-05T23:00:00Z".parse().expect("a time");
        Tallied {
            regulation_type: RegulationType::DeleteOnly,
            subject_count: people,
            part: None,
            status,
            created_at,
            received_at: None,
            finished_at: status.is_final().then(|| created_at + SignedDuration::from_hours(36)),
            outcome,
        }
    }

    fn erased(people: u64) -> Option<Outcome> {
        Some(Outcome { erased: people, found: people, ..Outcome::default() })
    }

    #[test]
    fn every_request_and_everybody_counts_once() {
        let mut count = Count::default();
        let nowhere = Some(Outcome { not_found: 3, ..Outcome::default() });
        let accepted = Some(Outcome { accepted: 2, accepted_at: 1, ..Outcome::default() });
        // Two people, of whom one could not be looked for at another vendor.
        let mixed = Some(Outcome {
            unreached: 1,
            accepted: 1,
            accepted_at: 1,
            unreached_at: 1,
            ..Outcome::default()
        });
        let failed = Some(Outcome { failed: 1, failed_at: 1, found: 1, ..Outcome::default() });
        let objects = serde_json::json!({ "sourceId": "crm", "collection": "charges" });
        for one in [
            tallied(Status::Finished, 1, erased(1)),
            tallied(Status::Finished, 3, nowhere),
            tallied(Status::Finished, 2, accepted),
            tallied(Status::Finished, 2, mixed),
            tallied(Status::Finished, 5, None),
            tallied(Status::PartialSuccess, 1, failed),
            tallied(Status::Failed, 4, None),
            tallied(Status::Initialized, 1, None),
            tallied(Status::Running, 1, None),
            tallied(Status::Invalid, 1, None),
            tallied(
                Status::NotSupported,
                1,
                Some(Outcome { unreached: 1, unreached_at: 1, ..Outcome::default() }),
            ),
            Tallied { regulation_type: RegulationType::Unsuppress, ..tallied(Status::Finished, 9, None) },
            Tallied { part: serde_json::from_value(objects).ok(), ..tallied(Status::Finished, 7, erased(7)) },
        ] {
            count.add(&one);
        }
        let expected = Requests {
            under_way: 2,
            finished: 5,
            accepted_only: 2,
            not_supported: 1,
            partly_failed: 1,
            failed: 1,
            cancelled: 1,
            unknown: 2,
        };
        assert_eq!((count.received, count.requests), (13, expected));
        let people = People {
            erased: 1,
            not_found: 3,
            accepted: 3,
            unreached: 2,
            failed: 5,
            unclear: 0,
            under_way: 2,
            cancelled: 1,
            nothing_to_erase: 9,
            unknown: 5,
        };
        assert_eq!(count.people, people);
        assert_eq!((count.people_named, count.objects_named), (31, 7));
        assert_eq!(count.by_type, [("DELETE_ONLY", 12), ("UNSUPPRESS", 1)].into());
        let days: Vec<_> = count.days.iter().map(|(day, of)| (day.day(), of.received, of.finished)).collect();
        assert_eq!(days, [(5, 13, 0), (7, 0, 5)], "in UTC");
        assert_eq!(count.honoured.len(), 7);
    }

    #[test]
    fn days_are_told_to_the_hundredth_and_of_nothing_there_are_none() {
        let day = 86_400;
        let of = |seconds: &[i64]| Days::of(seconds.to_vec());
        let none = of(&[]);
        assert_eq!((none.of, none.median, none.mean, none.longest), (0, None, None, None));
        let odd = of(&[9 * day, day, 2 * day]);
        assert_eq!((odd.median, odd.mean, odd.longest), (Some(2.0), Some(4.0), Some(9.0)));
        let even = of(&[day, 2 * day, 3 * day + 3_600, 10 * day]);
        assert_eq!((even.of, even.median), (4, Some(2.52)));
    }
}
