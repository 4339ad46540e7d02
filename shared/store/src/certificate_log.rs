//! The [log of certificates](model::log) in the table `access`: its head, and every full subtree by its place; and the public
//! keys that ever signed.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{Item, Store, number, page_failure, text, to_item, unless_refused};
use lambda::clock::pause_of;
use model::certificate::Jwk;
use model::failure::{Failure, Result};
use model::log::{Hash, LogEntry, LogHead, Node, root, subtrees};

const LOG: &str = "LOG";
const HEAD: &str = "HEAD";
const SIGNED: &str = "SIGNED";
const ENTRY: &str = "LOG_ENTRY";
const CERTIFICATE: &str = "LOG_CERTIFICATE";
const KEY: &str = "SIGNING_KEY";

/// How often appending is tried, since others may be faster, and the longest pause before another try.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(150);
/// How many subtrees are read at once.
const READS: usize = 16;

#[derive(Serialize, Deserialize)]
struct Kept {
    hash: Hash,
}

/// The signed head of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// Number of certificates.
    pub size: u64,
    /// The head as a JWS.
    pub head: String,
}

impl Store {
    /// Appends a certificate, unless it is in the log. Returns its place, from 0.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached, or if others were faster each time; `Permanent`, if it
    /// refuses the call, or if another certificate of this id is in the log.
    pub async fn log_certificate(&self, jti: &str, leaf: Hash) -> Result<u64> {
        for _ in 0..TRIES {
            if let Some(entry) = self.log_entry(jti).await? {
                return match entry.leaf == leaf {
                    true => Ok(entry.index),
                    false => Err(Failure::permanent("another certificate of this id is in the log")),
                };
            }
            let mut head = self.log_head().await?;
            let entry = LogEntry { index: head.size, jti: jti.to_owned(), leaf };
            let nodes = head.append(leaf);
            let mut items = vec![
                self.first(to_item(CERTIFICATE, jti, &entry)?)?,
                self.first(to_item(ENTRY, &place(entry.index), &entry)?)?,
                self.head_after(&head)?,
            ];
            for (node, hash) in nodes {
                items.push(self.first(to_item(LOG, &node_key(node), &Kept { hash })?)?);
            }
            if self.together(items).await?.is_none() {
                return Ok(entry.index);
            }
            pause_of(PAUSE).await;
        }
        Err(Failure::transient("certificates are sealed too often at once"))
    }

    /// An item that is not there yet.
    fn first(&self, item: Item) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.tables.access).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build();
        let put = put.map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The head after one more certificate.
    fn head_after(&self, head: &LogHead) -> Result<TransactWriteItem> {
        let item = to_item(LOG, HEAD, head)?;
        if head.size == 1 {
            return self.first(item);
        }
        let put = Put::builder()
            .table_name(&self.tables.access)
            .set_item(Some(item))
            .condition_expression("#size = :before")
            .expression_attribute_names("#size", "size")
            .expression_attribute_values(":before", number(head.size - 1))
            .build()
            .map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The head of the log.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn log_head(&self) -> Result<LogHead> {
        Ok(self.get(&self.tables.access, (LOG, HEAD)).await?.unwrap_or_default())
    }

    /// The entry of a certificate.
    ///
    /// # Errors
    /// As [`Store::log_head`].
    pub async fn log_entry(&self, jti: &str) -> Result<Option<LogEntry>> {
        self.get(&self.tables.access, (CERTIFICATE, jti)).await
    }

    /// Entries from this place on, in order, up to `count`.
    ///
    /// # Errors
    /// As [`Store::log_head`].
    pub async fn log_entries(&self, from: u64, count: i32) -> Result<Vec<LogEntry>> {
        let reply = self
            .client
            .query()
            .table_name(&self.tables.access)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk >= :from")
            .expression_attribute_values(":pk", text(ENTRY))
            .expression_attribute_values(":from", text(&place(from)))
            .limit(count)
            .send()
            .await
            .map_err(|e| page_failure(None, &e))?;
        reply.items.unwrap_or_default().into_iter().map(crate::from_item).collect()
    }

    /// The hash over each of these ranges of leaves, which a path or a consistency proof is made of.
    ///
    /// # Errors
    /// As [`Store::log_head`]; `Permanent` too, if the log is shorter.
    pub async fn log_hashes(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Hash>> {
        let whole = async |range: Range<u64>| {
            let hashes: Vec<Hash> = stream::iter(subtrees(range))
                .map(|node| self.log_node(node))
                .buffered(READS)
                .try_collect()
                .await?;
            root(hashes.into_iter()).ok_or_else(|| Failure::permanent("no certificate is in this range"))
        };
        stream::iter(ranges).then(whole).try_collect().await
    }

    async fn log_node(&self, node: Node) -> Result<Hash> {
        let kept: Option<Kept> = self.get(&self.tables.access, (LOG, &node_key(node))).await?;
        kept.map(|kept| kept.hash).ok_or_else(|| Failure::permanent("the log is shorter"))
    }

    /// Stores a signed head, unless one of a longer log is stored.
    ///
    /// # Errors
    /// As [`Store::log_head`].
    pub async fn keep_signed_head(&self, signed: &SignedHead) -> Result<()> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.access)
            .set_item(Some(to_item(LOG, SIGNED, signed)?))
            .condition_expression("attribute_not_exists(pk) OR #size < :size")
            .expression_attribute_names("#size", "size")
            .expression_attribute_values(":size", number(signed.size));
        unless_refused(put.send().await)
    }

    /// The last signed head; none before the first certificate.
    ///
    /// # Errors
    /// As [`Store::log_head`].
    pub async fn signed_head(&self) -> Result<Option<SignedHead>> {
        self.get(&self.tables.access, (LOG, SIGNED)).await
    }

    /// Keeps a public key for good, so that what it signed can be checked when another has taken its place.
    ///
    /// # Errors
    /// As [`Store::log_head`].
    pub async fn keep_key(&self, key: &Jwk) -> Result<()> {
        let put = self.client.put_item().table_name(&self.tables.access);
        let put = put.set_item(Some(to_item(KEY, &key.kid, key)?));
        unless_refused(put.condition_expression("attribute_not_exists(pk)").send().await)
    }

    /// Every public key that was kept.
    ///
    /// # Errors
    /// As [`Store::log_head`].
    pub async fn kept_keys(&self) -> Result<Vec<Jwk>> {
        self.all_under(&self.tables.access, KEY).await
    }
}

fn place(index: u64) -> String {
    format!("{index:012}")
}

fn node_key(node: Node) -> String {
    format!("NODE#{:02}#{}", node.level, place(node.index))
}
