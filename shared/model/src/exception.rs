//! Exceptions: an administrator's word that objects of an archive that nobody can read fail no regulation, until a day.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::{Failure, Result};
use crate::id::ExceptionId;
use crate::keys::{MAX_LENGTH, fits};
use crate::name::reads_as_stored;

/// The longest reason, in bytes.
const MAX_REASON: usize = 500;
/// The longest an exception may last.
const MAX_DAYS: i64 = 366;

/// Why nobody can tell whom an object holds. No other residual can be excepted: the others hold a subject, or pass by
/// themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unreadable {
    /// It breaks the rules of its own format.
    Corrupt,
    /// It is of no known format.
    Unsupported,
    /// Records in it hold a value in an identifier's place that cannot be compared.
    Opaque,
    /// Lethe may not read it.
    Denied,
    /// It is in cold storage.
    Cold,
}

/// An exception of an archive, as it is kept. One that has ended is kept, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// The objects: a key, or a pattern of keys in which `*` stands for any characters and `?` for one.
    pub keys: String,
    /// What the objects are left for; what is left for anything else is not excepted.
    pub kind: Unreadable,
    /// Why they may stay.
    pub reason: String,
    /// The caller who made it: a token's id, or `admin` for the token made at deployment.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, unless somebody ends it before.
    pub until: Timestamp,
    /// When somebody ended it, if that was before `until`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<Timestamp>,
    /// The caller who ended it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_by: Option<String>,
}

impl Exception {
    /// Whether it is in force.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        now < self.until && self.ended_at.is_none_or(|ended| now < ended)
    }

    /// Whether it covers an object that is left for this.
    pub fn covers(&self, key: &str, kind: Unreadable, now: Timestamp) -> bool {
        self.is_in_force(now) && self.kind == kind && fits(&self.keys, key)
    }
}

/// What an exception covered, as evidence and certificates say it. It names no key, since people may be named in keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Covered {
    /// The exception's id.
    pub id: ExceptionId,
    /// What the objects were left for.
    pub kind: Unreadable,
    /// Why they may stay.
    pub reason: String,
    /// The caller who made the exception.
    pub created_by: String,
    /// When it ends.
    pub until: Timestamp,
    /// Number of objects that it covered.
    pub objects: u64,
}

impl From<&Exception> for Covered {
    fn from(exception: &Exception) -> Self {
        let Exception { id, kind, reason, created_by, until, .. } = exception.clone();
        Self { id, kind, reason, created_by, until, objects: 0 }
    }
}

/// The body of `POST /destinations/{id}/exceptions`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "keys": "raw/*.orc", "kind": "unsupported", "reason": "daily sums, no user ids", "until": "2027-06-30T00:00:00Z"
}))]
pub struct NewException {
    /// The objects: a key, or a pattern of keys in which `*` stands for any characters and `?` for one.
    #[schema(min_length = 1, max_length = 1024)]
    keys: String,
    /// What the objects are left for, as evidence names it.
    kind: Unreadable,
    /// Why they may stay. Names no person.
    #[schema(max_length = 500, pattern = r"\S")]
    reason: String,
    /// When it ends: within 366 days.
    until: Timestamp,
}

impl NewException {
    /// Checks the request and makes the exception.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(self, caller: &str, now: Timestamp) -> Result<Exception> {
        let Self { keys, kind, reason, until } = self;
        if keys.is_empty() || keys.len() > MAX_LENGTH {
            return Err(Failure::invalid("keys must have 1 to 1024 bytes").field("keys"));
        }
        if keys.starts_with("s3://") {
            return Err(
                Failure::invalid("keys begin behind the bucket: leave out s3://bucket/").field("keys")
            );
        }
        if reason.trim().is_empty() || reason.len() > MAX_REASON {
            return Err(Failure::invalid("reason must have 1 to 500 bytes").field("reason"));
        }
        for (field, text) in [("keys", &keys), ("reason", &reason)] {
            if !reads_as_stored(text) {
                let message = format!(
                    "{field} must not have control characters, line breaks or characters that change the writing direction"
                );
                return Err(Failure::invalid(message).field(field));
            }
        }
        if until <= now || until > now + SignedDuration::from_hours(24 * MAX_DAYS) {
            return Err(Failure::invalid("until must be within the next 366 days").field("until"));
        }
        let (id, created_by) = (ExceptionId::new(), caller.to_owned());
        Ok(Exception {
            id,
            keys,
            kind,
            reason,
            created_by,
            created_at: now,
            until,
            ended_at: None,
            ended_by: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    fn accept(change: Value) -> Result<Exception> {
        let mut body =
            json!({ "keys": "raw/*.orc", "kind": "unsupported", "reason": "sums", "until": at(9) });
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        serde_json::from_value::<NewException>(body).expect("a request").accept("admin", at(0))
    }

    #[test]
    fn it_covers_its_keys_for_its_kind_until_its_end() {
        let exception = accept(json!({})).expect("good");
        for (key, kind, day, covered) in [
            ("raw/a.orc", Unreadable::Unsupported, 8, true),
            ("raw/a.orc", Unreadable::Unsupported, 9, false),
            ("raw/a.orc", Unreadable::Corrupt, 8, false),
            ("raw/a.json", Unreadable::Unsupported, 8, false),
        ] {
            assert_eq!(exception.covers(key, kind, at(day)), covered, "{key} {kind:?} {day}");
        }
        let ended = Exception { ended_at: Some(at(5)), ..exception };
        assert_eq!([4, 5, 8].map(|day| ended.is_in_force(at(day))), [true, false, false]);
    }

    #[test]
    fn what_does_not_fit_names_its_field() {
        for (field, wrong) in [
            ("keys", json!("")),
            ("keys", json!("x".repeat(1025))),
            ("keys", json!("s3://events/raw/a.orc")),
            ("keys", json!("raw/\u{202e}cro.a")),
            ("keys", json!("raw/\u{85}*")),
            ("reason", json!(" ")),
            ("reason", json!("x".repeat(501))),
            ("reason", json!("sums\nCONFIRMED")),
            ("reason", json!("a\u{9b}31m")),
            ("reason", json!("a\u{2066}b")),
            ("until", json!(at(0))),
            ("until", json!(at(367))),
        ] {
            let failure = accept(json!({ field: wrong })).expect_err(field);
            assert_eq!(failure.field, Some(field), "{failure}");
        }
    }
}
