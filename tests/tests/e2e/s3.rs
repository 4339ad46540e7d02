//! An S3 that refuses, throttles, breaks off and moves things to cold storage: each object has an outcome of its own,
//! and the others are purged. The local S3 does none of this; a proxy in front of it does.

use std::sync::Arc;

use anyhow::{Context, Result};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ServerSideEncryption};
use reqwest::Method;
use serde_json::json;
use tests::s3::{Call, Fault, Rule};
use tests::scenario::{retry, task};

use crate::archives::{archive, forget, key, line, versions, world};

fn both(n: usize) -> String {
    format!("{}{}", line("ada", n), line("bob", n))
}

#[tokio::test]
async fn what_s3_refuses_is_named_object_by_object_and_the_rest_is_purged() -> Result<()> {
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    let restored = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2046 00:00:00 GMT\"";
    let names = [
        "cold.jsonl",
        "deep.jsonl",
        "restored.jsonl",
        "unreachable.jsonl",
        "secret/1.jsonl",
        "secret/2.jsonl",
        "vanishes.jsonl",
        "throttled.jsonl",
        "cut-off.jsonl",
        "truncated.jsonl",
        "usual.jsonl",
    ];
    for (n, name) in names.into_iter().enumerate() {
        world.put(&key(name), both(n).as_bytes()).await?;
    }
    let (s3, bucket) = (world.s3.clone(), world.bucket.clone());
    let remove = move || -> futures::future::BoxFuture<'static, ()> {
        let (s3, bucket) = (s3.clone(), bucket.clone());
        Box::pin(async move {
            let all = s3.list_object_versions().bucket(&bucket).prefix(key("vanishes")).send().await;
            for version in all.iter().flat_map(|all| all.versions()) {
                let delete = s3.delete_object().bucket(&bucket).key(key("vanishes.jsonl"));
                let _ = delete.set_version_id(version.version_id.clone()).send().await;
            }
        })
    };
    {
        let mut world = proxy.world();
        world.on_read("cold.jsonl", usize::MAX, Fault::Archived("GLACIER", None));
        world.on_read(
            "deep.jsonl",
            usize::MAX,
            Fault::Archived("DEEP_ARCHIVE", Some("ongoing-request=\"true\"")),
        );
        world.on_read("restored.jsonl", usize::MAX, Fault::Archived("GLACIER", Some(restored)));
        world.on_read("secret/", usize::MAX, Fault::Denied);
        world.on_read("unreachable.jsonl", usize::MAX, Fault::Gone);
        world.on_read("vanishes.jsonl", 1, Fault::First(Arc::new(remove)));
        world.on_get("throttled.jsonl", 2, Fault::SlowDown);
        world.on_get("cut-off.jsonl", 2, Fault::CutOff);
        world.on_get("truncated.jsonl", 2, Fault::Truncated);
    }
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "FAILED", "{regulation:#}");
    // Three are named, in the order of their keys; the evidence counts all.
    assert!(message.starts_with("5 object(s) could not be purged"), "{message}");
    assert!(
        message.contains("cold.jsonl (it is in cold storage (GLACIER): restore it, then retry"),
        "{message}"
    );
    assert!(
        message.contains("deep.jsonl (it is in cold storage (DEEP_ARCHIVE) and being restored"),
        "{message}"
    );
    assert!(message.contains("secret/1.jsonl (access is denied"), "{message}");
    let evidence = &archive(&regulation)["evidence"];
    let residuals = json!({ "cold": 2, "denied": 2, "contended": 1 });
    assert_eq!(evidence["verify"]["residuals"], residuals, "{evidence:#}");
    let unread = ["vanishes.jsonl", "restored.jsonl"];
    for (n, name) in names.into_iter().enumerate().filter(|(_, name)| !unread.contains(name)) {
        let left = world.get(&key(name)).await?;
        let refused = ["cold", "deep", "secret", "unreachable"].iter().any(|part| name.starts_with(part));
        assert_eq!(left, if refused { both(n) } else { line("bob", n) }.as_bytes(), "{name}");
    }
    let storage = world.s3.head_object().bucket(&world.bucket).key(key("restored.jsonl")).send().await?;
    assert_eq!(storage.content_length(), Some(line("bob", 2).len() as i64));
    assert_eq!(storage.storage_class().map(|class| class.as_str()), Some("GLACIER"), "its class is kept");

    // The clean one went back to cold storage, where nobody can read it without a copy.
    world.remove(&key("restored.jsonl")).await?;
    proxy.world().rules.clear();
    let done = retry(&world, &regulation).await?;
    assert_eq!(task(&done, "Events archive").0, "CONFIRMED", "{done:#}");
    assert_eq!(world.get(&key("cold.jsonl")).await?, line("bob", 0).as_bytes());
    Ok(())
}

