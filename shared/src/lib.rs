//! What every Lethe function shares.

pub mod failure;
pub mod subject;
