//! What yesterday's code wrote is read by today's: items of tables, files of a purge run, and what tasks remember. A deployment
//! meets all of these half-way. `SAMPLES=2027-01 cargo test --workspace --test e2e -- samples::kept` takes new samples, which are
//! added to those that are here; none is ever changed.

use std::fs;

use anyhow::{Context, Result, ensure};
use archive::listing::ListingProgress;
use archive::run_plan::{ObjectBatch, Results, RunPlan};
use forward::engine::VendorProgress;
use model::destination::Destination;
use model::regulation::Regulation;
use model::task::Task;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Run, RunLock, Waiting};
use tests::process::root;
use warehouses::erasure::ErasureProgress;

#[test]
fn what_was_kept_is_read() -> Result<()> {
    let mut read = 0;
    for file in fs::read_dir(root().join("tests/samples"))? {
        let file = file?.path();
        let kinds: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        for (kind, samples) in kinds.as_object().context("samples by kind")? {
            for sample in samples.as_array().context("a list of samples")? {
                let again = match kind.as_str() {
                    "runPlan" => again::<RunPlan>(sample),
                    "listing" => again::<ListingProgress>(sample),
                    "batch" => again::<ObjectBatch>(sample),
                    "results" => again::<Results>(sample),
                    "regulation" => again::<Regulation>(sample),
                    "destination" => again::<Destination>(sample),
                    "task" => again::<Task>(sample),
                    "vendorProgress" => again::<VendorProgress>(sample),
                    "erasureProgress" => again::<ErasureProgress>(sample),
                    "waiting" => again::<Waiting>(sample),
                    "run" => again::<Run>(sample),
                    "lock" => read_only::<RunLock>(sample),
                    _ => Err(anyhow::anyhow!("no type reads it")),
                };
                let again = again.with_context(|| format!("{kind} of {}: {sample:#}", file.display()))?;
                ensure!(
                    holds(&again, sample),
                    "{kind} of {} loses something: {sample:#} {again:#}",
                    file.display()
                );
                read += 1;
            }
        }
    }
    ensure!(read >= 12, "{read} samples");
    Ok(())
}

/// A sample, read and written again.
fn again<T: DeserializeOwned + Serialize>(sample: &Value) -> Result<Value> {
    let value: T = serde_json::from_value(sample.clone())?;
    Ok(serde_json::to_value(value)?)
}

fn read_only<T: DeserializeOwned>(sample: &Value) -> Result<Value> {
    serde_json::from_value::<T>(sample.clone())?;
    Ok(sample.clone())
}

/// Whether everything that is in `old` is in `new`, but for keys and what only the store knows.
fn holds(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old.iter().all(|(name, old)| {
            STORES_OWN.contains(&name.as_str())
                || RETIRED.contains(&name.as_str())
                || old.is_null()
                || new.get(name).is_some_and(|new| holds(new, old))
        }),
        (Value::Array(new), Value::Array(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| holds(new, old))
        }
        (new, old) => new == old,
    }
}

/// What today's code has no use for. Of reports: `shared` counts what `envelope` only told of a whole object, and a run that is
/// under way reads the object once more before it ends.
const RETIRED: [&str; 1] = ["envelope"];

/// Keys, and what indexes and TTL go by.
const STORES_OWN: [&str; 8] = ["pk", "sk", "list", "ttl", "waitsSince", "dueBy", "listings", "begun"];