/// Neither an object of strangers, nor one of which an older version alone held the subject.
#[tokio::test]
async fn a_current_version_without_the_subject_is_not_written_again() -> Result<()> {
    let world = world().await?;
    let (strangers, older) = (key("strangers.jsonl"), key("older.jsonl"));
    world.put(&strangers, line("bob", 1).as_bytes()).await?;
    world.put(&older, both(2).as_bytes()).await?;
    world.put(&older, line("bob", 2).as_bytes()).await?;
    let before = [versions(&world, &strangers).await?, versions(&world, &older).await?];
    let proxy = world.s3_proxy().await?;
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let in_archive = format!("/{}/", world.bucket);
    let calls = proxy.world().calls.clone();
    let mut changes = calls.iter().filter(|call| call.path.starts_with(&in_archive));
    assert!(changes.all(|call| ![Method::PUT, Method::POST].contains(&call.method)), "{calls:?}");
    let after = [versions(&world, &strangers).await?, versions(&world, &older).await?];
    assert_eq!(after[0], before[0]);
    assert_eq!(after[1], before[1][..1], "the older one alone is gone");
    Ok(())
}

/// The first go got as far as the clean current version.
#[tokio::test]
async fn a_retry_clears_the_old_versions_where_the_current_one_is_clean_already() -> Result<()> {
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    let key = key("half-done.jsonl");
    world.put(&key, both(1).as_bytes()).await?;
    let denied =
        Rule { methods: &[Method::DELETE], path: key.clone(), times: usize::MAX, fault: Fault::Denied };
    proxy.world().rules.push(denied);
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "FAILED", "{regulation:#}");
    assert!(message.contains("access is denied"), "{message}");
    assert_eq!(world.get(&key).await?, line("bob", 1).as_bytes(), "the current one is clean");
    let clean = versions(&world, &key).await?;
    assert_eq!(clean.len(), 2, "the older one is left: {clean:?}");

    proxy.world().rules.clear();
    let done = retry(&world, &regulation).await?;
    assert_eq!(task(&done, "Events archive").0, "CONFIRMED", "{done:#}");
    assert_eq!(versions(&world, &key).await?, clean[..1]);
    Ok(())
}

/// Whoever writes to a suspended bucket overwrites the version `null`: what is written between the look at it and its
/// deletion is not deleted with it.
#[tokio::test]
async fn a_null_version_that_is_overwritten_just_before_it_is_deleted_stays() -> Result<()> {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    let bucket = format!("{}-suspended", world.bucket);
    world.s3.create_bucket().bucket(&bucket).send().await?;
    let mut destination = tests::destinations::archive(&bucket, 1.0);
    destination["name"] = "Suspended".into();
    world.stack.api.add_destination(&destination).await?;
    let versioning = async |status| {
        let versioning = VersioningConfiguration::builder().status(status).build();
        world.s3.put_bucket_versioning().bucket(&bucket).versioning_configuration(versioning).send().await
    };
    let key = key("contended.jsonl");
    let put = |s3: &aws_sdk_s3::Client, text: String| {
        s3.put_object().bucket(&bucket).key(&key).body(text.into_bytes().into()).send()
    };
    put(&world.s3, line("ada", 1)).await?;
    versioning(BucketVersioningStatus::Enabled).await?;
    put(&world.s3, line("bob", 1)).await?;
    versioning(BucketVersioningStatus::Suspended).await?;
    let (s3, place, name) = (world.s3.clone(), bucket.clone(), key.clone());
    let write = move || -> futures::future::BoxFuture<'static, ()> {
        let put = s3.put_object().bucket(&place).key(&name).body(line("eve", 9).into_bytes().into());
        Box::pin(async move { drop(put.send().await) })
    };
    proxy.world().rules.push(Rule {
        methods: &[Method::DELETE],
        path: key.clone(),
        times: 1,
        fault: Fault::First(Arc::new(write)),
    });
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Suspended").0, "CONFIRMED", "{regulation:#}");
    assert_eq!(proxy.world().rules[0].times, 0, "it was raced");
    let current = world.s3.get_object().bucket(&bucket).key(&key).send().await?;
    assert_eq!(current.body.collect().await?.to_vec(), line("eve", 9).as_bytes());
    Ok(())
}

