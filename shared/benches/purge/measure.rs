//! Times things in interleaved rounds: whatever else the machine does meets all of them alike.

use std::fs;
use std::time::Instant;

/// One thing to time. It returns a number that must be the same each time, so that no work is left out.
pub struct Contender<'a> {
    pub name: &'static str,
    pub work: Box<dyn FnMut() -> u64 + 'a>,
}

/// Fewer rounds than this say little on a machine that does other things too.
pub const ROUNDS: usize = 7;

/// The median seconds of each contender, after a round that does not count.
pub fn interleaved(contenders: &mut [Contender<'_>], rounds: usize) -> Vec<f64> {
    let mut seconds = vec![Vec::new(); contenders.len()];
    let first: Vec<u64> = contenders.iter_mut().map(|contender| (contender.work)()).collect();
    for _ in 0..rounds {
        for (at, contender) in contenders.iter_mut().enumerate() {
            let start = Clock::start();
            let result = (contender.work)();
            seconds[at].push(start.seconds());
            assert_eq!(result, first[at], "{}", contender.name);
        }
    }
    seconds.into_iter().map(median).collect()
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Time on the core of this thread and of finished children, so that a busy machine does not count; wall time
/// where the kernel does not say.
struct Clock {
    wall: Instant,
    busy: Option<f64>,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), busy: busy() }
    }

    fn seconds(&self) -> f64 {
        match (self.busy, busy()) {
            (Some(then), Some(now)) => now - then,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

fn busy() -> Option<f64> {
    let own: f64 = fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name in brackets; cutime and cstime in hundredths of a second (proc(5), fields 16 and 17).
    let children: f64 =
        stat.rsplit(')').next()?.split(' ').skip(14).take(2).map(|ticks| ticks.parse().unwrap_or(0.0)).sum();
    Some(own / 1e9 + children / 100.0)
}

/// The most memory this process has had, in MiB (Linux).
pub fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}
