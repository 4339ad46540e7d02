//! Seeds, played on all cores. A seed that fails says how it is repeated.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::variable;

/// How often a long run says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What a seed that holds is counted by.
#[derive(Debug)]
pub struct Figures {
    pub steps: u64,
    /// Call by call.
    pub schedule: Vec<String>,
}

/// What is wrong with a seed.
#[derive(Debug)]
pub struct Fault {
    pub what: String,
    /// The calls that led to it.
    pub schedule: Vec<String>,
}

/// Plays one seed on a runtime of its own, as nobody else's. Threads that still read an object are left behind: nobody
/// answers them any more.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome = runtime.block_on(tokio::task::unconstrained(future));
    runtime.shutdown_background();
    outcome
}

fn on_all_cores(play: impl Fn() + Sync) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(&play))));
}

/// How far a run of many seeds is.
struct Progress {
    name: String,
    of: u64,
    began: Instant,
    told: Instant,
    seeds: u64,
    calls: u64,
    violations: u64,
}

impl Progress {
    fn take(&mut self, seed: u64, played: Result<Figures, Fault>) {
        self.seeds += 1;
        match played {
            Ok(figures) => self.calls += figures.steps,
            Err(fault) => {
                // One schedule is enough to read; the other seeds print theirs when they are repeated.
                if self.violations == 0 {
                    eprintln!("{}: SEED={seed} SEEDS=1\n  {}", self.name, fault.schedule.join("\n  "));
                }
                eprintln!("{}: SEED={seed} SEEDS=1: {}", self.name, fault.what);
                self.violations += 1;
            }
        }
        if self.told.elapsed() > TELL_EVERY {
            self.told = Instant::now();
            println!("{self}");
        }
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, of, seeds, calls, violations, .. } = self;
        let seconds = self.began.elapsed().as_secs_f64();
        write!(f, "{name}: {seeds} of {of} seeds, {calls} calls, violations {violations}, {seconds:.0} s")
    }
}

/// Plays `usual` seeds, or those that `SEED` and `SEEDS` say. All are played, also if one fails.
pub fn play_all<F: Future<Output = Result<Figures, Fault>>>(
    name: &str,
    usual: u64,
    play: impl Fn(u64) -> F + Sync,
) {
    let (first, of) = (variable("SEED").unwrap_or(0), variable("SEEDS").unwrap_or(usual));
    let (next, now) = (AtomicU64::new(first), Instant::now());
    let (seeds, calls, violations) = (0, 0, 0);
    let progress = Progress { name: name.to_owned(), of, began: now, told: now, seeds, calls, violations };
    let progress = Mutex::new(progress);
    on_all_cores(|| {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + of {
                return;
            }
            let played = run(play(seed));
            progress.lock().expect("nobody panics while telling").take(seed, played);
        }
    });
    let progress = progress.into_inner().expect("nobody panics while telling");
    println!("{progress}");
    assert_eq!(progress.violations, 0, "seeds failed");
}

/// Plays seeds until one fails, as one of the first `most` must.
pub fn find<F: Future<Output = Result<Figures, Fault>>>(
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
                println!("{mutant}: found with seed {seed}: {}", fault.what);
            }
        }
    });
    assert!(found.load(Ordering::Relaxed) < u64::MAX, "{mutant} goes unseen");
}

/// Plays each seed twice, and compares the schedules.
pub fn repeat<F: Future<Output = Result<Figures, Fault>>>(seeds: u64, play: impl Fn(u64) -> F) {
    let schedule = |seed| match run(play(seed)) {
        Ok(figures) => figures.schedule,
        Err(fault) => fault.schedule,
    };
    for seed in 0..seeds {
        let (once, again) = (schedule(seed), schedule(seed));
        let differs = once.iter().zip(&again).position(|(once, again)| once != again);
        if let Some(at) = differs {
            let before = once[at.saturating_sub(20)..at].join("\n  ");
            panic!("seed {seed} parts after\n  {before}\ninto\n  {}\nand\n  {}", once[at], again[at]);
        }
        assert_eq!(once.len(), again.len(), "seed {seed}");
    }
}
