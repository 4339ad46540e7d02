//! What AWS would refuse is refused here, and fails the test in which it happens.

use std::ops::ControlFlow::{Break, Continue};

use anyhow::Result;
use serde_json::json;
use tests::progress::until;
use tests::world::World;

/// The suppressing function's own policy is taken away; AWS's for writing logs stays.
#[tokio::test]
async fn a_function_without_its_grants_is_refused_and_its_test_fails() -> Result<()> {
    let world = World::new().await?;
    let (stack, aws) = (world.stack.clone(), world.stack.aws);
    let role = stack.resource("SuppressFunctionRole").await?;
    let list = ["iam", "list-role-policies", "--query", "PolicyNames[]", "--output", "text", "--role-name"];
    let policies = aws.cli(&[&list[..], &[&role]].concat()).await?;
    assert_eq!(stack.refusals().await?, Vec::<serde_json::Value>::new(), "with them, nothing is refused");
    for policy in policies.split_whitespace() {
        aws.cli(&["iam", "delete-role-policy", "--role-name", &role, "--policy-name", policy]).await?;
    }

    let suppress =
        json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["ada"] });
    stack.api.post("/regulations", &suppress).await?;
    let refused = until(async || {
        let refused = stack.refusals().await?;
        Ok(if refused.is_empty() { Continue(0) } else { Break(refused) })
    })
    .await?;
    assert!(refused.iter().all(|one| one["role"] == role.as_str()), "{refused:?}");
    assert!(refused[0].to_string().contains("dynamodb:"), "{refused:?}");

    let ended = std::thread::spawn(move || drop(world)).join();
    assert!(ended.is_err(), "a world with refusals ends as a failed test");
    Ok(())
}
