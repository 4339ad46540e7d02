//! Reads of many items: a page for a client, or all of them.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::de::DeserializeOwned;

use crate::{Page, cursor, failure, from_item, page_failure, start};
use model::failure::Result;

/// A page of what a query finds, after the page that ended with `from`.
///
/// # Errors
/// `Invalid` for a cursor that was never given out; `Transient`, if DynamoDB throttles or cannot be reached;
/// `Permanent`, if it refuses the call or an item is not of the expected form.
pub async fn page<T: DeserializeOwned>(
    query: QueryFluentBuilder,
    count: i32,
    from: Option<&str>,
) -> Result<Page<T>> {
    let reply = query.limit(count).set_exclusive_start_key(start(from)?).send().await;
    let reply = reply.map_err(|e| page_failure(from, &e))?;
    let items = reply.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_>>()?;
    Ok(Page { items, next: cursor(reply.last_evaluated_key) })
}

/// All that a query finds, in order.
///
/// # Errors
/// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call or an item is not of
/// the expected form.
pub async fn all<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>> {
    let items = query.into_paginator().items().send().try_collect().await.map_err(|e| failure(&e))?;
    items.into_iter().map(from_item).collect()
}
