//! Events on their way to another tracking API.

use sha2::{Digest, Sha256};

use super::Event;
use super::fields::Fields;

/// How many lanes a source has.
pub const LANES: u8 = 16;

impl Event {
    /// The lane in which it travels: one person's events are in one, in the order in which they came. Whose they are is the
    /// user's, as far as it is known, and otherwise the device's.
    pub fn lane(&self) -> u8 {
        let known = self.user.as_ref().or(self.anonymous.as_ref()).map(|subject| &subject.id);
        let whose = known.or(self.previous.as_ref()).map(String::as_str).unwrap_or_default();
        Sha256::digest(whose)[0] % LANES
    }

    /// The event as a client sends it. Its time is right already: the receiver finds no other clock to correct it by.
    ///
    /// # Errors
    /// If its line is not one that [`super::read`] made.
    pub fn resent(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut fields: Fields<'_> = serde_json::from_slice(&self.line)?;
        if let Some(happened) = fields.text("timestamp") {
            fields.set("originalTimestamp", &happened);
        }
        ["receivedAt", "sentAt"].into_iter().for_each(|name| fields.remove(name));
        Ok(fields.line())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::tracking::{Call, read};

    #[test]
    fn a_person_keeps_to_one_lane_and_many_people_take_all() {
        let now = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
        let lane = |n: usize, device: &str| {
            let body =
                format!(r#"{{"batch": [{{"type": "page", "userId": "u{n}", "anonymousId": "{device}"}}]}}"#);
            read(Call::Batch, body.as_bytes(), now).expect("a body").events[0].lane()
        };
        let lanes: std::collections::BTreeSet<u8> = (0..2_000).map(|n| lane(n, "a")).collect();
        assert_eq!(lanes.len(), usize::from(super::LANES));
        assert!((0..50).all(|n| lane(n, "a") == lane(n, "b")));
    }

    #[test]
    fn what_is_sent_on_says_the_corrected_time_alone() {
        let now = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
        let body =
            br#"{"sentAt": "1970-01-01T00:00:10Z", "batch": [{"type": "page", "userId": "u", "n": 0.10,
            "timestamp": "1970-01-01T00:00:05Z"}]}"#;
        let event = read(Call::Batch, body, now).expect("a body").events.remove(0);
        let sent = event.resent().expect("a line");
        assert!(String::from_utf8_lossy(&sent).contains("0.10"), "as it was written");
        let sent: Value = serde_json::from_slice(&sent).expect("JSON");
        for name in ["timestamp", "originalTimestamp"] {
            assert_eq!(sent[name], "2026-11-24T19:59:55.000Z");
        }
        assert!(sent["sentAt"].is_null() && sent["receivedAt"].is_null());
        assert_eq!(sent["messageId"], event.message_id.as_str());
    }
}
