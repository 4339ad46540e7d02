//! The real code under schedules that a seed chooses.
//!
//! | | runs | on |
//! |---|---|---|
//! | [`alone`] | `archive::purge`, one call after the other | an S3 that fails ([`network`]) |
//! | [`resolving`] | `archive::resolve`, one invocation after the other | the same |
//! | [`regulations`] | `suppress`, `record`, `purge-run`, `purge`, `audit`, retries, withdrawals, ticks, side by side | the AWS of [`services`], behind a [`turnstile`] |
//! | [`rows`] | `suppress`, `erase` with group commit, `audit`, side by side | the same |
//! | [`replays`] | the counterexamples that the models found, as schedules with names | the same |
//!
//! A seed that fails prints its schedule, call by call, and repeats it exactly. `SEEDS=10000` runs that many
//! (`make simulate`). Objects are smaller than a part of an upload: uploads in parts are not simulated.

#![allow(clippy::print_stdout, reason = "the figures are what a run by night is for")]

mod alone;
mod certificates;
mod dice;
mod dynamodb;
mod executions;
mod expression;
mod gate;
mod http;
mod installation;
mod life;
mod network;
mod redshift;
mod regulations;
mod replays;
mod resolving;
mod rows;
mod s3;
mod seeds;
mod services;
mod turnstile;

/// A number that the environment gives.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
