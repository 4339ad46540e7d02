//! The account of a batch: every line is counted once, and every subject goes into one regulation. What it gathers is
//! taken out while the lines come, so that memory does not grow with the file.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::entry::{Entry, named};
use super::{Account, MAX_BATCH, Refusal};
use crate::failure::{Failure, Result};
use crate::regulation::{MAX_SUBJECT_BYTES, MAX_SUBJECTS};
use crate::subject::hex;

/// Keeps the account while the lines come.
#[derive(Default)]
pub struct Ledger {
    account: Account,
    refusals: Vec<Refusal>,
    /// Who was named, by the first half of SHA-256: a million identifiers may be a gigabyte.
    seen: HashSet<[u8; 16]>,
    content: Sha256,
    /// The regulation that is being filled.
    cut: Vec<String>,
    bytes: usize,
}

/// A batch of which every line was read.
pub struct Closed {
    /// What the lines were.
    pub account: Account,
    /// The lines that name no subject and were not taken out.
    pub refusals: Vec<Refusal>,
    /// Stands for the subjects in their order, in hex.
    pub content: String,
}

impl Ledger {
    /// Enters a line. Answers the subjects of a regulation, when one is full.
    ///
    /// # Errors
    /// `Invalid`, if there are too many subjects, or too many lines that name none.
    pub fn enter(&mut self, line: u64, entry: Entry) -> Result<Option<Vec<String>>> {
        self.account.lines += 1;
        match entry {
            Entry::Header => self.account.header += 1,
            Entry::Blank => self.account.blank += 1,
            Entry::Refused(reason) => {
                self.account.refused += 1;
                if self.account.refused > MAX_BATCH {
                    let message = format!("more than {MAX_BATCH} lines name nobody: see what the file is");
                    return Err(Failure::invalid(message));
                }
                self.refusals.push(Refusal { line, reason: reason.into_owned() });
            }
            Entry::Subject(id) => {
                let hash: [u8; 32] = Sha256::digest(&id).into();
                let mut half = [0; 16];
                half.copy_from_slice(&hash[..16]);
                if self.seen.insert(half) {
                    return self.subject(id, hash);
                }
                self.account.duplicates += 1;
            }
        }
        Ok(None)
    }

    /// Enters the subjects that a message lists.
    ///
    /// # Errors
    /// As [`Ledger::enter`].
    pub fn enter_all(&mut self, ids: &[String], mut full: impl FnMut(Vec<String>)) -> Result<()> {
        for (line, id) in (1..).zip(ids) {
            self.enter(line, named(id.clone()))?.into_iter().for_each(&mut full);
        }
        Ok(())
    }

    /// Takes out the next `count` lines that name no subject, once there are that many.
    pub fn take_refusals(&mut self, count: usize) -> Option<Vec<Refusal>> {
        (self.refusals.len() >= count).then(|| self.refusals.drain(..count).collect())
    }

    fn subject(&mut self, id: String, hash: [u8; 32]) -> Result<Option<Vec<String>>> {
        self.account.subjects += 1;
        if self.account.subjects > MAX_BATCH {
            return Err(Failure::invalid(format!(
                "there are more than {MAX_BATCH} subjects: send them in parts"
            )));
        }
        self.content.update(hash);
        let is_full = self.cut.len() == MAX_SUBJECTS || self.bytes + id.len() > MAX_SUBJECT_BYTES;
        let full = if is_full { self.cut() } else { None };
        self.bytes += id.len();
        self.cut.push(id);
        Ok(full)
    }

    fn cut(&mut self) -> Option<Vec<String>> {
        self.bytes = 0;
        let cut = std::mem::take(&mut self.cut);
        if cut.is_empty() {
            return None;
        }
        self.account.regulations += 1;
        Some(cut)
    }

    /// No line follows. Answers the last regulation's subjects, and the account.
    pub fn close(mut self) -> (Option<Vec<String>>, Closed) {
        let last = self.cut();
        let content = hex(&self.content.finalize());
        (last, Closed { account: self.account, refusals: self.refusals, content })
    }
}
