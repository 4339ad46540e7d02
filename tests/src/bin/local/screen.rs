//! What the terminal shows: short, aligned, and moving only on a terminal.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

/// Begins a line about something that takes a while.
pub fn step(name: &str) -> Instant {
    print!("  {name:<28}");
    flush();
    Instant::now()
}

/// Ends that line.
pub fn done(since: Instant, what: &str) {
    println!("{:>5.1} s   {what}", since.elapsed().as_secs_f64());
}

/// A number as people write it: 12,345.
pub fn number(value: impl TryInto<u64>) -> String {
    let digits = value.try_into().unwrap_or(0).to_string();
    let mut number = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            number.push(',');
        }
        number.push(digit);
    }
    number
}

/// How far something is.
pub struct Progress {
    pub name: String,
    pub status: String,
    /// How long it took, once it has ended.
    pub ended: Option<Duration>,
    pub result: String,
}

impl Progress {
    fn line(&self, time: &str) -> String {
        format!("  {:<16} {:<14} {time:>7}   {}", self.name, self.status, self.result).trim_end().to_owned()
    }
}

/// Lines that are drawn again and again in the same place, with a running clock; off a terminal, a line whenever
/// something changes.
#[derive(Default)]
pub struct Board {
    shown: Vec<String>,
}

impl Board {
    /// Shows these instead of the last ones.
    pub fn show(&mut self, all: Vec<Progress>, clock: Duration) {
        let terminal = stdout().is_terminal();
        if terminal && !self.shown.is_empty() {
            print!("\x1b[{}A", self.shown.len());
        }
        let mut shown = Vec::new();
        for (index, progress) in all.iter().enumerate() {
            let time = progress.ended.or_else(|| terminal.then_some(clock));
            let line =
                progress.line(&time.map(|time| format!("{:.1} s", time.as_secs_f64())).unwrap_or_default());
            if terminal {
                // Without wrapping: a line that took two would put all others out of place.
                println!("\x1b[?7l\x1b[2K{line}\x1b[?7h");
            } else if self.shown.get(index) != Some(&line) {
                println!("{line}");
            }
            shown.push(line);
        }
        flush();
        self.shown = shown;
    }
}

fn flush() {
    let _ = stdout().flush();
}
