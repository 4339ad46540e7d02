//! The table `destinations`.

use crate::{Store, failure, from_item, text, to_item};
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::DestinationId;

/// The sort key of a destination's item.
const META: &str = "META";

impl Store {
    /// Stores a destination.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_destination(&self, destination: &Destination) -> Result<()> {
        let item = to_item(destination.id.as_str(), META, destination)?;
        self.put(&self.tables.destinations, item).await
    }

    /// A destination.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call or there is no such
    /// destination.
    pub async fn destination(&self, id: &DestinationId) -> Result<Destination> {
        let found = self.find_destination(id).await?;
        found.ok_or_else(|| Failure::permanent(format!("the destination {id} is no longer there")))
    }

    /// A destination, if there is one of this id.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn find_destination(&self, id: &DestinationId) -> Result<Option<Destination>> {
        self.get(&self.tables.destinations, (id.as_str(), META)).await
    }

    /// All destinations, in the order in which they were connected.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn destinations(&self) -> Result<Vec<Destination>> {
        let scan = self.client.scan().table_name(&self.tables.destinations).consistent_read(true);
        let scan = scan.filter_expression("sk = :meta").expression_attribute_values(":meta", text(META));
        let items = scan.into_paginator().items().send().try_collect().await.map_err(|e| failure(&e))?;
        let mut all: Vec<Destination> = items.into_iter().map(from_item).collect::<Result<_>>()?;
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }
}
