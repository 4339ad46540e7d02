//! How long a law leaves to answer a person who asks to be erased: calendar arithmetic in UTC, and nothing else.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::{Failure, Result};

/// The law by which a person's request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Law {
    /// The GDPR of the European Union, and that of the United Kingdom. [Art. 12(3)](https://eur-lex.europa.eu/eli/reg/2016/679/oj):
    /// "within one month of receipt of the request. That period may be extended by two further months where necessary".
    /// Months are those of the calendar, from the day of receipt; where the month has no such day, its last one counts.
    Gdpr,
    /// The CCPA of California. [11 CCR § 7021](https://www.law.cornell.edu/regulations/california/11-CCR-7021)(b): 45
    /// calendar days from receipt, and if more time is needed, "a maximum total of 90 calendar days" from it.
    Ccpa,
    /// Another, or a promise of the company's own: a number of days, and as many again if it is extended.
    Other,
}

impl Law {
    /// The law of this name: one that needs no number of days.
    ///
    /// # Errors
    /// `Invalid`, if it is another name.
    pub fn by_default(name: &str) -> Result<Self> {
        match name {
            "GDPR" => Ok(Self::Gdpr),
            "CCPA" => Ok(Self::Ccpa),
            _ => Err(Failure::invalid("the law must be GDPR or CCPA, unless a request says how many days")),
        }
    }

    /// When a request that was received at this time must be answered. `days` are those of [`Law::Other`].
    pub fn due(self, received: Timestamp, days: u16) -> Timestamp {
        after(received, self.span(days, 1))
    }

    /// When it must be answered if that is extended. Counted from the receipt, too: no day is lost in a short month.
    pub fn extended(self, received: Timestamp, days: u16) -> Timestamp {
        after(received, self.span(days, if self == Self::Gdpr { 3 } else { 2 }))
    }

    fn span(self, days: u16, times: i64) -> Span {
        match self {
            Self::Gdpr => Span::new().months(times),
            Self::Ccpa => Span::new().days(45 * times),
            Self::Other => Span::new().days(i64::from(days) * times),
        }
    }
}

/// The whole second that is so much after a time, or the last one before it: deadlines sort as texts.
fn after(time: Timestamp, span: Span) -> Timestamp {
    let end = TimeZone::UTC.to_datetime(time).checked_add(span);
    let end = end.and_then(|end| TimeZone::UTC.to_timestamp(end)).unwrap_or(Timestamp::MAX);
    Timestamp::from_second(end.as_second()).unwrap_or(end)
}

/// Whole days from one time to another, rounded down: 0 on the last day, negative after it.
pub fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    let days = (to.as_nanosecond() - from.as_nanosecond()).div_euclid(DAY);
    i64::try_from(days).unwrap_or(i64::MAX)
}

/// A day, in nanoseconds.
const DAY: i128 = 86_400_000_000_000;

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_period_ends_by_the_calendar() {
        for (law, received, due, extended) in [
            (Law::Gdpr, "2026-11-29T10:00:00Z", "2026-12-29T10:00:00Z", "2027-02-28T10:00:00Z"),
            (Law::Gdpr, "2026-01-31T23:59:59.9Z", "2026-02-28T23:59:59Z", "2026-04-30T23:59:59Z"),
            (Law::Gdpr, "2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-04-30T00:00:00Z"),
            (Law::Gdpr, "2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"),
            (Law::Ccpa, "2026-01-01T00:00:00Z", "2026-02-15T00:00:00Z", "2026-04-01T00:00:00Z"),
            (Law::Other, "2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z", "2026-01-21T00:00:00Z"),
        ] {
            assert_eq!(law.due(at(received), 10), at(due), "{law:?} {received}");
            assert_eq!(law.extended(at(received), 10), at(extended), "{law:?} {received}");
        }
    }

    #[test]
    fn days_left_are_whole_and_negative_once_it_is_overdue() {
        let due = at("2026-03-01T12:00:00Z");
        for (now, left) in [
            ("2026-02-27T12:00:00Z", 2),
            ("2026-02-27T12:00:01Z", 1),
            ("2026-03-01T11:59:59Z", 0),
            ("2026-03-01T12:00:00Z", 0),
            ("2026-03-01T12:00:00.5Z", -1),
            ("2026-03-01T12:00:01Z", -1),
            ("2026-03-02T12:00:01Z", -2),
        ] {
            assert_eq!(days_between(at(now), due), left, "{now}");
        }
    }

    #[test]
    fn a_law_without_its_days_is_no_default() {
        assert_eq!(Law::by_default("CCPA").expect("known"), Law::Ccpa);
        assert!(["OTHER", "gdpr", ""].into_iter().all(|name| Law::by_default(name).is_err()));
    }

    fn date(time: Timestamp) -> Date {
        TimeZone::UTC.to_datetime(time).date()
    }

    proptest! {
        /// A period ends in the month that is meant, on the same day or that month's last, at the same time of day; an
        /// extension ends later, and a later request no earlier.
        #[test]
        fn months_and_days_are_those_of_the_calendar(
            second in 0_i64..4_000_000_000,
            nanosecond in 0_i32..1_000_000_000,
            later in 0_i64..100_000_000,
            days in 1_u16..=365,
        ) {
            let received = Timestamp::new(second, nanosecond).expect("in range");
            for (law, months) in [(Law::Gdpr, [1, 3]), (Law::Ccpa, [0, 0]), (Law::Other, [0, 0])] {
                let ends = [law.due(received, days), law.extended(received, days)];
                prop_assert!(received < ends[0] && ends[0] < ends[1]);
                for (end, months) in ends.into_iter().zip(months) {
                    prop_assert_eq!(end.subsec_nanosecond(), 0);
                    prop_assert_eq!(end.as_second().rem_euclid(86_400), second.rem_euclid(86_400));
                    if law == Law::Gdpr {
                        let (from, to) = (date(received), date(end));
                        let month = i32::from(from.year()) * 12 + i32::from(from.month()) + months;
                        prop_assert_eq!(i32::from(to.year()) * 12 + i32::from(to.month()), month);
                        prop_assert_eq!(to.day(), from.day().min(to.days_in_month()));
                    }
                }
                let another = received + SignedDuration::from_secs(later);
                prop_assert!(law.due(another, days) >= ends[0] && law.extended(another, days) >= ends[1]);
            }
            let span = |law: Law| days_between(received, law.extended(received, days) + SignedDuration::from_secs(1));
            prop_assert_eq!((span(Law::Ccpa), span(Law::Other)), (90, 2 * i64::from(days)));
        }
    }
}
