//! Waiting for a statement within one invocation.

use std::ops::AsyncFnMut;
use std::time::{Duration, Instant};

use model::failure::Result;

/// How long an invocation waits for one statement before it lets the state machine wait, which costs less.
const POLL_FOR: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Asks again and again, with growing pauses, until there is an answer or time is up.
pub(crate) async fn poll<T>(
    until: Instant,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let end = until.min(Instant::now() + POLL_FOR);
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = ask().await?;
        if answer.is_some() || Instant::now() + pause >= end {
            return Ok(answer);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
