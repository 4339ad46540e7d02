//! The table `sources`: each source, and beside it one item per write key that leads to it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::{Store, failure, first_refused, text, to_item};
use model::failure::{Failure, Result};
use model::source::{KeyHash, Source, SourceId};

const SOURCE: &str = "SOURCE";
const KEY: &str = "KEY#";

/// The source that a write key belongs to.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Leads {
    source_id: SourceId,
}

impl Store {
    /// Stores a new source with its keys.
    ///
    /// # Errors
    /// `Invalid`, if there is or was one of that id.
    pub async fn create_source(&self, source: &Source) -> Result<()> {
        let new = "attribute_not_exists(pk)";
        let taken = || Failure::invalid("there is or was a source of this id").field("id");
        self.write_source(source, &[], new, None).await?.then_some(()).ok_or_else(taken)
    }

    /// Stores a changed source, and adds or removes the items of its keys.
    ///
    /// # Errors
    /// `Invalid`, if it was changed concurrently.
    pub async fn change_source(&self, before: &Source, mut after: Source) -> Result<Source> {
        after.revision = before.revision + 1;
        let (condition, revision) = ("revision = :before", Some(before.revision));
        let hashes = |source: &Source| -> BTreeSet<String> {
            source.write_keys.iter().map(|key| key.hash.as_str().to_owned()).collect()
        };
        let gone: Vec<String> = hashes(before).difference(&hashes(&after)).cloned().collect();
        if self.write_source(&after, &gone, condition, revision).await? {
            return Ok(after);
        }
        Err(Failure::invalid("somebody else changed this source meanwhile: read it and try again"))
    }

    /// Writes a source and its keys. Returns whether the condition held.
    async fn write_source(
        &self,
        source: &Source,
        gone: &[String],
        condition: &str,
        revision: Option<u64>,
    ) -> Result<bool> {
        let table = &self.tables.sources;
        let unbuildable = |e| Failure::permanent("a write cannot be built").detail(e);
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(to_item(SOURCE, source.id.as_str(), source)?))
            .condition_expression(condition)
            .set_expression_attribute_values(
                revision.map(|number| [(":before".to_owned(), AttributeValue::N(number.to_string()))].into()),
            );
        let put = put.build().map_err(unbuildable)?;
        let mut request =
            self.client.transact_write_items().transact_items(TransactWriteItem::builder().put(put).build());
        for key in &source.write_keys {
            let leads = to_item(&pk(key.hash.as_str()), SOURCE, &Leads { source_id: source.id.clone() })?;
            let put = Put::builder().table_name(table).set_item(Some(leads)).build().map_err(unbuildable)?;
            request = request.transact_items(TransactWriteItem::builder().put(put).build());
        }
        for hash in gone {
            let delete =
                Delete::builder().table_name(table).key("pk", text(&pk(hash))).key("sk", text(SOURCE));
            let delete = delete.build().map_err(unbuildable)?;
            request = request.transact_items(TransactWriteItem::builder().delete(delete).build());
        }
        match request.send().await {
            Ok(_) => Ok(true),
            // The source's own condition is the first of the transaction.
            Err(e) if first_refused(&e) => Ok(false),
            Err(e) => Err(failure(&e)),
        }
    }

    /// A source, even a deleted one.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn source(&self, id: &SourceId) -> Result<Option<Source>> {
        self.get(&self.tables.sources, (SOURCE, id.as_str())).await
    }

    /// All sources, by id, deleted ones included.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn sources(&self) -> Result<Vec<Source>> {
        self.all_under(&self.tables.sources, SOURCE).await
    }

    /// The source that a write key belongs to.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn source_of(&self, key: &KeyHash) -> Result<Option<Source>> {
        let leads: Option<Leads> = self.get(&self.tables.sources, (&pk(key.as_str()), SOURCE)).await?;
        let Some(leads) = leads else { return Ok(None) };
        self.source(&leads.source_id).await
    }
}

fn pk(hash: &str) -> String {
    format!("{KEY}{hash}")
}
