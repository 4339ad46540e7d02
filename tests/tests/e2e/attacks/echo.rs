//! What was sent by mistake, be it a password or an identifier, and wherever in a call: no refusal repeats it, so that it
//! reaches neither the audit trail, which keeps it for ever, nor a log, which nobody erases from.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::queue::{ended, send};
use tests::traces::everything;
use tests::world::World;

/// A value, or a name of a field.
const PLANTED: &str = "MyPassw0rd.qz";

#[tokio::test]
async fn no_refusal_repeats_what_was_sent_anywhere_in_any_call() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    api.post("/sources", &json!({ "name": "Web", "id": "web" })).await?;
    let connected = api.get("/destinations").await?["data"]["destinations"][0]["id"].take();
    let connected = connected.as_str().context("a destination")?;
    let described = api.get("/openapi.json").await?;
    let (mut calls, mut refused) = (0, 0);
    for (path, operations) in described["paths"].as_object().context("paths")? {
        for (method, operation) in operations.as_object().context("operations")? {
            let Some(method) = ["post", "put", "patch", "delete"].into_iter().find(|wanted| wanted == method)
            else {
                continue;
            };
            let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let id = if path.starts_with("/destinations") { connected } else { "web" };
            let by_mistake = path.replace("{id}", PLANTED).replace("{writeKeyId}", PLANTED);
            let right = path.replace("{id}", id).replace("{writeKeyId}", PLANTED).replace("{slug}", PLANTED);
            let mut sent: Vec<(&str, Value)> = vec![(&by_mistake, json!({}))];
            if let Some(schema) = schema.as_str() {
                let schema = described.pointer(schema.trim_start_matches('#')).context("a schema")?;
                sent.extend(bodies(schema).into_iter().map(|body| (right.as_str(), body)));
            }
            for (path, body) in sent {
                let (status, answer) = api.send(method.clone(), path, Some(&body)).await?;
                assert!(status.as_u16() < 500, "{method} {path} {body}: {status} {answer}");
                calls += 1;
                if !status.is_success() {
                    refused += 1;
                    assert!(!answer.to_string().contains("Passw0rd"), "{method} {path} {body}: {answer}");
                }
            }
        }
    }
    assert!(refused > 100 && refused * 2 > calls, "{refused} of {calls}: most are wrong");
    // The body's names as a message has them; a batch tells its problem to whoever may read it.
    for body in bodies(
        &json!({ "properties": { "regulationType": 0, "subjectType": 0, "subjectIds": 0, "subjects": 0, "file": 0 } }),
    ) {
        let batch = ended(&world.stack, &send(&world.stack, "BatchQueue", &body.to_string()).await?).await?;
        assert!(!batch.to_string().contains("Passw0rd"), "{body}: {batch}");
    }
    for trace in
        everything(&world).await?.iter().filter(|trace| ["AccessTable", "logs"].contains(&trace.place))
    {
        assert!(!trace.text.contains("Passw0rd"), "{trace:?}");
    }
    Ok(())
}

/// Bodies in which it stands where something else was wanted, or is the name of what nobody wants.
fn bodies(schema: &Value) -> Vec<Value> {
    let alone = [json!(PLANTED), json!([PLANTED]), json!({ PLANTED: 1 }), json!({ PLANTED: PLANTED })];
    let names = schema["properties"].as_object().into_iter().flat_map(Map::keys);
    let within = names.flat_map(|name| {
        let deep = json!({ "type": PLANTED, PLANTED: { PLANTED: 1 } });
        [json!(PLANTED), json!([PLANTED]), json!({ PLANTED: 1 }), json!([{ PLANTED: 1 }]), deep].map(
            |value| {
                let mut body = Map::from_iter([(name.clone(), value)]);
                // More than one fault: whichever is told first.
                body.insert("vendor".to_owned(), json!("s3"));
                Value::Object(body)
            },
        )
    });
    alone.into_iter().chain(within.collect::<Vec<_>>()).collect()
}
