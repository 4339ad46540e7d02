//! The audit trail: who changed what, and when. Its records form a chain, so that none can be changed, removed or moved
//! without a trace. It holds no person's identifier.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::failure::{Failure, Result};
use crate::id::TrailId;
use crate::subject::hex;

/// One use of a scope that changes something. A record of it is written before the change is made, so that there is no
/// change without one; a second record says how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrailEntry {
    /// Its id; later ones sort later.
    pub id: TrailId,
    /// When the call was received.
    pub at: Timestamp,
    /// The caller: a token's id, `admin` for the token made at deployment, or `batch` for the queue.
    pub caller: String,
    /// The name that the caller's token had then.
    pub caller_name: String,
    /// What was asked: method and path, with the names of the path's parameters.
    #[schema(example = "POST /regulations/{id}/retry")]
    pub action: String,
    /// Lethe's own id of what the call was about or of what it made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<String>,
    /// Lethe's own id of the part of the object that it was about or made: an exception of an archive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
    /// The HTTP status that was answered; none, if the work broke off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What the answer said was wrong; if nothing was, why the caller did it, as far as the call said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Whether it was only counted and nothing changed.
    #[serde(skip_serializing_if = "is_false", default)]
    pub dry_run: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrailRecord {
    /// The recorded entry.
    #[serde(flatten)]
    pub entry: TrailEntry,
    /// Its place in the chain, from 1.
    pub number: u64,
    /// The hash of the record before it, in hex; empty for the first.
    pub previous: String,
}

/// The end of the chain, which commits to every record up to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailHead {
    /// Number of records so far.
    pub number: u64,
    /// The hash of the last record: SHA-256, in hex, of the record as JSON. Empty, if there is none.
    pub hash: String,
}

impl TrailHead {
    /// The record that appends this entry.
    pub fn next(&self, entry: &TrailEntry) -> TrailRecord {
        TrailRecord { entry: entry.clone(), number: self.number + 1, previous: self.hash.clone() }
    }
}

impl TrailRecord {
    /// The head of a chain that ends with this record.
    pub fn head(&self) -> TrailHead {
        let json = serde_json::to_vec(self).expect("a record has string keys only");
        TrailHead { number: self.number, hash: hex(&Sha256::digest(json)) }
    }
}

/// Checks a whole trail, in any order, against heads that were sealed in write-once storage. Returns its head.
///
/// # Errors
/// `Invalid`, naming the first record that was changed, removed or moved.
pub fn verify(mut records: Vec<TrailRecord>, sealed: &[TrailHead]) -> Result<TrailHead> {
    records.sort_by_key(|record| record.number);
    let (mut end, mut sealed) = (TrailHead::default(), sealed.to_vec());
    // A head that was sealed before the first record says nothing.
    sealed.retain(|head| head.number != 0);
    sealed.sort_by_key(|head| head.number);
    let mut sealed = sealed.into_iter().peekable();
    for record in records {
        if record.number != end.number + 1 {
            return Err(Failure::invalid(format!("record {} of the trail is missing", end.number + 1)));
        }
        if record.previous != end.hash {
            return Err(Failure::invalid(format!("record {} of the trail was changed", end.number)));
        }
        end = record.head();
        while let Some(head) = sealed.next_if(|head| head.number == end.number) {
            if head != end {
                return Err(Failure::invalid(format!(
                    "record {} of the trail is not what was sealed",
                    end.number
                )));
            }
        }
    }
    match sealed.next() {
        Some(head) => Err(Failure::invalid(format!("the trail was sealed with {} records", head.number))),
        None => Ok(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail() -> (Vec<TrailRecord>, TrailHead) {
        let (mut records, mut head) = (Vec::new(), TrailHead::default());
        for second in 0..5 {
            let entry = TrailEntry {
                id: TrailId::new(),
                at: Timestamp::from_second(second).expect("in range"),
                caller: "admin".into(),
                caller_name: "admin".into(),
                action: "POST /tokens".into(),
                object: None,
                part: None,
                status: Some(200),
                reason: None,
                dry_run: false,
            };
            records.push(head.next(&entry));
            head = records[records.len() - 1].head();
        }
        (records, head)
    }

    #[test]
    fn a_whole_trail_holds_in_any_order() {
        let (mut records, head) = trail();
        records.reverse();
        let sealed = [head.clone(), TrailHead::default(), records[2].head()];
        assert_eq!(verify(records, &sealed).expect("holds"), head);
        assert_eq!(verify(Vec::new(), &[]).expect("holds"), TrailHead::default());
    }

    #[test]
    fn a_record_that_is_changed_dropped_or_moved_is_found() {
        let (records, head) = trail();
        let broken = |change: &dyn Fn(&mut Vec<TrailRecord>)| {
            let mut records = records.clone();
            change(&mut records);
            verify(records, std::slice::from_ref(&head)).expect_err("found").public
        };
        let changed = broken(&|records| records[1].entry.caller = "tok".into());
        assert_eq!(changed, "record 2 of the trail was changed");
        assert_eq!(broken(&|records| drop(records.remove(2))), "record 3 of the trail is missing");
        let moved = broken(&|records| {
            let (a, b) = (records[1].number, records[2].number);
            (records[1].number, records[2].number) = (b, a);
        });
        assert!(moved.contains("was changed"), "{moved}");
        let twice = broken(&|records| records.push(records[4].clone()));
        assert_eq!(twice, "record 6 of the trail is missing");
        assert_eq!(broken(&|records| drop(records.pop())), "the trail was sealed with 5 records");
    }

    #[test]
    fn a_record_without_a_newer_field_has_the_hash_that_it_had() {
        // A record as it was written before entries told of dry runs, and the hash that the next one holds.
        let json = r#"{"id":"aud_0193aeb1c2d37f6f8c1e5a7b9d0e2f41","at":"2026-01-01T00:00:00Z","caller":"admin","callerName":"admin","action":"POST /tokens","status":200,"number":1,"previous":""}"#;
        let record: TrailRecord = serde_json::from_str(json).expect("a record");
        assert_eq!(record.head().hash, hex(&Sha256::digest(json)));
        let rehearsed =
            TrailRecord { entry: TrailEntry { dry_run: true, ..record.entry.clone() }, ..record.clone() };
        assert_ne!(rehearsed.head(), record.head(), "what is told is covered");
    }

    #[test]
    fn a_trail_that_is_made_anew_is_not_the_one_that_was_sealed() {
        let (_, sealed) = trail();
        let (mut records, _) = trail();
        records[4].entry.action = "POST /sources".into();
        let failure = verify(records, &[sealed]).expect_err("found");
        assert_eq!(failure.public, "record 5 of the trail is not what was sealed");
    }
}
