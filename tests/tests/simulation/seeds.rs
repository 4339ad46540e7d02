//! Seeds, played on all cores. A seed that fails says how it is repeated.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::variable;

/// What a seed that holds is counted by.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub steps: u64,
}

/// Plays one seed on a runtime of its own, as nobody else's.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tokio::task::unconstrained(future))
}

fn on_all_cores(play: impl Fn() + Sync) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(&play))));
}

/// Plays `usual` seeds, or those that `SEED` and `SEEDS` say.
pub fn play_all<F: Future<Output = Result<Figures, String>>>(
    name: &str,
    usual: u64,
    play: impl Fn(u64) -> F + Sync,
) {
    let (first, count) = (variable("SEED").unwrap_or(0), variable("SEEDS").unwrap_or(usual));
    let (next, steps, failed) = (AtomicU64::new(first), AtomicU64::new(0), AtomicBool::new(false));
    on_all_cores(|| {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count || failed.load(Ordering::Relaxed) {
                return;
            }
            match run(play(seed)) {
                Ok(figures) => {
                    steps.fetch_add(figures.steps, Ordering::Relaxed);
                }
                Err(fault) => {
                    failed.store(true, Ordering::Relaxed);
                    eprintln!(
                        "SEED={seed} SEEDS=1: {fault}\nSEED={seed}: {}",
                        fault.lines().next().unwrap_or_default()
                    );
                }
            }
        }
    });
    assert!(!failed.load(Ordering::Relaxed), "a seed failed");
    println!("{name}: {count} seeds, {} calls, violations 0", steps.load(Ordering::Relaxed));
}

/// Plays seeds until one fails, as one of the first `most` must.
pub fn find<F: Future<Output = Result<Figures, String>>>(
    mutant: &str,
    most: u64,
    play: impl Fn(u64) -> F + Sync,
) {
    let (next, found) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    on_all_cores(|| {
        while found.load(Ordering::Relaxed) == u64::MAX {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= most {
                return;
            }
            if let Err(fault) = run(play(seed)) {
                found.fetch_min(seed, Ordering::Relaxed);
                println!("{mutant}: found with seed {seed}: {}", fault.lines().next().unwrap_or_default());
            }
        }
    });
    assert!(found.load(Ordering::Relaxed) < u64::MAX, "{mutant} goes unseen");
}

/// Plays some seeds twice, and compares their schedules but for ids.
pub fn repeats<F: Future<Output = Vec<String>>>(play: impl Fn(u64) -> F) {
    for seed in 0..10 {
        let (once, again) = (run(play(seed)), run(play(seed)));
        for (once, again) in once.iter().zip(&again) {
            assert_eq!(without_ids(once), without_ids(again), "seed {seed}");
        }
        assert_eq!(once.len(), again.len());
    }
}

fn without_ids(line: &str) -> String {
    let long = |part: &str| part.len() >= 16 && part.chars().all(|c| c.is_ascii_alphanumeric());
    line.split_inclusive(|c: char| !c.is_ascii_alphanumeric())
        .map(
            |part| if long(part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())) { "*" } else { part },
        )
        .collect()
}