/// Another writer comes between the beginning and the end of an upload in parts. S3 answers `CompleteMultipartUpload` with 409,
/// and the whole upload must begin again.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-write-behavior>
#[tokio::test]
async fn a_writer_who_comes_during_an_upload_loses_nothing_and_no_parts_are_left() -> Result<()> {
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    let key = key("busy.jsonl");
    let long = |n: usize| -> String {
        (0..200_000).map(|i| line(if i % 1_000 == 0 { "ada" } else { "bob" }, n + i)).collect()
    };
    world.put(&key, long(0).as_bytes()).await?;
    let (s3, bucket, name, second) = (world.s3.clone(), world.bucket.clone(), key.clone(), long(7));
    let write = move || -> futures::future::BoxFuture<'static, ()> {
        let put = s3.put_object().bucket(&bucket).key(&name).body(second.clone().into_bytes().into());
        Box::pin(async move { drop(put.send().await) })
    };
    // The first POST begins the upload, the second ends it.
    for fault in [Fault::First(Arc::new(write)), Fault::Conflict] {
        proxy.world().rules.push(Rule { methods: &[Method::POST], path: key.clone(), times: 1, fault });
    }
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    assert!(proxy.world().rules.iter().all(|rule| rule.times == 0), "it was raced");
    let expected: String = long(7).split_inclusive('\n').filter(|line| line.contains("bob")).collect();
    assert!(world.get(&key).await? == expected.as_bytes(), "what the other writer wrote, without ada");
    let uploads = world.s3.list_multipart_uploads().bucket(&world.bucket).send().await?;
    assert!(uploads.uploads().is_empty(), "parts are left: {uploads:?}");
    Ok(())
}

/// MiniStack answers a call from another region as S3 does, with 301 and `x-amz-bucket-region`.
#[tokio::test]
async fn a_bucket_of_another_region_is_named_with_its_region() -> Result<()> {
    let world = world().await?;
    let bucket = format!("{}-abroad", world.bucket);
    let region = aws_sdk_s3::config::Region::new("eu-west-1");
    let abroad = aws_sdk_s3::Client::from_conf(world.s3.config().to_builder().region(region).build());
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1);
    abroad.create_bucket().bucket(&bucket).create_bucket_configuration(place.build()).send().await?;
    abroad.put_object().bucket(&bucket).key(key("a.jsonl")).body(both(1).into_bytes().into()).send().await?;
    let mut destination = tests::destinations::archive(&bucket, 1.0);
    destination["name"] = "Abroad".into();
    let id = world.stack.api.add_destination(&destination).await?;
    let checked = world.stack.api.post(&format!("/destinations/{id}/check"), &json!(null)).await?;
    let said = format!("the bucket {bucket} lies in another region than Lethe, in eu-west-1");
    assert_eq!(checked["data"]["ok"], false, "{checked:#}");
    assert!(checked["data"]["message"].to_string().contains(&said), "{checked:#}");
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Abroad");
    assert!(status == "FAILED" && message.contains(&said), "{status}: {message}");
    Ok(())
}

/// Each call says who pays: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html>.
/// An object under KMS with a bucket key is written with one, since calls to KMS would cost more otherwise:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>.
#[tokio::test]
async fn a_requester_pays_and_a_bucket_key_is_kept() -> Result<()> {
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    world.stack.configure("purge-run", &[("AWS_ENDPOINT_URL_S3", &proxy.url)]).await?;
    let key = key("paid.jsonl");
    let put = world.s3.put_object().bucket(&world.bucket).key(&key).body(both(1).into_bytes().into());
    let made = world.stack.aws.call("kms", "TrentService.CreateKey", json!({})).await?;
    let kms = made["KeyMetadata"]["Arn"].as_str().context("a key")?;
    put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(kms).send().await?;
    let bucket_key = "x-amz-server-side-encryption-bucket-key-enabled";
    proxy.world().on_read("paid.jsonl", usize::MAX, Fault::WithHeader(bucket_key, "true"));
    let regulation = forget(&world, &["nobody"]).await?;
    let path = format!("/destinations/{}", archive(&regulation)["id"].as_str().unwrap_or_default());
    let change = json!({ "settings": { "requestPayer": "requester" } });
    assert_eq!(world.stack.api.send(Method::PATCH, &path, Some(&change)).await?.0, 200);
    proxy.world().calls.clear();

    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let calls = proxy.world().calls.clone();
    let theirs: Vec<_> = calls.iter().filter(|call| call.path.contains(&world.bucket)).collect();
    let has = |call: &Call, name: &str, value: &str| call.headers.get(name).is_some_and(|it| it == value);
    assert!(theirs.iter().any(|call| call.query.contains("versions")), "it was listed: {theirs:?}");
    for call in &theirs {
        assert!(has(call, "x-amz-request-payer", "requester"), "{call:?}");
    }
    let written: Vec<_> = theirs.iter().filter(|call| call.method == Method::PUT).collect();
    assert!(!written.is_empty() && written.iter().all(|call| has(call, bucket_key, "true")), "{written:?}");
    Ok(())
}
