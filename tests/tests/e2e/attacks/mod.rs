//! Attacks that once worked. Each fails now, and fails for good.

mod links;
