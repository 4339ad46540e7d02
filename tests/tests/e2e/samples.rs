//! Every function has a sample event for `make watch`, and answers it on the local stack: with a reply, or an error of its own.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::process::root;
use tests::stack::functions;
use tests::traces::items;
use tests::vendors::Fault;
use tests::world::World;

use crate::runs::guarded;

/// What is not on any stack: the ids in the samples.
const OWN_ERRORS: [&str; 3] = ["Permanent", "Transient", "Invalid"];

#[tokio::test]
async fn every_function_answers_its_sample_event() -> Result<()> {
    let world = World::new().await?;
    for function in functions()? {
        let file = root().join("functions").join(&function).join("event.json");
        let event = fs::read_to_string(&file).with_context(|| format!("{} is missing", file.display()))?;
        let event: Value = serde_json::from_str(&event)?;
        let answer = world.stack.invoke(&function, &event).await?;
        match answer["errorType"].as_str() {
            Some(kind) => assert!(OWN_ERRORS.contains(&kind), "{function}: {answer}"),
            None => assert!(
                answer["statusCode"].as_u64().is_none_or(|status| status < 500),
                "{function}: {answer}"
            ),
        }
    }
    Ok(())
}

/// What `make deploy` does last.
#[tokio::test]
async fn a_deployed_stack_answers_the_smoke_test() -> Result<()> {
    let world = World::new().await?;
    let mut smoke = Command::new(root().join(".venv/bin/python"));
    smoke.arg(root().join("infra/local/smoke.py")).arg(&world.stack.name);
    world.stack.aws.give_to(&mut smoke);
    let said = tokio::task::spawn_blocking(move || smoke.output()).await??;
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stdout).contains("looked at 3 destination(s)"), "{said:?}");
    Ok(())
}

/// Takes samples of what is kept while work is under way, if `SAMPLES` names a file for them: `tests/tests/store/kept.rs` reads
/// all that were ever taken.
#[tokio::test]
async fn kept_samples_are_taken() -> Result<()> {
    let Ok(name) = std::env::var("SAMPLES") else { return Ok(()) };
    let (world, _, _) = guarded().await?;
    world.braze.world().faults = [Fault::ServerError; 5].into();
    world.stack.api.erase(&["ada"]).await?;
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let mut samples = json!({});
    let mut take = |kind: &str, sample: Value| {
        let all = &mut samples[kind];
        if let Some(all) = all.as_array_mut() {
            all.push(sample);
        } else {
            *all = json!([sample]);
        }
    };
    let bucket = world.stack.output("LetheBucket")?;
    let listed = world.s3.list_objects_v2().bucket(bucket).prefix("runs/").send().await?;
    for key in listed.contents().iter().filter_map(|object| object.key()) {
        let body = world.s3.get_object().bucket(bucket).key(key).send().await?.body.collect().await?.to_vec();
        let kind = match key {
            key if key.ends_with("plan.json") => "runPlan",
            key if key.ends_with("listing.json") => "listing",
            key if key.ends_with("results.json") => "results",
            key if key.ends_with("manifest.json") => continue,
            _ => "batch",
        };
        take(kind, serde_json::from_slice(&body)?);
    }
    for table in ["RegulationsTable", "RunsTable", "DestinationsTable"] {
        for item in items(&world, table).await?.iter().map(plain) {
            let (pk, sk) = (item["pk"].as_str().unwrap_or_default(), item["sk"].as_str().unwrap_or_default());
            match (pk, sk) {
                (_, "META") if pk.starts_with("reg_") => take("regulation", item),
                (_, sk) if sk.starts_with("TASK#") => {
                    let kind = match item["kind"].as_str() {
                        Some("CLOUD") => Some("vendorProgress"),
                        Some("WAREHOUSE") => Some("erasureProgress"),
                        _ => None,
                    };
                    if let (Some(kind), true) = (kind, item["progress"].is_object()) {
                        take(kind, item["progress"].clone());
                    }
                    take("task", item);
                }
                ("RUN", _) => take("run", item),
                ("WAITING", _) => take("waiting", item),
                ("LOCK", _) => take("lock", item),
                _ if table == "DestinationsTable" && item["vendor"].is_string() => take("destination", item),
                _ => {}
            }
        }
    }
    fs::create_dir_all(root().join("tests/samples"))?;
    let file = root().join("tests/samples").join(format!("{name}.json"));
    fs::write(file, format!("{:#}\n", samples))?;
    Ok(())
}

/// An item, in plain JSON.
fn plain(attribute: &Value) -> Value {
    match attribute {
        Value::Object(fields) if fields.len() == 1 => match fields.iter().next() {
            Some((kind, value)) if kind == "S" || kind == "BOOL" || kind == "SS" => value.clone(),
            Some((kind, value)) if kind == "N" => {
                value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
            }
            Some((kind, _)) if kind == "NULL" => Value::Null,
            Some((kind, Value::Object(inner))) if kind == "M" => {
                inner.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
            }
            Some((kind, Value::Array(inner))) if kind == "L" => inner.iter().map(plain).collect(),
            _ => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        },
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}
