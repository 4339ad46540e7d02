//! The table `destinations`: each destination, and beside it one item per exception.

use crate::{Store, failure, from_item, if_held, text, to_item};
use model::destination::Destination;
use model::exception::Exception;
use model::failure::{Failure, Result};
use model::id::DestinationId;

/// The sort key of a destination's item.
const META: &str = "META";

/// The fields of a destination that a change may concern.
const FIELDS: [&str; 5] = ["name", "settings", "enabledFrom", "enabledUntil", "enabledEarlier"];

impl Store {
    /// Stores a destination.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_destination(&self, destination: &Destination) -> Result<()> {
        let item = to_item(destination.id.as_str(), META, destination)?;
        self.put(&self.tables.destinations, item).await
    }

    /// Stores a changed destination, if it is stored as it was `before`. Returns whether it is.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn change_destination(&self, before: &Destination, after: &Destination) -> Result<bool> {
        let stored = to_item(before.id.as_str(), META, before)?;
        let item = to_item(after.id.as_str(), META, after)?;
        let mut put = self.client.put_item().table_name(&self.tables.destinations).set_item(Some(item));
        let mut conditions = Vec::new();
        for (at, field) in FIELDS.into_iter().enumerate() {
            put = put.expression_attribute_names(format!("#f{at}"), field);
            conditions.push(match stored.get(field) {
                Some(value) => {
                    put = put.expression_attribute_values(format!(":v{at}"), value.clone());
                    format!("#f{at} = :v{at}")
                }
                None => format!("attribute_not_exists(#f{at})"),
            });
        }
        if_held(put.condition_expression(conditions.join(" AND ")).send().await)
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

    /// Stores an exception of a destination.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_exception(&self, of: &DestinationId, exception: &Exception) -> Result<()> {
        let item = to_item(of.as_str(), exception.id.as_str(), exception)?;
        self.put(&self.tables.destinations, item).await
    }

    /// Stores an exception that somebody ended, unless it has ended before. Returns whether it is stored.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn end_exception(&self, of: &DestinationId, exception: &Exception) -> Result<bool> {
        let item = to_item(of.as_str(), exception.id.as_str(), exception)?;
        let put = self.client.put_item().table_name(&self.tables.destinations).set_item(Some(item));
        if_held(put.condition_expression("attribute_not_exists(endedAt)").send().await)
    }

    /// All exceptions of a destination, in the order in which they were made, ended ones included.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn exceptions(&self, of: &DestinationId) -> Result<Vec<Exception>> {
        self.all(&self.tables.destinations, of.as_str(), "exc_").await
    }
}
