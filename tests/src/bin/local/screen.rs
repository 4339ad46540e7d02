//! What the terminal shows: short, aligned, and moving only on a terminal.

use std::io::{IsTerminal, Write, stdout};
use std::time::Instant;

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

/// A few lines that are drawn again and again in the same place; off a terminal, each line once per change.
#[derive(Default)]
pub struct Board {
    shown: Vec<String>,
}

impl Board {
    /// Shows these lines instead of the last ones.
    pub fn show(&mut self, lines: Vec<String>) {
        if stdout().is_terminal() {
            if !self.shown.is_empty() {
                print!("\x1b[{}A", self.shown.len());
            }
            for line in &lines {
                println!("\x1b[2K{line}");
            }
        } else {
            for (index, line) in lines.iter().enumerate() {
                if self.shown.get(index) != Some(line) {
                    println!("{line}");
                }
            }
        }
        flush();
        self.shown = lines;
    }
}

fn flush() {
    let _ = stdout().flush();
}
