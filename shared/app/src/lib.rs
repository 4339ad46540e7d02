//! What several functions do together.
//!
//! 1. [`admission`] lets a regulation in: `intake` and `batch` use it.
//! 2. [`task_step`] takes one task one step further: `erase` and `forward` use it.
//! 3. [`worker`] tells a step from a question of the API: `erase`, `forward` and `purge` use it.

pub mod admission;
pub mod task_step;
pub mod worker;
