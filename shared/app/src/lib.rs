//! What several functions do together.
//!
//! 1. [`admission`] lets a regulation in: `intake` and `batch` use it.
//! 2. [`task_step`] takes one task one step further: `erase` and `forward` use it.
//! 3. [`worker`] tells a step from a question of the API: `erase`, `forward` and `purge` use it.
//!
//! A failure stays with its task, not with the state machine. One that may pass is noted, and the state machine comes
//! back after 2 seconds growing to a day, for as long as the stack's `RetryWindow`. One that cannot pass ends this task
//! and no other.

pub mod admission;
pub mod task_step;
pub mod worker;
