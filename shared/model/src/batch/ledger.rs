//! The account of a batch: every line is counted once, and every subject goes into one regulation. Full regulations and
//! refusals are handed out while lines come in, so that memory does not grow with the file.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::entry::{Entry, Named, json, user};
use super::{Account, MAX_BATCH, Refusal};
use crate::failure::{Failure, Result};
use crate::regulation::{MAX_IDENTIFIERS, MAX_SUBJECT_BYTES, MAX_SUBJECTS};
use crate::subject::{Subject, hex};

/// Keeps the account while lines come in.
#[derive(Default)]
pub struct Ledger {
    account: Account,
    refusals: Vec<Refusal>,
    /// The first half of the SHA-256 of each identifier so far, and of each person with several: a million identifiers may
    /// be a gigabyte.
    seen: HashSet<[u8; 16]>,
    content: Sha256,
    /// People of the regulation that is being filled.
    cut: Vec<Vec<Subject>>,
    identifiers: usize,
    bytes: usize,
}

/// The most identifiers and people with several that a batch names: they are kept in memory.
const MAX_SEEN: usize = 8_000_000;

/// A batch of which every line was read.
pub struct Closed {
    /// The count of its lines.
    pub account: Account,
    /// The refusals that were not taken out.
    pub refusals: Vec<Refusal>,
    /// A hash, in hex, of the subjects in their order.
    pub content: String,
}

impl Ledger {
    /// Enters a line. Returns the people of a regulation, when one is full.
    ///
    /// # Errors
    /// `Invalid`, if there are too many subjects, or too many lines that name none.
    pub fn enter(&mut self, line: u64, entry: Entry) -> Result<Option<Vec<Vec<Subject>>>> {
        self.account.lines += 1;
        match entry {
            Entry::Header => self.account.header += 1,
            Entry::Blank => self.account.blank += 1,
            Entry::Refused(reason) => self.refuse(line, reason.into_owned())?,
            Entry::Person(person) => {
                let each: Vec<[u8; 32]> = person.iter().map(hash).collect();
                let whole = whole(&each);
                if self.seen.contains(&half(whole)) {
                    self.account.duplicates += 1;
                } else if each.iter().any(|one| self.seen.contains(&half(*one))) {
                    let why = "names somebody of a line before it by another set of identifiers: name each once, by all";
                    self.refuse(line, why.to_owned())?;
                } else {
                    self.seen.extend(each.into_iter().chain([whole]).map(half));
                    return self.subject(person, whole);
                }
            }
        }
        Ok(None)
    }

    fn refuse(&mut self, line: u64, reason: String) -> Result<()> {
        self.account.refused += 1;
        if self.account.refused > MAX_BATCH {
            let message = format!("more than {MAX_BATCH} lines name nobody: see what the file is");
            return Err(Failure::invalid(message));
        }
        self.refusals.push(Refusal { line, reason });
        Ok(())
    }

    /// Enters the subjects that a message lists.
    ///
    /// # Errors
    /// As [`Ledger::enter`].
    pub fn enter_all(
        &mut self,
        listed: &[String],
        by: &Named,
        mut full: impl FnMut(Vec<Vec<Subject>>),
    ) -> Result<()> {
        for (line, one) in (1..).zip(listed) {
            let entry = match by {
                Named::ByUserId(_) => user(one.clone()),
                Named::ByAll { suppressed } => json(one.as_bytes(), *suppressed),
            };
            self.enter(line, entry)?.into_iter().for_each(&mut full);
        }
        Ok(())
    }

    /// Takes out the next `count` refusals, once there are that many.
    pub fn take_refusals(&mut self, count: usize) -> Option<Vec<Refusal>> {
        (self.refusals.len() >= count).then(|| self.refusals.drain(..count).collect())
    }

    fn subject(&mut self, person: Vec<Subject>, hash: [u8; 32]) -> Result<Option<Vec<Vec<Subject>>>> {
        self.account.subjects += 1;
        if self.account.subjects > MAX_BATCH || self.seen.len() > MAX_SEEN {
            return Err(Failure::invalid(format!(
                "there are more than {MAX_BATCH} subjects, or {MAX_SEEN} identifiers: send them in parts"
            )));
        }
        self.content.update(hash);
        let bytes: usize = person.iter().map(|one| one.id.len() + one.kind.as_str().len()).sum();
        let is_full = self.cut.len() == MAX_SUBJECTS
            || self.identifiers + person.len() > MAX_IDENTIFIERS
            || self.bytes + bytes > MAX_SUBJECT_BYTES;
        let full = if is_full { self.cut() } else { None };
        self.bytes += bytes;
        self.identifiers += person.len();
        self.cut.push(person);
        Ok(full)
    }

    fn cut(&mut self) -> Option<Vec<Vec<Subject>>> {
        (self.bytes, self.identifiers) = (0, 0);
        let cut = std::mem::take(&mut self.cut);
        if cut.is_empty() {
            return None;
        }
        self.account.regulations += 1;
        Some(cut)
    }

    /// Closes the account. Returns the last regulation's people, and the account.
    pub fn close(mut self) -> (Option<Vec<Vec<Subject>>>, Closed) {
        let last = self.cut();
        let content = hex(&self.content.finalize());
        (last, Closed { account: self.account, refusals: self.refusals, content })
    }
}

fn hash(subject: &Subject) -> [u8; 32] {
    let hash = Sha256::new().chain_update(subject.kind.as_str()).chain_update([0]).chain_update(&subject.id);
    hash.finalize().into()
}

/// The hash of a person: that of the identifier, if there is one; the order of several is none.
fn whole(each: &[[u8; 32]]) -> [u8; 32] {
    match each {
        [one] => *one,
        _ => {
            let mut sorted = each.to_vec();
            sorted.sort_unstable();
            Sha256::digest(sorted.concat()).into()
        }
    }
}

fn half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}
