//! What several functions do together.
//!
//! 1. [`admission`] admits a regulation: `intake` and `batch` use it.
//! 2. [`task_step`] takes one step of a task: `erase` and `forward` use it.
//! 3. [`resolving`] looks up people's other identifiers in one place: `erase` and `purge` use it.
//! 4. [`worker`] tells the state machine's steps from the API's probes: `erase`, `forward` and `purge` use it.
//!
//! A failure stays with its task, not with the state machine. A transient one is noted, and the state machine comes
//! back after 2 seconds growing to a day, for as long as the stack's `RetryWindow`. Any other ends this task and no
//! other.

pub mod admission;
pub mod resolving;
pub mod task_step;
pub mod worker;
