//! The time. A debug build, and no other, lets a test set it: `CLOCK_SKEW` makes a function's clock wrong by that many
//! seconds, and [`simulate`] replaces it on one thread.

use std::time::Duration;

use jiff::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    #[cfg(debug_assertions)]
    return told::now();
    #[cfg(not(debug_assertions))]
    Timestamp::now()
}

/// Waits. Under a simulated clock it only moves that clock on.
pub async fn sleep(duration: Duration) {
    #[cfg(debug_assertions)]
    if told::advance(duration) {
        return;
    }
    tokio::time::sleep(duration).await;
}

/// Waits for a random part of a time, so that those who wait do not come back at the same moment.
pub async fn pause_of(longest: Duration) {
    let nanos = now().subsec_nanosecond().unsigned_abs();
    sleep(longest.mul_f64(f64::from(nanos % 1_000) / 1_000.0)).await;
}

/// Ticks each time a period has passed. Under a simulated clock it wakes nobody, but ticks when it is next looked at.
pub struct Ticks {
    period: Duration,
    next: Timestamp,
}

impl Ticks {
    /// Ticks for the first time when a first period has passed.
    pub fn every(period: Duration) -> Self {
        Self { period, next: now() + period }
    }

    /// Waits for the next tick, which comes though the wait is given up and begun again.
    pub async fn tick(&mut self) {
        #[cfg(debug_assertions)]
        if told::is_before(self.next) {
            return std::future::pending().await;
        }
        let left = Duration::try_from(self.next.duration_since(now())).unwrap_or_default();
        if !left.is_zero() {
            tokio::time::sleep(left.min(self.period)).await;
        }
        self.next = now() + self.period;
    }
}

#[cfg(debug_assertions)]
pub use told::simulate;

#[cfg(debug_assertions)]
mod told {
    use std::cell::Cell;
    use std::sync::OnceLock;
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    thread_local! {
        static SIMULATED: Cell<Option<Timestamp>> = const { Cell::new(None) };
    }

    static SKEW: OnceLock<SignedDuration> = OnceLock::new();

    /// From now on it is `now` on this thread. Each look at the clock takes a microsecond.
    pub fn simulate(now: Timestamp) {
        SIMULATED.set(Some(now));
    }

    pub(super) fn now() -> Timestamp {
        if let Some(now) = SIMULATED.get() {
            SIMULATED.set(Some(now + SignedDuration::from_micros(1)));
            return now;
        }
        let skew = || {
            let seconds = std::env::var("CLOCK_SKEW").ok().and_then(|seconds| seconds.parse().ok());
            SignedDuration::from_secs(seconds.unwrap_or_default())
        };
        Timestamp::now() + *SKEW.get_or_init(skew)
    }

    /// Whether a simulated clock says that a time is yet to come.
    pub(super) fn is_before(at: Timestamp) -> bool {
        SIMULATED.get().is_some_and(|now| now < at)
    }

    pub(super) fn advance(duration: Duration) -> bool {
        let Some(now) = SIMULATED.get() else { return false };
        SIMULATED.set(Some(now + duration));
        true
    }
}
