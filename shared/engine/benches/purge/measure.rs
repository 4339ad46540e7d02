//! Times contenders in interleaved rounds: other load on the machine affects all of them alike.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// One thing to time. It returns a number that must be the same each time, so that no work is skipped.
pub struct Contender<'a> {
    pub name: &'static str,
    pub work: Box<dyn FnMut() -> u64 + 'a>,
}

/// Fewer rounds than this mean little on a machine with other load.
pub const ROUNDS: usize = 11;

/// Seconds of each contender in each round.
pub struct Times(Vec<Vec<f64>>);

impl Times {
    /// The median of all rounds.
    pub fn seconds(&self, contender: usize) -> f64 {
        median(self.0[contender].clone())
    }

    /// How many times faster one is than another: the median of the ratios of all rounds.
    pub fn ratio(&self, ours: usize, reference: usize) -> f64 {
        median(self.0[ours].iter().zip(&self.0[reference]).map(|(ours, theirs)| theirs / ours).collect())
    }
}

/// Times all contenders in turn, after a warm-up round that does not count.
pub fn interleaved(contenders: &mut [Contender<'_>], rounds: usize) -> Times {
    let mut seconds = vec![Vec::new(); contenders.len()];
    let first: Vec<u64> = contenders.iter_mut().map(|contender| (contender.work)()).collect();
    for _ in 0..rounds {
        for (at, contender) in contenders.iter_mut().enumerate() {
            let start = busy();
            let result = (contender.work)();
            seconds[at].push(busy() - start);
            assert_eq!(result, first[at], "{}", contender.name);
        }
    }
    Times(seconds)
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Time on the core, in seconds, of this thread (to the nanosecond) and of finished children, so that a busy machine
/// does not matter.
fn busy() -> f64 {
    let own = clock_gettime(ClockId::ThreadCPUTime);
    own.tv_sec as f64 + own.tv_nsec as f64 / 1e9 + children().unwrap_or_default()
}

/// cutime and cstime in hundredths of a second (proc(5), fields 16 and 17), which follow the name in brackets. Used
/// only for children that run for seconds.
fn children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields = stat.rsplit(')').next()?.split(' ').skip(14).take(2);
    Some(fields.map(|ticks| ticks.parse().unwrap_or(0.0)).sum::<f64>() / 100.0)
}

/// The peak memory of this process, in MiB (Linux).
pub fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}
