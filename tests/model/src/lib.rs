//! Models of Lethe's deletion protocols, small enough to be checked in every interleaving.
//!
//! Each module models one protocol step by step as the functions carry it out: a step is what one call to a service
//! does at once. Between any two steps another worker may act, and a worker may be lost. [`check`](mod@check) visits all
//! states that can be reached and holds the properties against each.
//!
//! A model comes with *mutants*: the same protocol with a step left out or weakened. Whoever runs the tests sees that
//! each mutant is caught, and thereby that the properties say something. Some mutants are the code as it is; their
//! documentation says so, and the model without a mutant is the protocol as it should be.

pub mod archive;
pub mod check;
pub mod group_commit;
pub mod life;
pub mod links;
pub mod run;
pub mod standing;
pub mod suppress_only;
pub mod upstream;
