//! The queue takes people by all their identifiers, too.

use anyhow::{Context, Result};
use serde_json::json;
use tests::queue::{ended, send};
use tests::world::World;

/// A file and a message of people by all their identifiers make regulations as a call of the API does.
#[tokio::test]
async fn people_by_several_identifiers_are_each_accounted_for() -> Result<()> {
    let world = World::new().await?;
    let (stack, api) = (&world.stack, &world.stack.api);
    let (bucket, key) = (stack.output("LetheBucket")?, "batches/people.csv");
    let file = "userId,email,ids.crm\nada-7,Ada@Example.com,c-1\n,bob@example.com,\nada-7,,c-2\n,no address,\n,,c-3\n";
    world.s3.put_object().bucket(bucket).key(key).body(file.as_bytes().to_vec().into()).send().await?;
    let filed = json!({ "regulationType": "SUPPRESS_ONLY", "file": { "bucket": bucket, "key": key } });
    let cyd = json!({ "userId": "cyd-7", "phone": "+44 20 7946 0000" });
    let listed = json!({ "regulationType": "SUPPRESS_ONLY", "subjects": [cyd, cyd, { "name": "no field" }] });
    let mut kinds = Vec::new();
    for (body, account) in [
        (
            filed,
            json!({ "lines": 6, "subjects": 2, "duplicates": 0, "refused": 3, "blank": 0, "header": 1, "regulations": 1 }),
        ),
        (
            listed,
            json!({ "lines": 3, "subjects": 1, "duplicates": 1, "refused": 1, "blank": 0, "header": 0, "regulations": 1 }),
        ),
    ] {
        let batch = ended(stack, &send(stack, "BatchQueue", &body.to_string()).await?).await?;
        assert_eq!((&batch["status"], &batch["account"]), (&json!("ACCEPTED"), &account), "{batch:#}");
        let regulation = api.wait(batch["regulations"][0].as_str().context("a regulation")?, |_| ()).await?;
        assert_eq!(regulation["subjectCount"], account["subjects"], "{regulation:#}");
        kinds.push(regulation["identifiers"].clone());
    }
    assert_eq!(kinds, [json!({ "USER_ID": 1, "EMAIL": 2, "crm": 1 }), json!({ "USER_ID": 1, "PHONE": 1 })]);
    let whom = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let check = json!({ "subjects": [whom("USER_ID", "ada-7"), whom("EMAIL", "ada@example.com"),
        whom("EMAIL", "bob@example.com"), whom("PHONE", "+442079460000"), whom("EMAIL", "eve@example.com")] });
    let checked = api.post("/suppressions/check", &check).await?;
    assert_eq!(checked["data"]["suppressed"], json!([true, true, true, true, false]));
    Ok(())
}
