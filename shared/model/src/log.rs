//! The log of all certificates: a Merkle tree as certificate transparency keeps it (RFC 9162, section 2.1), so that no
//! certificate can be dropped, swapped or moved without a trace.
//!
//! 1. A certificate is a leaf, in the order in which certificates were sealed.
//! 2. The signed head commits to all leaves so far.
//! 3. A *path* shows that a certificate is in the tree of a head; a *consistency proof*, that a later tree has an earlier one
//!    as its beginning.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::subject::hex;

/// The `typ` of a signed head.
pub const TYPE: &str = "lethe-log+jwt";

/// SHA-256, in lower-case hex when it is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of a leaf: of a certificate in compact form.
    pub fn leaf(certificate: &str) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(certificate).finalize().into())
    }

    /// The hash of two subtrees.
    fn of(left: Self, right: Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hex(&hash.0)
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let byte = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or("a hash has 64 hexadecimal digits")
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// A full subtree: of 2^`level` leaves, and the `index`th of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node {
    /// The height: 0 is a leaf.
    pub level: u32,
    /// The place among the subtrees of this height, from 0.
    pub index: u64,
}

/// The end of the log, to which a leaf can be appended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Number of certificates.
    pub size: u64,
    /// The full subtrees that the tree is made of, the largest first.
    frontier: Vec<Hash>,
}

impl LogHead {
    /// Appends a leaf. Returns the subtrees that it completes, the leaf itself first.
    pub fn append(&mut self, leaf: Hash) -> Vec<(Node, Hash)> {
        let (mut level, mut hash) = (0, leaf);
        let mut nodes = vec![(Node { level, index: self.size }, leaf)];
        while (self.size >> level) & 1 == 1 {
            let Some(left) = self.frontier.pop() else { break };
            (level, hash) = (level + 1, Hash::of(left, hash));
            nodes.push((Node { level, index: self.size >> level }, hash));
        }
        self.frontier.push(hash);
        self.size += 1;
        nodes
    }

    /// The root of the tree; of an empty one, the hash of nothing.
    pub fn root(&self) -> Hash {
        root(self.frontier.iter().copied()).unwrap_or_else(|| Hash(Sha256::digest([]).into()))
    }
}

/// The root of neighbouring full subtrees, the largest first; none, if there are none.
pub fn root(subtrees: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    subtrees.rev().reduce(|right, left| Hash::of(left, right))
}

/// The full subtrees that cover these leaves, the largest first. `leaves` begins where a subtree of at least its size may.
pub fn subtrees(leaves: Range<u64>) -> Vec<Node> {
    let (mut at, mut all) = (leaves.start, Vec::new());
    while at < leaves.end {
        let level = (leaves.end - at).ilog2().min(at.trailing_zeros());
        all.push(Node { level, index: at >> level });
        at += 1 << level;
    }
    all
}

/// The number of leaves in the left part of a tree of `size` leaves, two at least.
fn left_part(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The leaves under each hash of the path from the leaf `index` to the root of a tree of `size` leaves.
pub fn path(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut leaves, mut hashes) = (0..size, Vec::new());
    while leaves.end - leaves.start > 1 {
        let middle = leaves.start + left_part(leaves.end - leaves.start);
        if index < middle {
            hashes.push(middle..leaves.end);
            leaves.end = middle;
        } else {
            hashes.push(leaves.start..middle);
            leaves.start = middle;
        }
    }
    hashes.reverse();
    hashes
}

/// The leaves under each hash of the proof that a tree of `before` leaves is the beginning of one of `after`.
pub fn consistency(before: u64, after: u64) -> Vec<Range<u64>> {
    if before == 0 {
        return Vec::new();
    }
    let (mut leaves, mut hashes) = (0..after, Vec::new());
    while before != leaves.end {
        let middle = leaves.start + left_part(leaves.end - leaves.start);
        if before <= middle {
            hashes.push(middle..leaves.end);
            leaves.end = middle;
        } else {
            hashes.push(leaves.start..middle);
            leaves.start = middle;
        }
    }
    // The whole earlier tree is known to who asks; a part of it is not.
    if leaves.start > 0 {
        hashes.push(leaves);
    }
    hashes.reverse();
    hashes
}

