//! Archives in every state that S3 can put them in: versions, delete markers, locks, metadata, other writers.

use anyhow::{Context, Result};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectLockLegalHoldStatus, ObjectLockMode, ServerSideEncryption, StorageClass,
    VersioningConfiguration,
};
use serde_json::{Value, json};
use tests::api::destinations;
use tests::archive::PREFIX;
use tests::scenario::{retry, task};
use tests::world::{Options, World};

const DAY: &str = "web/1767225600000";

pub(super) fn key(name: &str) -> String {
    format!("{PREFIX}{DAY}/{name}")
}

pub(super) fn line(user: &str, n: usize) -> String {
    format!("{{\"type\":\"track\",\"userId\":\"{user}\",\"n\":{n}}}\n")
}

/// A world whose warehouse and Braze know nobody, so that only the archive matters.
pub(super) async fn world() -> Result<World> {
    world_with(Options::default()).await
}

pub(super) async fn world_with(options: Options) -> Result<World> {
    let world = World::with(options).await?;
    tests::warehouse::fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    Ok(world)
}

pub(super) async fn forget(world: &World, users: &[&str]) -> Result<Value> {
    let id = world.stack.api.erase(users).await?;
    world.stack.api.wait(&id, |_| ()).await
}

pub(super) fn archive(regulation: &Value) -> Value {
    destinations(regulation).into_iter().find(|task| task["vendor"] == "s3").unwrap_or_default()
}

/// The versions of a key: their ids, whether each is the current one; delete markers left out.
pub(super) async fn versions(world: &World, key: &str) -> Result<Vec<(String, bool)>> {
    let list = world.s3.list_object_versions().bucket(&world.bucket).prefix(key).send().await?;
    let versions = list.versions().iter();
    Ok(versions.filter_map(|v| Some((v.version_id()?.to_owned(), v.is_latest()?))).collect())
}

