//! Waiting for a statement within one invocation.

use std::ops::AsyncFnMut;
use std::time::{Duration, Instant};

use model::failure::Result;

/// How long an invocation waits for one statement before it lets the state machine wait, which costs less.
const PATIENCE: Duration = Duration::from_secs(20);
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// Asks again and again, with growing pauses, until there is an answer or time is up.
pub(crate) async fn poll<T>(
    until: Instant,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let end = until.min(Instant::now() + PATIENCE);
    let mut pause = FIRST;
    loop {
        let answer = ask().await?;
        if answer.is_some() || Instant::now() + pause >= end {
            return Ok(answer);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}
