//! A vendor's id of a request, kept as a note so that a later turn can ask for its status.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Ask, Step};
use model::failure::{Failure, Result};

/// The longest wait for a vendor, in days: the law gives it one month, or two.
const MAX_DAYS: i64 = 60;

/// The vendor's id of a request and when the request was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The vendor's id of the request.
    pub ticket: String,
    since: Timestamp,
}

impl Ticket {
    /// The ticket that was noted, if the vendor gave one.
    pub fn noted(ask: &Ask<'_>) -> Option<Self> {
        serde_json::from_value(ask.note.clone()).ok()
    }

    /// Notes a ticket, to come back later.
    pub fn take(ask: &Ask<'_>, ticket: &str) -> Step {
        Step::Wait(json!({ "ticket": ticket, "since": ask.now }))
    }

    /// The same as a value, for a note that holds more.
    pub fn new(ask: &Ask<'_>, ticket: &str) -> Self {
        Self { ticket: ticket.to_owned(), since: ask.now }
    }

    /// Waits for a vendor that is still at work.
    ///
    /// # Errors
    /// `Permanent`, after [`MAX_DAYS`] days.
    pub fn wait(&self, ask: &Ask<'_>, vendor: &str) -> Result<Step> {
        self.in_time(ask, vendor)?;
        Ok(Step::Wait(ask.note.clone()))
    }

    /// Whether the vendor may still be at work.
    ///
    /// # Errors
    /// `Permanent`, after [`MAX_DAYS`] days.
    pub fn in_time(&self, ask: &Ask<'_>, vendor: &str) -> Result<()> {
        if ask.now.duration_since(self.since) > SignedDuration::from_hours(24 * MAX_DAYS) {
            return Err(Failure::permanent(format!(
                "{vendor} has not finished within {MAX_DAYS} days: ask its support for request {}, then retry",
                self.ticket
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::{Map, Value};

    use super::*;
    use model::destination::Secrets;
    use model::subject::Subject;

    #[test]
    fn a_vendor_that_never_ends_is_given_up_with_advice() {
        let (settings, secrets) = (Map::new(), Secrets::default());
        let person = vec![Subject::user("u1")];
        let ask = |note: &Value, day: i64| {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day);
            let ask = Ask {
                people: slice::from_ref(&person),
                settings: &settings,
                secrets: &secrets,
                note,
                replies: &[],
                now,
                key: "",
            };
            match Ticket::noted(&ask) {
                None => Ok(Ticket::take(&ask, "t1")),
                Some(ticket) => ticket.wait(&ask, "X"),
            }
        };
        let Ok(Step::Wait(note)) = ask(&Value::Null, 0) else { panic!("a note") };
        assert_eq!(ask(&note, 60), Ok(Step::Wait(note.clone())), "the first day is kept");
        let failure = ask(&note, 61).expect_err("too long");
        assert!(!failure.is_transient() && failure.public.contains("t1"), "{failure}");
    }
}
