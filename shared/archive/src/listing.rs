//! Lists the objects of a run's archives, over several invocations, and packs them into batches. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::run_plan::Entry;
use model::id::DestinationId;

/// The most bytes of one batch, unless a single object has more.
const BATCH_BYTES: u64 = 512 << 20;

/// The progress of listing a run's archives. One invocation lists as much as it has time for; the next continues.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListingProgress {
    /// What has been listed so far.
    pub listed: Extent,
    /// The part of it in archives that are listed to their end.
    pub whole: Extent,
    /// The archives that are listed to their end, or could not be.
    pub done: BTreeSet<DestinationId>,
    /// The last key listed of the archive that is being listed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
    /// Archives that could not be listed, and why.
    pub unreadable: BTreeMap<DestinationId, String>,
    /// Number of keys of each archive that its settings exclude.
    #[serde(default)]
    pub excluded: BTreeMap<DestinationId, u64>,
}

impl ListingProgress {
    /// Notes that an archive is listed to its end, or why it cannot be. What was listed of it before it failed is
    /// dropped.
    pub fn finish(&mut self, archive: &DestinationId, unreadable: Option<String>) {
        match unreadable {
            None => self.whole = self.listed.clone(),
            Some(why) => {
                self.listed = self.whole.clone();
                self.excluded.remove(archive);
                self.unreadable.insert(archive.clone(), why);
            }
        }
        self.done.insert(archive.clone());
        self.after = None;
    }
}

/// How much there is to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The numbers of the batches.
    pub batches: Vec<usize>,
    /// Number of object versions in them.
    pub versions: u64,
    /// Stored bytes of those versions.
    pub bytes: u64,
}

/// Packs entries into batches by bytes, so that each takes about as long.
#[derive(Debug)]
pub struct Packer {
    most: usize,
    batch: Vec<Entry>,
    room: u64,
}

impl Packer {
    /// Packs batches of at most `most` objects.
    pub fn new(most: usize) -> Self {
        Self { most, batch: Vec::new(), room: 0 }
    }

    /// Adds an entry. Returns the batch before it, if the entry does not fit into that one.
    pub fn push(&mut self, entry: Entry) -> Option<Vec<Entry>> {
        let size: u64 = entry.versions.iter().map(|version| version.size).sum();
        let fits = size <= self.room && self.batch.len() < self.most;
        let full = if fits { None } else { self.take() };
        self.room = if fits { self.room - size } else { BATCH_BYTES.saturating_sub(size) };
        self.batch.push(entry);
        full
    }

    /// Whether no entry is left to put into a batch.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// The last batch; none, if it is empty.
    pub fn take(&mut self) -> Option<Vec<Entry>> {
        self.room = 0;
        Some(std::mem::take(&mut self.batch)).filter(|batch| !batch.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_plan::Version;

    fn entry(size: u64) -> Entry {
        let version = Version { id: "null".into(), etag: "e".into(), size, current: true };
        Entry { key: format!("k{size}"), versions: vec![version] }
    }

    fn pack(most: usize, entries: impl IntoIterator<Item = Entry>) -> Vec<Vec<Entry>> {
        let mut packer = Packer::new(most);
        let mut batches: Vec<_> = entries.into_iter().filter_map(|entry| packer.push(entry)).collect();
        batches.extend(packer.take());
        batches
    }

    #[test]
    fn an_archive_that_fails_half_way_leaves_nothing_to_look_at_and_spares_the_others() {
        let (first, second) = (DestinationId::new(), DestinationId::new());
        let mut progress = ListingProgress {
            listed: Extent { batches: vec![7], versions: 3, bytes: 9 },
            ..ListingProgress::default()
        };
        progress.finish(&first, None);
        progress.listed.batches.push(8);
        progress.after = Some("k".to_owned());
        progress.finish(&second, Some("denied".to_owned()));
        assert_eq!(progress.listed, Extent { batches: vec![7], versions: 3, bytes: 9 });
        assert_eq!((progress.done, progress.after), ([first, second].into(), None));
    }

    #[test]
    fn batches_hold_every_entry_once_and_keep_their_size() {
        let sizes = [1, BATCH_BYTES, 3, BATCH_BYTES * 2, 5, 6];
        let batches = pack(2_000, sizes.map(entry));
        assert_eq!(batches.concat(), sizes.map(entry));
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1, 2]);
        assert_eq!(pack(2_000, (0..5_000).map(|_| entry(1))).len(), 3);
    }
}