/// The claims of a signed head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadClaims {
    /// The issuer: `lethe`.
    pub iss: String,
    /// When it was signed, in Unix seconds.
    pub iat: i64,
    /// Number of certificates.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
}

/// A certificate in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LogEntry)]
pub struct LogEntry {
    /// Its place, from 0.
    pub index: u64,
    /// The certificate's id: the regulation's id and the attempt.
    pub jti: String,
    /// SHA-256 of a zero byte and the certificate in compact form, in hex.
    #[schema(value_type = String)]
    pub leaf: Hash,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof};

    use super::*;

    /// As the store keeps it: every full subtree by its place.
    struct Kept {
        nodes: HashMap<Node, Hash>,
        heads: Vec<LogHead>,
    }

    fn kept(size: u64) -> Kept {
        let mut kept = Kept { nodes: HashMap::new(), heads: vec![LogHead::default()] };
        let mut head = LogHead::default();
        for index in 0..size {
            kept.nodes.extend(head.append(Hash::leaf(&format!("certificate {index}"))));
            kept.heads.push(head.clone());
        }
        kept
    }

    impl Kept {
        fn hashes(&self, ranges: Vec<Range<u64>>) -> Vec<u8> {
            let of = |range| root(subtrees(range).iter().map(|node| self.nodes[node])).expect("leaves").0;
            ranges.into_iter().flat_map(of).collect()
        }
    }

    #[test]
    fn another_implementation_finds_the_same_roots_and_takes_every_proof() {
        const SIZE: u64 = 70;
        let kept = kept(SIZE);
        let mut theirs = MemoryBackedTree::<Sha256, String>::new();
        let mut roots = vec![theirs.root()];
        for index in 0..SIZE {
            theirs.push(format!("certificate {index}"));
            roots.push(theirs.root());
        }
        for (head, root) in kept.heads.iter().zip(&roots).skip(1) {
            assert_eq!(head.root().0[..], root.as_bytes()[..], "of {}", head.size);
        }
        for size in 1..=SIZE {
            let root = &roots[size as usize];
            for index in 0..size {
                let proof = InclusionProof::<Sha256>::try_from_bytes(kept.hashes(path(index, size)))
                    .expect("a proof");
                let leaf = format!("certificate {index}");
                root.verify_inclusion(&leaf, index, &proof)
                    .unwrap_or_else(|e| panic!("{index} of {size}: {e}"));
                assert!(root.verify_inclusion(&"another".to_owned(), index, &proof).is_err());
            }
            for before in 1..size {
                let proof = kept.hashes(consistency(before, size));
                let proof = ConsistencyProof::<Sha256>::try_from_bytes(proof).expect("a proof");
                root.verify_consistency(&roots[before as usize], &proof)
                    .unwrap_or_else(|e| panic!("{before} to {size}: {e}"));
            }
        }
    }

    /// The leaves and roots of the reference implementation of RFC 6962 (google/certificate-transparency, `merkletree`).
    const REFERENCE: [(&str, &str); 8] = [
        ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ("\0", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        ("\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (" !", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ("01", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        ("@ABC", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        ("PQRSTUVW", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        ("`abcdefghijklmno", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ];

    #[test]
    fn roots_are_those_of_the_reference_implementation() {
        let mut head = LogHead::default();
        assert_eq!(
            head.root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in REFERENCE {
            head.append(Hash::leaf(leaf));
            assert_eq!(head.root().to_string(), root, "of {}", head.size);
        }
        assert!(Hash::try_from("zz".to_owned()).is_err());
    }
}
