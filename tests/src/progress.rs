//! Waiting for progress, not for a clock: a slow machine fails no test, a standstill does.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// For how long nothing may change before a wait gives up.
const STANDSTILL: Duration = Duration::from_secs(300);

/// The usual pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Looks until `look` answers `Break`, and answers what it found.
///
/// # Errors
/// `look`'s own; or when what it sees meanwhile (a status, a count) has not changed for five minutes.
pub async fn until<T, S: PartialEq + Debug>(
    look: impl AsyncFnMut() -> Result<ControlFlow<T, S>>,
) -> Result<T> {
    until_every(PAUSE, look).await
}

/// The same with another pause, for what is there for a moment only.
///
/// # Errors
/// As [`until`].
pub async fn until_every<T, S: PartialEq + Debug>(
    pause: Duration,
    mut look: impl AsyncFnMut() -> Result<ControlFlow<T, S>>,
) -> Result<T> {
    let (mut last, mut since) = (None, Instant::now());
    loop {
        let seen = match look().await? {
            ControlFlow::Break(found) => return Ok(found),
            ControlFlow::Continue(seen) => Some(seen),
        };
        if seen != last {
            (last, since) = (seen, Instant::now());
        }
        let waited = since.elapsed();
        ensure!(waited < STANDSTILL, "nothing has changed for {} s: {last:#?}", waited.as_secs());
        tokio::time::sleep(pause).await;
    }
}
