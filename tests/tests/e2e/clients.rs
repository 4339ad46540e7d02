//! Clients that companies already have: Segment's own SDK, unmodified, and one of the older Config API. Only the host
//! is another.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::process::root;
use tests::world::World;

#[tokio::test]
async fn segments_own_sdk_and_an_older_client_work_with_another_host() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    api.post("/sources", &json!({ "name": "Website", "id": "web" })).await?;
    let host = api.url.strip_prefix("http://").context("a local URL")?;
    let mut node = Command::new("node");
    node.arg("segment.cjs").current_dir(root().join("tests/sdk"));
    node.env("LETHE_URL", world.stack.aws.url()).env("LETHE_HOST", host).env("LETHE_TOKEN", &api.token);
    let output = tokio::process::Command::from(node).output().await.context("node is missing")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let older = json!({
        "regulation_type": "Suppress_With_Delete",
        "attributes": { "name": "userId", "values": ["edx-1", "edx-2"] },
    });
    let mut rehearsal = older.clone();
    rehearsal["dryRun"] = true.into();
    let refused = api.send(Method::POST, "/v1beta/workspaces/edx/regulations", Some(&rehearsal)).await?;
    assert_eq!(
        refused.0, 422,
        "what it does not know may have been meant to change what is done: {}",
        refused.1
    );
    let answer = api.post("/v1beta/workspaces/edx/regulations", &older).await?;
    let id = answer["regulate_id"].as_str().with_context(|| format!("{answer}"))?;
    assert_eq!(api.regulation(id).await?["regulationType"], "SUPPRESS_WITH_DELETE");
    let shown = api.get(&format!("/v1beta/workspaces/edx/regulations/{id}")).await?;
    assert_eq!(shown["id"], json!(id));
    Ok(())
}

/// A regulation can be withdrawn until the work on it begins, and then nothing is done.
#[tokio::test]
async fn what_has_not_begun_can_be_withdrawn() -> Result<()> {
    let world = World::new().await?;
    let (api, stack) = (&world.stack.api, &world.stack);
    // A state machine that begins too late.
    let machine = stack.output("DeletionStateMachine")?;
    let described = json!({ "stateMachineArn": machine });
    let described = stack.aws.call("states", "AWSStepFunctions.DescribeStateMachine", described).await?;
    let mut definition: Value =
        serde_json::from_str(described["definition"].as_str().context("a definition")?)?;
    definition["States"]["Late"] = json!({ "Type": "Wait", "Seconds": 4, "Next": definition["StartAt"] });
    definition["StartAt"] = json!("Late");
    let update = json!({ "stateMachineArn": machine, "definition": definition.to_string() });
    stack.aws.call("states", "AWSStepFunctions.UpdateStateMachine", update).await?;

    let id = api.erase(&["planted-person"]).await?;
    let path = format!("/regulations/{id}");
    let (status, answer) = api.send(Method::DELETE, &path, None).await?;
    assert_eq!((status.as_u16(), &answer["data"]["status"]), (200, &json!("SUCCESS")), "{answer}");
    assert_eq!(api.send(Method::DELETE, &path, None).await?.0.as_u16(), 422, "once");
    let later = api.erase(&["bob"]).await?;
    let done = api.wait(&later, |_| ()).await?;
    assert_ne!(done["overallStatus"], "INVALID", "{done}");
    let withdrawn = api.get("/regulations?status=INVALID").await?;
    assert_eq!(withdrawn["data"]["regulations"][0]["id"], json!(id), "{withdrawn}");
    assert_eq!(withdrawn["data"]["regulations"][0]["subjects"], json!([]), "its identifiers are dropped");
    let suppressed = api.get("/suppressions").await?;
    assert!(!suppressed.to_string().contains("planted-person"), "nothing is done: {suppressed}");
    Ok(())
}
