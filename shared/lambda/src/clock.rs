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

    pub(super) fn advance(duration: Duration) -> bool {
        let Some(now) = SIMULATED.get() else { return false };
        SIMULATED.set(Some(now + duration));
        true
    }
}
