//! What every Lethe function shares.

pub mod failure;
pub mod format;
pub mod index;
pub mod matching;
pub mod subject;
