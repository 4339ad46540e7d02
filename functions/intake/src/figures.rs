//! `GET /figures`: what an overview needs, over all regulations of a period.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lambda::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::counting::{Count, Days, OfDay, People, Requests, day_of};
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Period, invalid};

/// How long it may count: a client waits, and API Gateway waits for 29 seconds.
const TIME_TO_COUNT: Duration = Duration::from_secs(15);

/// The period, if the call names none, and the longest, in days.
const DEFAULT_DAYS: i64 = 30;
const MAX_DAYS: i64 = 400;

/// Figures of a period.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    since: Timestamp,
    until: Timestamp,
    /// Number of regulations that were accepted in the period: the sum of `underWay`, `finished`, `acceptedOnly`,
    /// `notSupported`, `partlyFailed`, `failed` and `cancelled`.
    received: u64,
    #[serde(flatten)]
    requests: Requests,
    /// Number of people whom they name: the sum of `people`. Somebody whom two requests name counts twice.
    people_named: u64,
    /// Number of objects of cloud sources that they name.
    objects_named: u64,
    people: People,
    /// Number of regulations by type.
    #[schema(value_type = BTreeMap<String, u64>)]
    by_type: BTreeMap<&'static str, u64>,
    /// Days from the person's request to the end of the work, of those that are `finished` or `acceptedOnly`. A vendor that
    /// only accepted may take longer.
    days_to_honour: Days,
    /// Every day of the period, in UTC.
    per_day: Vec<Day>,
    /// Whether all regulations of the period are counted.
    complete: bool,
    /// If not: since when all are counted. There are more than can be counted in time: ask for shorter periods.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_since: Option<Timestamp>,
}

/// A day of a period.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Day {
    #[schema(value_type = String, format = Date, example = "2026-11-05")]
    day: Date,
    /// How many regulations were accepted on it.
    received: u64,
    /// How many of the period's regulations became `finished` on it.
    finished: u64,
    /// How many of them became `acceptedOnly` on it.
    accepted_only: u64,
}

/// A period with a beginning and an end: the last 30 days, unless the call says otherwise.
pub struct Span {
    pub since: Timestamp,
    pub until: Timestamp,
}

impl FromRequestParts<Arc<Context>> for Span {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        Self::of(Period::from_request_parts(parts, context).await?, clock::now())
    }
}

impl Span {
    fn of(period: Period, now: Timestamp) -> Result<Self, ApiError> {
        let days = |days: i64| SignedDuration::from_hours(days * 24);
        let until = period.until.unwrap_or(now);
        let since = match period.since {
            Some(since) => since,
            None => until.saturating_sub(days(DEFAULT_DAYS)).unwrap_or(Timestamp::MIN),
        };
        if until < since {
            return Err(invalid("since", "since is after until".to_owned()));
        }
        if until.duration_since(since) > days(MAX_DAYS) {
            return Err(invalid("since", format!("since is more than {MAX_DAYS} days before until")));
        }
        Ok(Self { since, until })
    }
}

/// Hands over the regulations of a period. Returns since when all are handed over, if there were more than time.
pub async fn count(
    context: &Context,
    span: &Span,
    mut take: impl FnMut(&store::Tallied),
) -> Result<Option<Timestamp>, ApiError> {
    let stop = Instant::now() + TIME_TO_COUNT;
    Ok(context.store.tally(span.since, span.until, stop, |one| take(&one)).await?)
}

/// Figures over all regulations that were accepted in a period of at most 400 days: the last 30, if it is not said. A
/// regulation whose vendor only accepted is not `finished`, and somebody who was found nowhere is not `erased`.
#[utoipa::path(get, path = "/figures", operation_id = "getFigures", tag = "Regulations", params(Period),
    responses((status = 200, description = "The figures", body = Data<Figures>)))]
pub async fn show(State(context): Shared, span: Span) -> Reply<Figures> {
    let mut counted = Count::default();
    let counted_since = count(&context, &span, |one| counted.add(one)).await?;
    Ok(data(Figures::of(&span, counted, counted_since)))
}

impl Figures {
    fn of(span: &Span, counted: Count, counted_since: Option<Timestamp>) -> Self {
        let last = span.until.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(span.until);
        let mut days: BTreeMap<Date, OfDay> = BTreeMap::new();
        let within = day_of(span.since)..=day_of(last.max(span.since));
        for day in within.start().series(jiff::Span::new().days(1)).take_while(|day| within.contains(day)) {
            days.insert(day, counted.days.get(&day).copied().unwrap_or_default());
        }
        Self {
            since: span.since,
            until: span.until,
            received: counted.received,
            requests: counted.requests,
            people_named: counted.people_named,
            objects_named: counted.objects_named,
            people: counted.people,
            by_type: counted.by_type,
            days_to_honour: Days::of(counted.honoured),
            per_day: days
                .into_iter()
                .map(|(day, OfDay { received, finished, accepted_only })| Day {
                    day,
                    received,
                    finished,
                    accepted_only,
                })
                .collect(),
            complete: counted_since.is_none(),
            counted_since,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::status::Status;
    use serde_json::{Value, json};

    use super::*;
    use crate::counting::tests::tallied;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_period_is_thirty_days_unless_it_is_said_and_no_longer_than_can_be_counted() {
        let now = at("2026-11-29T12:00:00Z");
        let span = |since: Option<&str>, until: Option<&str>| {
            Span::of(Period { since: since.map(at), until: until.map(at) }, now)
        };
        let default = span(None, None).expect("a period");
        assert_eq!((default.since, default.until), (at("2026-10-30T12:00:00Z"), now));
        let earlier = span(None, Some("2026-03-31T00:00:00Z")).expect("a period");
        assert_eq!(earlier.since, at("2026-03-01T00:00:00Z"));
        for since in ["2025-10-24T00:00:00Z", "2026-12-01T00:00:00Z"] {
            assert!(span(Some(since), None).is_err(), "{since}");
        }
        assert!(span(Some("2025-10-26T00:00:00Z"), None).is_ok());
    }

    #[test]
    fn figures_name_every_day_and_say_what_is_not_counted() {
        let mut count = Count::default();
        count.add(&tallied(Status::Finished, 2, None));
        let span = Span { since: at("2026-11-05T00:00:00Z"), until: at("2026-11-08T00:00:00Z") };
        let figures = serde_json::to_value(Figures::of(&span, count, None)).expect("JSON");
        let days: Vec<&Value> = figures["perDay"].as_array().into_iter().flatten().collect();
        assert_eq!(days.len(), 3, "{figures}");
        assert_eq!(*days[0], json!({ "day": "2026-11-05", "received": 1, "finished": 0, "acceptedOnly": 0 }));
        assert_eq!(*days[2], json!({ "day": "2026-11-07", "received": 0, "finished": 1, "acceptedOnly": 0 }));
        assert_eq!(
            (&figures["finished"], &figures["unknown"], &figures["complete"]),
            (&json!(1), &json!(1), &json!(true))
        );
        assert_eq!(figures["daysToHonour"], json!({ "of": 1, "median": 1.5, "mean": 1.5, "longest": 1.5 }));
        let cut = Figures::of(&span, Count::default(), Some(span.since));
        let cut = serde_json::to_value(cut).expect("JSON");
        assert_eq!((&cut["complete"], &cut["countedSince"]), (&json!(false), &json!("2026-11-05T00:00:00Z")));
        assert_eq!(cut["daysToHonour"]["median"], Value::Null);
    }
}
