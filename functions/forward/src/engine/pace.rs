//! When the next call may be sent: one queue of slots per credential, shared by all invocations.
//!
//! Slots are one interval apart. They are reserved in the store, several at once where they are close together, and waited
//! for here. A slot that was missed is given up, so that a late call is never too close to the next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Mutex;

use destinations::cloud::Limits;
use model::failure::Result;
use store::{Slots, Store};

/// Calls travel unevenly: the first one also opens the connection. We stretch the vendor's time span by this factor.
const JITTER: Duration = Duration::from_millis(300);

/// A slot missed by more than this is given up; less is within the network's jitter.
const LATE: Duration = Duration::from_millis(50);

/// The span of time for which slots are reserved at once.
const AHEAD: Duration = Duration::from_millis(200);

/// How far ahead a slot may be; later ones are left to a later invocation.
const HORIZON: Duration = Duration::from_secs(20);

/// How long after the end of the turn a slot may be, so that a batch under way can finish.
const GRACE: Duration = Duration::from_secs(3);

/// Hands out slots.
#[derive(Debug, Default)]
pub(super) struct Pace {
    store: Option<Store>,
    lines: Mutex<HashMap<String, Arc<Mutex<Line>>>>,
}

/// What this process knows of the slots of a credential, in microseconds since 1970.
#[derive(Debug, Default)]
struct Line {
    next: i64,
    left: i64,
    /// Until when the line is free of reservations; used where there is no store.
    free: i64,
}

impl Pace {
    /// Slots shared through a store; without one, among the users of this value.
    pub(super) fn new(store: Option<Store>) -> Self {
        Self { store, lines: Mutex::default() }
    }

    /// Waits for the next slot of a credential. If that takes too long, it returns at once with the seconds to wait.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub(super) async fn slot(
        &self,
        credential: &str,
        limits: &Limits,
        until: Instant,
    ) -> Result<Result<(), u32>> {
        let interval = interval(limits);
        let horizon = HORIZON.min(until.saturating_duration_since(Instant::now()) + GRACE);
        let line = self.line(credential).await;
        loop {
            let slot = {
                let mut line = line.lock().await;
                if line.left == 0 || line.next + micros(LATE) < now() {
                    let count = (micros(AHEAD) / interval).max(1);
                    match self.reserve(credential, interval * count, horizon, &mut line).await? {
                        Slots::From(first) => (line.next, line.left) = (first, count),
                        Slots::NotBefore(free) => {
                            return Ok(Err(u32::try_from((free - now()) / 1_000_000 + 1).unwrap_or(1)));
                        }
                    }
                }
                line.left -= 1;
                line.next += interval;
                line.next - interval
            };
            tokio::time::sleep(Duration::from_micros(u64::try_from(slot - now()).unwrap_or(0))).await;
            if now() <= slot + micros(LATE) {
                return Ok(Ok(()));
            }
        }
    }

    /// Blocks a credential for so many seconds.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub(super) async fn hold(&self, credential: &str, seconds: u32) -> Result<()> {
        let until = now() + i64::from(seconds) * 1_000_000;
        let line = self.line(credential).await;
        let mut line = line.lock().await;
        line.left = 0;
        line.free = line.free.max(until);
        match &self.store {
            Some(store) => store.hold_slots(credential, until).await,
            None => Ok(()),
        }
    }

    async fn line(&self, credential: &str) -> Arc<Mutex<Line>> {
        self.lines.lock().await.entry(credential.to_owned()).or_default().clone()
    }

    async fn reserve(
        &self,
        credential: &str,
        span: i64,
        horizon: Duration,
        line: &mut Line,
    ) -> Result<Slots> {
        let (now, horizon) = (now(), now() + micros(horizon));
        if let Some(store) = &self.store {
            return store.reserve_slots(credential, now, span, horizon).await;
        }
        let first = line.free.max(now);
        if first > horizon {
            return Ok(Slots::NotBefore(first));
        }
        line.free = first + span;
        Ok(Slots::From(first))
    }
}

/// The time between two calls, in microseconds.
fn interval(limits: &Limits) -> i64 {
    (micros(limits.per + JITTER) / i64::from(limits.calls.max(1))).max(1)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_credential_that_is_held_is_left_to_a_later_invocation() {
        let (pace, until) = (Pace::default(), Instant::now() + Duration::from_secs(60));
        let limits = Limits { batch: 1, calls: 100, per: Duration::from_secs(1), at_once: 1 };
        assert_eq!(pace.slot("k", &limits, until).await, Ok(Ok(())));
        pace.hold("k", 3_600).await.expect("held");
        let wait = pace.slot("k", &limits, until).await.expect("no failure").expect_err("too long");
        assert!((3_590..=3_601).contains(&wait), "{wait}");
        assert_eq!(pace.slot("another", &limits, until).await, Ok(Ok(())));
    }

    #[test]
    fn the_rate_stays_below_the_vendors() {
        let limits = Limits { batch: 100, calls: 1, per: Duration::from_secs(1), at_once: 1 };
        assert_eq!(interval(&limits), 1_300_000);
        let limits = Limits { calls: 20_000, per: Duration::from_secs(60), ..limits };
        assert_eq!(interval(&limits), 3_015);
    }
}
