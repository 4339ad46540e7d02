//! `GET /reports/{month}`: the figures about requests to delete that 11 CCR § 7102 (California) asks a business to publish
//! each year. A month is for looking at; of the year's days, only the year itself has the median.

use std::str::FromStr;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use model::status::Status;
use serde::Serialize;
use store::Tallied;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::counting::{Days, names_objects};
use crate::csv;
use crate::error::{ApiError, Data, data};
use crate::figures::{Span, count};
use crate::headers::accepts;
use crate::request::Id;

/// A month or a year, in UTC.
pub struct Month {
    name: String,
    span: Span,
}

impl FromStr for Month {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let number = |digits: &str, length: usize| {
            let is_plain = digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit());
            is_plain.then(|| digits.parse::<i16>().ok()).flatten().filter(|number| *number > 0).ok_or(())
        };
        let (year, month, length) = match name.split_once('-') {
            Some((year, month)) => (year, number(month, 2)?, 1.month()),
            None => (name, 1, 1.year()),
        };
        let month = i8::try_from(month).map_err(drop)?;
        let first = Date::new(number(year, 4)?, month, 1).map_err(drop)?;
        let time = |day: Date| Offset::UTC.to_timestamp(day.into()).map_err(drop);
        let until = time(first.checked_add(length).map_err(drop)?)?;
        Ok(Self { name: name.to_owned(), span: Span { since: time(first)?, until } })
    }
}

/// Figures about requests to delete: those that were accepted in a month or a year.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The month or the year.
    #[schema(example = "2026-11")]
    month: String,
    since: Timestamp,
    until: Timestamp,
    /// How many there were: the sum of `complied`, `denied`, `notComplied` and `underWay`. Requests that suppress and erase
    /// nothing do not count, nor do those about objects of cloud sources.
    received: u64,
    /// Complied with in whole or in part: the sum of the next three.
    complied: u64,
    /// All that there was to erase is erased, or its vendors took the request.
    complied_in_whole: u64,
    /// In some places it failed, or could not be done.
    complied_in_part: u64,
    /// In whole or in part, which is not known: these ended before that was kept.
    complied_unknown: u64,
    /// Withdrawn before the work began. Lethe knows no other denial: what was refused elsewhere is to be added.
    denied: u64,
    /// Nothing could be done.
    not_complied: u64,
    /// Not answered yet.
    under_way: u64,
    /// How many people they name. A request may name several: if each of them asked, this is the number of requests.
    people_named: u64,
    /// Days from acceptance to the end, of those complied with or denied.
    days_to_respond: Days,
    /// Whether all requests are counted.
    complete: bool,
    /// If not: since when all are counted. There are more than can be counted in time: add up the months.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_since: Option<Timestamp>,
}

#[derive(Default)]
struct Deletions {
    received: u64,
    whole: u64,
    part: u64,
    unknown: u64,
    denied: u64,
    not_complied: u64,
    under_way: u64,
    people: u64,
    seconds: Vec<i64>,
}

impl Deletions {
    fn add(&mut self, one: &Tallied) {
        if !one.regulation_type.erases() || names_objects(one) {
            return;
        }
        self.received += 1;
        self.people += one.subject_count;
        let reached_all = one.outcome.map(|outcome| outcome.unreached_at == 0 && outcome.unreached == 0);
        let place = match (one.status, reached_all) {
            (Status::Initialized | Status::Running, _) => &mut self.under_way,
            (Status::Invalid, _) => &mut self.denied,
            (Status::Failed | Status::NotSupported, _) => &mut self.not_complied,
            (Status::PartialSuccess, _) | (Status::Finished, Some(false)) => &mut self.part,
            (Status::Finished, Some(true)) => &mut self.whole,
            (Status::Finished, None) => &mut self.unknown,
        };
        *place += 1;
        let is_answered = matches!(one.status, Status::Finished | Status::PartialSuccess | Status::Invalid);
        let answered = one.finished_at.filter(|_| is_answered);
        self.seconds.extend(answered.map(|at| one.seconds_until(at)));
    }

    fn report(self, Month { name, span }: Month, counted_since: Option<Timestamp>) -> Report {
        Report {
            month: name,
            since: span.since,
            until: span.until,
            received: self.received,
            complied: self.whole + self.part + self.unknown,
            complied_in_whole: self.whole,
            complied_in_part: self.part,
            complied_unknown: self.unknown,
            denied: self.denied,
            not_complied: self.not_complied,
            under_way: self.under_way,
            people_named: self.people,
            days_to_respond: Days::of(self.seconds),
            complete: counted_since.is_none(),
            counted_since,
        }
    }
}

