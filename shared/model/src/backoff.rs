//! How long to wait before the next try: every policy in one table. Pure.

use std::time::Duration;

/// Waits that grow with each failed try: `first`, then `factor` times the one before, at most `longest`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    first: Duration,
    factor: f64,
    longest: Duration,
}

/// A task whose warehouse or vendor cannot be reached: soon at first, and at least once a day.
pub const TASK: Backoff = Backoff::seconds(2, 2.0, 21_600);
/// A vendor's rate limit, if the vendor does not say how long it lasts.
pub const RATE_LIMIT: Backoff = Backoff::seconds(1, 2.0, 60);
/// A warehouse's statement that runs longer than an invocation.
pub const STATEMENT: Backoff = Backoff::seconds(10, 2.0, 300);
/// A regulation whose rows another one deletes. It looks again after about a quarter of the time it has waited: an
/// execution may have 25,000 events, and each look takes some.
pub const FOLLOWER: Backoff = Backoff::seconds(2, 1.25, 300);
/// A message of the batch queue while something that it needs is unavailable.
pub const REDELIVERY: Backoff = Backoff::seconds(30, 2.0, 3_600);
/// Events while the tracking API that they are sent on to is unavailable.
pub const UPSTREAM: Backoff = Backoff::seconds(2, 2.0, 900);
/// A statement that is polled within an invocation.
pub const POLL: Backoff = Backoff::milliseconds(100, 2.0, 2_000);
/// An archive object, once S3's client has used up its own retries.
pub const OBJECT: Backoff = Backoff::milliseconds(200, 2.0, 2_000);

impl Backoff {
    const fn seconds(first: u64, factor: f64, longest: u64) -> Self {
        Self { first: Duration::from_secs(first), factor, longest: Duration::from_secs(longest) }
    }

    const fn milliseconds(first: u64, factor: f64, longest: u64) -> Self {
        Self { first: Duration::from_millis(first), factor, longest: Duration::from_millis(longest) }
    }

    /// How long to wait after this many failed tries; 0 counts as 1.
    pub fn after(&self, tries: u32) -> Duration {
        let growth = self.factor.powf(tries.saturating_sub(1).into());
        let wait = (self.first.as_secs_f64() * growth).min(self.longest.as_secs_f64());
        Duration::from_secs_f64(wait)
    }

    /// As [`Backoff::after`], in whole seconds.
    pub fn seconds_after(&self, tries: u32) -> u32 {
        u32::try_from(self.after(tries).as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_grows_from_its_first_wait_to_its_longest() {
        for (policy, tries, seconds) in [
            (TASK, [1, 2, 3, 16, 17, 500], [2, 4, 8, 21_600, 21_600, 21_600]),
            (RATE_LIMIT, [0, 1, 2, 3, 4, 99], [1, 1, 2, 4, 8, 60]),
            (STATEMENT, [1, 2, 3, 5, 6, 99], [10, 20, 40, 160, 300, 300]),
            (FOLLOWER, [1, 2, 3, 10, 24, u32::MAX], [2, 2, 3, 14, 300, 300]),
            (REDELIVERY, [0, 1, 2, 7, 8, 99], [30, 30, 60, 1_920, 3_600, 3_600]),
            (UPSTREAM, [0, 1, 2, 9, 10, 99], [2, 2, 4, 512, 900, 900]),
        ] {
            assert_eq!(tries.map(|tries| policy.seconds_after(tries)), seconds, "{policy:?}");
        }
        for (policy, milliseconds) in
            [(POLL, [100, 200, 400, 1_600, 2_000]), (OBJECT, [200, 400, 800, 2_000, 2_000])]
        {
            let waits = [1, 2, 3, 5, 60].map(|tries| policy.after(tries).as_millis());
            assert_eq!(waits, milliseconds, "{policy:?}");
        }
    }
}