#[tokio::test]
async fn the_subject_goes_from_every_version_and_from_under_delete_markers() -> Result<()> {
    let world = world().await?;
    let (changed, deleted, only) = (key("changed.jsonl"), key("deleted.jsonl"), key("only-theirs.jsonl"));
    world
        .put(&changed, format!("{}{}", line("ada", 1).repeat(2), line("eve", 1).repeat(3)).as_bytes())
        .await?;
    world.put(&changed, line("bob", 1).as_bytes()).await?;
    world.put(&changed, format!("{}{}{}", line("bob", 1), line("ada", 2), line("bob", 2)).as_bytes()).await?;
    world.put(&deleted, line("ada", 3).as_bytes()).await?;
    world.s3.delete_object().bucket(&world.bucket).key(&deleted).send().await?;
    world.put(&only, line("ada", 4).repeat(3).as_bytes()).await?;

    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let evidence = &archive(&regulation)["evidence"];
    assert_eq!(evidence["find"]["counts"]["lines"], 2 + 1 + 1 + 3);
    // The two of bob's in the version that was replaced stand in the clean one.
    let forgot = json!({ "objectsRewritten": 2, "versionsDeleted": 4, "othersLinesInDeletedVersions": 3 });
    assert_eq!(evidence["forget"]["counts"], forgot, "{evidence:#}");
    assert_eq!(world.get(&changed).await?, format!("{}{}", line("bob", 1), line("bob", 2)).as_bytes());
    assert_eq!(versions(&world, &changed).await?.len(), 2, "the clean older version stays");
    assert_eq!(versions(&world, &deleted).await?, []);
    assert_eq!(versions(&world, &only).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_keeps_no_versions_is_purged_too() -> Result<()> {
    let world = world().await?;
    let plain = format!("{}-plain", world.bucket);
    world.s3.create_bucket().bucket(&plain).send().await?;
    let mut destination = tests::destinations::archive(&plain, 1.0);
    destination["name"] = "Plain".into();
    world.stack.api.add_destination(&destination).await?;
    let (mixed, only) = (key("mixed.jsonl"), key("only.jsonl"));
    for (key, text) in [(&mixed, format!("{}{}", line("ada", 1), line("bob", 1))), (&only, line("ada", 1))] {
        let body = text.into_bytes().into();
        world.s3.put_object().bucket(&plain).key(key).body(body).send().await?;
    }
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Plain").0, "CONFIRMED", "{regulation:#}");
    let left = world.s3.list_objects_v2().bucket(&plain).send().await?;
    assert_eq!(left.contents().iter().filter_map(|object| object.key()).collect::<Vec<_>>(), [&mixed]);
    let object = world.s3.get_object().bucket(&plain).key(&mixed).send().await?;
    assert_eq!(object.body.collect().await?.to_vec(), line("bob", 1).as_bytes());
    Ok(())
}

#[tokio::test]
async fn a_suspended_bucket_loses_nothing_but_the_subject() -> Result<()> {
    let world = world().await?;
    let key = key("suspended.jsonl");
    world.put(&key, line("ada", 1).as_bytes()).await?;
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    world.s3.put_bucket_versioning().bucket(&world.bucket).versioning_configuration(suspended).send().await?;
    world.put(&key, format!("{}{}", line("bob", 1), line("ada", 2)).as_bytes()).await?;
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    assert_eq!(world.get(&key).await?, line("bob", 1).as_bytes());
    assert_eq!(versions(&world, &key).await?.len(), 1);
    Ok(())
}

/// What was written while a bucket kept no versions has the id `null`, in history and under a delete marker too.
#[tokio::test]
async fn a_null_version_goes_wherever_it_stands() -> Result<()> {
    let world = world().await?;
    let bucket = format!("{}-grown", world.bucket);
    world.s3.create_bucket().bucket(&bucket).send().await?;
    let mut destination = tests::destinations::archive(&bucket, 1.0);
    destination["name"] = "Grown".into();
    world.stack.api.add_destination(&destination).await?;
    let put = async |key: &str, text: String| {
        world.s3.put_object().bucket(&bucket).key(key).body(text.into_bytes().into()).send().await
    };
    let (changed, deleted) = (key("changed.jsonl"), key("deleted.jsonl"));
    put(&changed, line("ada", 1)).await?;
    put(&deleted, line("ada", 2)).await?;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    world.s3.put_bucket_versioning().bucket(&bucket).versioning_configuration(enabled).send().await?;
    put(&changed, line("bob", 1)).await?;
    world.s3.delete_object().bucket(&bucket).key(&deleted).send().await?;

    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Grown").0, "CONFIRMED", "{regulation:#}");
    let left = world.s3.list_object_versions().bucket(&bucket).send().await?;
    assert_eq!(left.versions().iter().filter_map(|v| v.key()).collect::<Vec<_>>(), [&changed]);
    let current = world.s3.get_object().bucket(&bucket).key(&changed).send().await?;
    assert_eq!(current.body.collect().await?.to_vec(), line("bob", 1).as_bytes());
    Ok(())
}

#[tokio::test]
async fn what_describes_an_object_is_kept() -> Result<()> {
    let world = world().await?;
    let key = key("described.jsonl");
    let made = world.stack.aws.call("kms", "TrentService.CreateKey", json!({})).await?;
    let kms = made["KeyMetadata"]["Arn"].as_str().context("a key")?.to_owned();
    let body = format!("{}{}", line("ada", 1), line("bob", 1)).into_bytes();
    let put = world.s3.put_object().bucket(&world.bucket).key(&key).body(body.into());
    put.content_type("application/x-ndjson")
        .content_encoding("identity")
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id(&kms)
        .cache_control("max-age=60")
        .content_disposition("attachment")
        .metadata("batch", "42")
        .tagging("team=data&note=a%20b")
        .storage_class(StorageClass::StandardIa)
        .send()
        .await?;
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let head = world.s3.head_object().bucket(&world.bucket).key(&key).send().await?;
    assert_eq!(head.content_length(), Some(line("bob", 1).len() as i64));
    assert_eq!(head.content_type(), Some("application/x-ndjson"));
    assert_eq!(head.content_encoding(), Some("identity"));
    assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!(head.ssekms_key_id(), Some(kms.as_str()));
    assert_eq!(head.cache_control(), Some("max-age=60"));
    assert_eq!(head.content_disposition(), Some("attachment"));
    assert_eq!(head.metadata().and_then(|metadata| metadata.get("batch")).map(String::as_str), Some("42"));
    assert_eq!(head.storage_class(), Some(&StorageClass::StandardIa));
    let tags = world.s3.get_object_tagging().bucket(&world.bucket).key(&key).send().await?;
    let mut tags: Vec<_> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    tags.sort_unstable();
    assert_eq!(tags, [("note", "a b"), ("team", "data")]);
    Ok(())
}

#[tokio::test]
async fn a_version_under_object_lock_is_named_with_the_date_it_can_go() -> Result<()> {
    let world = world().await?;
    let locked = format!("{}-locked", world.bucket);
    let create = world.s3.create_bucket().bucket(&locked).object_lock_enabled_for_bucket(true);
    create.send().await?;
    let mut destination = tests::destinations::archive(&locked, 1.0);
    destination["name"] = "Locked".into();
    world.stack.api.add_destination(&destination).await?;
    let key = key("locked.jsonl");
    let body = format!("{}{}", line("ada", 1), line("bob", 1)).into_bytes();
    let put = world.s3.put_object().bucket(&locked).key(&key).body(body.into());
    put.object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(DateTime::from_secs(4_102_444_800))
        .send()
        .await?;
    let held = self::key("held.jsonl");
    let body = format!("{}{}", line("ada", 2), line("bob", 2)).into_bytes();
    let put = world.s3.put_object().bucket(&locked).key(&held).body(body.into());
    put.object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On).send().await?;
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Locked");
    assert_eq!(status, "FAILED", "{regulation:#}");
    assert!(message.contains(&format!("{key} (Object Lock keeps it until 2100-01-01")), "{message}");
    assert!(message.contains(&format!("{held} (a legal hold keeps it")), "{message}");
    let locked_task = destinations(&regulation).into_iter().find(|task| task["name"] == "Locked");
    let residuals = &locked_task.unwrap_or_default()["evidence"]["verify"]["residuals"];
    assert_eq!(residuals["locked"], 2, "{regulation:#}");
    let current = world.s3.get_object().bucket(&locked).key(&key).send().await?;
    assert_eq!(current.body.collect().await?.to_vec(), line("bob", 1).as_bytes(), "the current one is clean");
    assert_eq!(task(&regulation, "Events archive").0, "NO_DATA_FOUND");
    Ok(())
}

/// Another writer replaces the objects again and again while they are purged: whatever it wrote last is there.
#[tokio::test]
async fn another_writers_change_is_never_lost() -> Result<()> {
    let world = world().await?;
    let keys: Vec<String> = (0..4).map(|n| key(&format!("raced-{n}.jsonl"))).collect();
    let text = |n: usize| format!("{}{}{}", line("bob", n), line("ada", n), line("eve", n));
    for key in &keys {
        world.put(key, text(0).as_bytes()).await?;
    }
    let id = world.stack.api.erase(&["ada"]).await?;
    let mut written = 0;
    let regulation = loop {
        let regulation = world.stack.api.regulation(&id).await?;
        if archive(&regulation)["finishedAt"].is_string() {
            break regulation;
        }
        if written < 60 {
            written += 1;
            for key in &keys {
                world.put(key, text(written).as_bytes()).await?;
            }
        }
    };
    let settled = world.stack.api.wait(&id, |_| ()).await?;
    // Whether the writer or the purge came last, the writer's last lines are there.
    for key in &keys {
        let last = String::from_utf8(world.get(key).await?)?;
        let expected = text(written);
        let clean = expected.replace(&line("ada", written), "");
        assert!(last == expected || last == clean, "{last}\nis not what was written last:\n{expected}");
        if task(&settled, "Events archive").0 == "CONFIRMED" {
            assert_eq!(last, clean, "confirmed means gone: {regulation:#}");
        }
    }
    let done = match task(&settled, "Events archive").0.as_str() {
        "CONFIRMED" => settled,
        _ => retry(&world, &settled).await?,
    };
    assert_eq!(task(&done, "Events archive").0, "CONFIRMED", "{done:#}");
    for key in &keys {
        assert_eq!(world.get(key).await?, text(written).replace(&line("ada", written), "").as_bytes());
    }
    Ok(())
}
