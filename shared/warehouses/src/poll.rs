//! Waiting for a statement within one invocation.

use std::ops::AsyncFnMut;
use std::time::{Duration, Instant};

use model::backoff;
use model::failure::Result;

/// How long an invocation waits for one statement before it lets the state machine wait, which costs less.
const POLL_FOR: Duration = Duration::from_secs(20);

/// Asks repeatedly, with growing pauses, until there is an answer or time is up.
pub(crate) async fn poll<T>(
    until: Instant,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let end = until.min(Instant::now() + POLL_FOR);
    let mut asked = 0;
    loop {
        let answer = ask().await?;
        asked += 1;
        let pause = backoff::POLL.after(asked);
        if answer.is_some() || Instant::now() + pause >= end {
            return Ok(answer);
        }
        tokio::time::sleep(pause).await;
    }
}
