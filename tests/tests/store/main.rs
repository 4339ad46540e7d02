//! The store against the local AWS: each conditional write by itself, and every step twice, as a retry does whose first
//! answer was lost. The tables are the template's own.

mod access;
mod batches;
mod certificate_log;
mod deadlines;
mod group_commit;
mod kept;
mod orders;
mod places;
mod regulations;
mod runs;
mod subjects;
mod suppressions;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Store, Tables};
use tests::aws::{Aws, Endpoint, REGION};
use tests::process::root;
use tokio::sync::OnceCell;

static AWS: OnceCell<Aws> = OnceCell::const_new();
static STACKS: AtomicU16 = AtomicU16::new(1);

/// A test's own tables.
struct Fixture {
    store: Store,
    tables: Tables,
    aws: Endpoint,
}

impl Fixture {
    async fn new() -> Result<Self> {
        let log = root().join(".local/logs/test-store-aws.log");
        let aws = AWS.get_or_try_init(|| Aws::start(&log)).await?.endpoint;
        let name = format!("store{}", STACKS.fetch_add(1, Ordering::Relaxed));
        let template = tables_of(&fs::read_to_string(root().join("infra/template.yaml"))?);
        aws.create_stack(&name, &[("TemplateBody", &template)]).await?;
        let tables: BTreeMap<String, String> = aws.resources(&name).await?.into_iter().collect();
        let table = |id: &str| tables.get(id).cloned().with_context(|| format!("the template has no {id}"));
        let tables = Tables {
            regulations: table("RegulationsTable")?,
            suppressions: table("SuppressionsTable")?,
            sources: table("SourcesTable")?,
            destinations: table("DestinationsTable")?,
            runs: table("RunsTable")?,
            access: table("AccessTable")?,
        };
        Ok(Self { store: Store::new(&config(aws), tables.clone()), tables, aws })
    }

    /// Writes an item, given in DynamoDB's own JSON.
    async fn put(&self, table: &str, item: &Value) -> Result<()> {
        let put = serde_json::json!({ "TableName": table, "Item": item });
        self.aws.call("dynamodb", "DynamoDB_20120810.PutItem", put).await.map(drop)
    }
}

/// The tables alone of the template, and a key to encrypt them with.
fn tables_of(template: &str) -> String {
    let mut tables = "Resources:\n  DataKey: { Type: \"AWS::KMS::Key\" }\n".to_owned();
    let lines: Vec<&str> = template.lines().collect();
    let mut inside = false;
    for (n, line) in lines.iter().enumerate() {
        if line.len() > 2 && line.starts_with("  ") && !line[2..].starts_with([' ', '#']) {
            inside = lines.get(n + 1).is_some_and(|next| next.trim() == "Type: AWS::DynamoDB::Table");
        }
        if inside {
            tables.push_str(line);
            tables.push('\n');
        }
    }
    tables
}

fn config(aws: Endpoint) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "local",
        )))
        .endpoint_url(aws.url())
        .build()
}

/// Does a step twice, as if the first answer had been lost, and answers both answers.
async fn twice<T, E>(step: impl AsyncFn() -> Result<T, E>) -> Result<(T, T), E> {
    Ok((step().await?, step().await?))
}

/// A value of the domain, from its JSON.
fn of<T: DeserializeOwned>(json: Value) -> Result<T> {
    Ok(serde_json::from_value(json)?)
}

/// A time, in minutes after one that all tests share.
fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56) + SignedDuration::from_mins(minute)
}
