//! Short names in a schedule, for the ids that chance makes: the first regulation is `reg_1`. So a seed's schedules can be
//! compared.

use std::collections::BTreeMap;

/// How many hexadecimal digits an id of Lethe has.
const DIGITS: usize = 32;

#[derive(Default)]
pub struct Names(BTreeMap<String, usize>);

impl Names {
    /// A line, with each id by its number among those that were named before.
    pub fn shorten(&mut self, line: &str) -> String {
        let (mut short, mut rest) = (String::with_capacity(line.len()), line);
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let digits = rest[at..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - at);
            let (before, id) = (&rest[..at], &rest[at..at + digits]);
            short.push_str(before);
            if digits >= DIGITS {
                let next = self.0.len() + 1;
                short.push_str(&self.0.entry(id.to_owned()).or_insert(next).to_string());
            } else {
                short.push_str(id);
            }
            rest = &rest[at + digits..];
        }
        short + rest
    }
}
