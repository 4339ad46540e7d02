//! The DynamoDB tables.
//!
//! | table | key | holds |
//! |---|---|---|
//! | regulations | regulation id, part | the regulation, its subjects until it is sealed, its tasks, its evidence; batches |
//! | | pseudonym, regulation id | regulations by subject |
//! | suppressions | subject, part | the suppression list, and what else `collect` knows of people |
//! | sources | kind, id | sources, and which source a write key belongs to |
//! | destinations | destination id | configuration; the secrets are in Secrets Manager; time slots for calls |
//! | runs | kind, id | regulations that wait for a purge run; the lock; the runs |
//! | | destination, regulation id | regulations that wait at a warehouse; the lease of their leader |
//! | access | kind, id | API tokens and their use; the audit trail; responses kept for repeated requests |

mod batches;
mod certificate_log;
mod coverage;
mod destinations;
mod entry;
mod figures;
mod group_commit;
mod idempotency;
mod links;
mod paging;
mod pair;
mod people;
mod regulations;
mod resolved;
mod runs;
mod search;
mod sighting;
mod slots;
mod sources;
mod subjects;
mod suppressions;
mod tasks;
mod tokens;
mod trail;
mod waiting;

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use lambda::environment;
use model::failure::{Failure, Result};
use model::subject::Subject;

pub use batches::REFUSALS_PER_ITEM;
pub use certificate_log::SignedHead;
pub use figures::Tallied;
pub use idempotency::{Answer, Claim, Replay};
pub use runs::{Run, RunLock, RunProgress};
pub use search::{Order, RegulationFilter};
pub use sighting::Sighting;
pub use slots::Slots;
pub use suppressions::{Change, Suppressed};
pub use trail::TrailFilter;
pub use waiting::Waiting;

/// The names of the tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Regulations, with subjects, tasks and evidence.
    pub regulations: String,
    /// The suppression list, and what is known of people.
    pub suppressions: String,
    /// Sources and their write keys.
    pub sources: String,
    /// Destinations, and time slots for calls.
    pub destinations: String,
    /// Purge runs, and regulations that wait.
    pub runs: String,
    /// Tokens, the audit trail, kept responses.
    pub access: String,
}

/// The tables of one installation.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: Tables,
}

/// A page of a list and the cursor of the next one.
#[derive(Debug)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

type Item = HashMap<String, AttributeValue>;

/// The most concurrent calls about people.
const CONCURRENCY: usize = 64;

/// The sort key of a subject's item that `collect` reads.
const PERSON: &str = "PERSON";

impl Store {
    /// The tables that the environment names. Of a table that the function does not use, the name is empty.
    pub fn from_env(config: &SdkConfig) -> Self {
        let name = |variable| environment::required(variable).unwrap_or_default();
        let tables = Tables {
            regulations: name("REGULATIONS_TABLE"),
            suppressions: name("SUPPRESSIONS_TABLE"),
            sources: name("SOURCES_TABLE"),
            destinations: name("DESTINATIONS_TABLE"),
            runs: name("RUNS_TABLE"),
            access: name("ACCESS_TABLE"),
        };
        Self::new(config, tables)
    }

    /// The tables of these names.
    pub fn new(config: &SdkConfig, tables: Tables) -> Self {
        Self { client: Client::new(config), tables }
    }

    async fn get<T: DeserializeOwned>(&self, table: &str, key: (&str, &str)) -> Result<Option<T>> {
        let request = self.client.get_item().table_name(table).consistent_read(true);
        let reply =
            request.key("pk", text(key.0)).key("sk", text(key.1)).send().await.map_err(|e| failure(&e))?;
        reply.item.map(from_item).transpose()
    }

