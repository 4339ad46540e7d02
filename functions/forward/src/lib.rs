//! Speaks to vendors: the HTTP [`engine`] carries out their protocols. A library, so that benchmarks and the checks
//! against vendors' own documents can drive it.

pub mod engine;
