//! The tokens in the table `access`, and how often each was used.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, Update};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{Store, failure, text, to_item, unless_refused};
use model::failure::Result;
use model::id::{RegulationId, TokenId};
use model::token::Token;

const TOKEN: &str = "TOKEN";

/// Counters of creations, by caller; the sort key is the minute.
const RATE: &str = "RATE#";

impl Store {
    /// Keeps a new token.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_token(&self, token: &Token) -> Result<()> {
        let item = to_item(TOKEN, token.id.as_str(), token)?;
        self.put(&self.tables.access, item).await
    }

    /// A token.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn token(&self, id: &TokenId) -> Result<Option<Token>> {
        self.get(&self.tables.access, (TOKEN, id.as_str())).await
    }

    /// All tokens, the newest first, ended ones included.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let mut all: Vec<Token> = self.all(&self.tables.access, TOKEN, "tok_").await?;
        all.reverse();
        Ok(all)
    }

    /// Revokes a token; its record is kept. Harmless when it is revoked already.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn revoke_token(&self, id: &TokenId, at: Timestamp) -> Result<()> {
        self.mark_token(id, "revokedAt", at, "attribute_exists(pk) AND attribute_not_exists(revokedAt)").await
    }

    /// Notes when a token was used.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn use_token(&self, id: &TokenId, at: Timestamp) -> Result<()> {
        self.mark_token(id, "lastUsedAt", at, "attribute_exists(pk)").await
    }

    async fn mark_token(&self, id: &TokenId, field: &str, at: Timestamp, condition: &str) -> Result<()> {
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.access)
            .key("pk", text(TOKEN))
            .key("sk", text(id.as_str()))
            .update_expression(format!("SET {field} = :at"))
            .condition_expression(condition)
            .expression_attribute_values(":at", text(&at.to_string()));
        unless_refused(request.send().await)
    }

    /// The write that binds a request-only token to the regulation that it makes, on condition that it has made no
    /// other.
    pub(crate) fn binding(&self, id: &TokenId, regulation: &RegulationId) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.access)
            .key("pk", text(TOKEN))
            .key("sk", text(id.as_str()))
            .update_expression("SET regulationId = :regulation")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(regulationId) OR regulationId = :regulation)",
            )
            .expression_attribute_values(":regulation", text(regulation.as_str()))
    }

    /// Counts a creation by a caller in a minute, given in minutes since 1970. Returns the count, which all Lambdas
    /// share.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn count(&self, caller: &str, minute: i64) -> Result<u32> {
        #[derive(Deserialize)]
        struct Count {
            used: u32,
        }
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.access)
            .key("pk", text(&format!("{RATE}{caller}")))
            .key("sk", text(&minute.to_string()))
            .update_expression("ADD used :one SET #ttl = :end")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", AttributeValue::N("1".into()))
            .expression_attribute_values(":end", AttributeValue::N(((minute + 60) * 60).to_string()))
            .return_values(ReturnValue::AllNew);
        let reply = request.send().await.map_err(|e| failure(&e))?;
        super::from_item(reply.attributes.unwrap_or_default()).map(|count: Count| count.used)
    }
}