/// What 11 CCR § 7102 asks to be published about requests to delete, of a month (`2026-11`) or of a year (`2026`), in UTC.
/// A client that accepts `text/csv` gets it as a table of one line.
#[utoipa::path(get, path = "/reports/{month}", operation_id = "getReport", tag = "Regulations",
    params(("month" = String, Path, pattern = "^[0-9]{4}(-(0[1-9]|1[0-2]))?$", example = "2026-11")),
    responses((status = 200, description = "The figures",
        content((Data<Report> = "application/json"), (String = "text/csv")))))]
pub async fn show(
    State(context): Shared,
    headers: HeaderMap,
    Id(month): Id<Month>,
) -> Result<Response, ApiError> {
    let mut deletions = Deletions::default();
    let counted_since = count(&context, &month.span, |one| deletions.add(one)).await?;
    let report = deletions.report(month, counted_since);
    Ok(match accepts(&headers, "text/csv") {
        true => ([(CONTENT_TYPE, "text/csv; charset=utf-8")], table(&report)).into_response(),
        false => data(report).into_response(),
    })
}

fn table(report: &Report) -> String {
    let head = [
        "month",
        "received",
        "complied",
        "compliedInWhole",
        "compliedInPart",
        "compliedUnknown",
        "denied",
        "notComplied",
        "underWay",
        "peopleNamed",
        "medianDaysToRespond",
        "meanDaysToRespond",
        "complete",
    ];
    let numbers = [
        report.received,
        report.complied,
        report.complied_in_whole,
        report.complied_in_part,
        report.complied_unknown,
        report.denied,
        report.not_complied,
        report.under_way,
        report.people_named,
    ];
    let [a, b, c, d, e, f, g, h, i] = numbers.map(|number| number.to_string());
    let ([median, mean], complete) = (report.days_to_respond.cells(), report.complete.to_string());
    csv::line(head)
        + &csv::line([&report.month, &a, &b, &c, &d, &e, &f, &g, &h, &i, &median, &mean, &complete])
}

#[cfg(test)]
mod tests {
    use model::outcome::Outcome;
    use model::regulation::RegulationType;
    use serde_json::json;

    use super::*;
    use crate::counting::tests::tallied;

    #[test]
    fn a_month_or_a_year_is_a_span_of_days() {
        let span = |name: &str| {
            name.parse::<Month>().map(|month| (month.span.since.to_string(), month.span.until.to_string()))
        };
        let of = |since: &str, until: &str| Ok((format!("{since}T00:00:00Z"), format!("{until}T00:00:00Z")));
        assert_eq!(span("2026-11"), of("2026-11-01", "2026-12-01"));
        assert_eq!(span("2024-02"), of("2024-02-01", "2024-03-01"));
        assert_eq!(span("2026-12"), of("2026-12-01", "2027-01-01"));
        assert_eq!(span("2026"), of("2026-01-01", "2027-01-01"));
        for wrong in
            ["", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "0000-01", "+026", "9999-12", "९२"]
        {
            assert_eq!(span(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn requests_to_delete_are_told_as_the_law_asks() {
        let mut deletions = Deletions::default();
        let accepted = Outcome { accepted: 1, accepted_at: 1, ..Outcome::default() };
        let unreached = Outcome { unreached: 1, unreached_at: 1, ..Outcome::default() };
        for one in [
            tallied(Status::Finished, 1, Some(Outcome { erased: 1, ..Outcome::default() })),
            tallied(Status::Finished, 1, Some(accepted)),
            tallied(Status::Finished, 1, Some(unreached)),
            tallied(Status::Finished, 1, None),
            tallied(Status::PartialSuccess, 2, None),
            tallied(Status::Invalid, 1, None),
            tallied(Status::Failed, 1, None),
            tallied(Status::NotSupported, 1, Some(unreached)),
            tallied(Status::Running, 1, None),
            Tallied { regulation_type: RegulationType::SuppressOnly, ..tallied(Status::Finished, 1, None) },
        ] {
            deletions.add(&one);
        }
        let month = "2026-11".parse().expect("a month");
        let report = deletions.report(month, None);
        let line = table(&report);
        assert!(line.ends_with("\"2026-11\",\"9\",\"5\",\"2\",\"2\",\"1\",\"1\",\"2\",\"1\",\"10\",\"1.5\",\"1.5\",\"true\"\r\n"), "{line}");
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["daysToRespond"], json!({ "of": 6, "median": 1.5, "mean": 1.5, "longest": 1.5 }));
        let sum = report.complied + report.denied + report.not_complied + report.under_way;
        assert_eq!(sum, report.received);
    }
}