    /// Every item under `pk` whose `sk` begins with `prefix`, in order.
    async fn all<T: DeserializeOwned>(&self, table: &str, pk: &str, prefix: &str) -> Result<Vec<T>> {
        let query = self
            .client
            .query()
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":prefix", text(prefix));
        self.read_all(query, table, pk).await
    }

    /// Every item under `pk`, in order.
    async fn all_under<T: DeserializeOwned>(&self, table: &str, pk: &str) -> Result<Vec<T>> {
        self.read_all(self.client.query().key_condition_expression("pk = :pk"), table, pk).await
    }

    async fn read_all<T: DeserializeOwned>(
        &self,
        query: QueryFluentBuilder,
        table: &str,
        pk: &str,
    ) -> Result<Vec<T>> {
        let query =
            query.table_name(table).consistent_read(true).expression_attribute_values(":pk", text(pk));
        paging::all(query).await
    }

    async fn put(&self, table: &str, item: Item) -> Result<()> {
        let request = self.client.put_item().table_name(table).set_item(Some(item));
        request.send().await.map(drop).map_err(|e| failure(&e))
    }

    async fn delete(&self, table: &str, key: (&str, &str)) -> Result<()> {
        let request = self.client.delete_item().table_name(table);
        request.key("pk", text(key.0)).key("sk", text(key.1)).send().await.map_err(|e| failure(&e))?;
        Ok(())
    }
}

fn person_key(subject: &Subject) -> String {
    format!("{}#{}", subject.kind.as_str(), subject.id)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn value<T: Serialize>(value: &T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|e| Failure::permanent("a value cannot be stored").detail(e))
}

fn to_item<T: Serialize>(pk: &str, sk: &str, value: &T) -> Result<Item> {
    let mut item: Item =
        serde_dynamo::to_item(value).map_err(|e| Failure::permanent("an item cannot be stored").detail(e))?;
    item.insert("pk".into(), text(pk));
    item.insert("sk".into(), text(sk));
    Ok(item)
}

fn from_item<T: DeserializeOwned>(item: Item) -> Result<T> {
    serde_dynamo::from_item(item).map_err(|_| Failure::permanent("a stored item is not of the expected form"))
}

fn failure<E>(error: &E) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error,
{
    aws::failure("DynamoDB", error)
}

/// A write whose condition did not hold is no longer wanted: no failure.
fn unless_refused<T, E>(reply: Result<T, SdkError<E>>) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if_held(reply).map(drop)
}

/// Whether a transaction was cancelled: a condition did not hold, or another transaction was writing the same items.
fn is_cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    matches!(
        error.as_service_error(),
        Some(
            TransactWriteItemsError::TransactionCanceledException(_)
                | TransactWriteItemsError::TransactionInProgressException(_)
        )
    ) || error.as_service_error().is_some_and(|e| e.code() == Some("TransactionConflictException"))
}

/// Whether the condition of the first write of a transaction did not hold.
fn first_refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return false;
    };
    let first = cancelled.cancellation_reasons().first().and_then(|reason| reason.code());
    first == Some("ConditionalCheckFailed")
}

/// Whether the condition of a write held.
fn if_held<T, E>(reply: Result<T, SdkError<E>>) -> Result<bool>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match reply {
        Ok(_) => Ok(true),
        Err(e) if e.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(e) => Err(failure(&e)),
    }
}

/// The failure of a query for a page: DynamoDB rejects a cursor that was given out for another list.
fn page_failure<E>(from: Option<&str>, error: &E) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error,
{
    match error.code() {
        Some("ValidationException") if from.is_some() => not_given_out(),
        _ => failure(error),
    }
}

fn not_given_out() -> Failure {
    Failure::invalid("pagination.cursor is not one that was given out for this list")
        .field("pagination.cursor")
}

/// The cursor of the page after `last`. It holds keys: encrypt it before a client sees it.
fn cursor(last: Option<Item>) -> Option<String> {
    let keys: HashMap<String, String> =
        last?.into_iter().filter_map(|(name, value)| Some((name, value.as_s().ok()?.clone()))).collect();
    serde_json::to_vec(&keys).ok().map(|json| BASE64_URL_SAFE_NO_PAD.encode(json))
}

fn start(cursor: Option<&str>) -> Result<Option<Item>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    let keys: Option<HashMap<String, String>> = json.and_then(|json| serde_json::from_slice(&json).ok());
    let keys = keys.ok_or_else(not_given_out)?;
    Ok(Some(keys.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect()))
}
