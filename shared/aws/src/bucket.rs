//! Lethe's own buckets: the files of purge runs, and certificates.

use std::env;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use model::failure::{Failure, Result};
use model::id::{DestinationId, RegulationId, RunId};
use model::purge_run::Phase;

use crate::failure;

/// An S3 client. A custom endpoint is addressed by path, since bucket names do not resolve there.
pub fn client(config: &SdkConfig) -> Client {
    let by_path = env::var_os("AWS_ENDPOINT_URL").is_some();
    Client::from_conf(Builder::from(config).force_path_style(by_path).build())
}

/// The key of a file.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// The subjects and regulations of a run.
    RunPlan(&'a RunId),
    /// The numbers of a phase's batches, for the state machine.
    Manifest(&'a RunId, Phase),
    /// The progress of the listing of the archives.
    Listing(&'a RunId),
    /// A batch of a phase.
    Batch(&'a RunId, Phase, usize),
    /// The progress of that batch.
    Results(&'a RunId, Phase, usize),
    /// The report of a dry run.
    Report(&'a RunId),
    /// An upload in parts that is under way, by the hash of the object's key.
    Upload(&'a RunId, &'a str),
    /// The progress of looking through an archive for other identifiers of a regulation's people. Holds identifiers: it
    /// is deleted when that ends.
    LookUp(&'a RegulationId, &'a DestinationId),
    /// The filter of one version, by the archive and the hash of the object's key and version.
    Filter(&'a DestinationId, &'a str),
    /// The certificate of an attempt of a regulation.
    Certificate(&'a RegulationId, u32),
    /// The head of the audit trail after this many records.
    TrailHead(u64),
    /// The signed head of the log of certificates after this many.
    LogHead(u64),
}

impl std::fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RunPlan(run) => write!(f, "runs/{run}/plan.json"),
            Self::Listing(run) => write!(f, "runs/{run}/listing.json"),
            Self::Manifest(run, phase) => write!(f, "runs/{run}/{}/manifest.json", phase.as_str()),
            Self::Batch(run, phase, number) => write!(f, "runs/{run}/{}/{number:06}.json", phase.as_str()),
            Self::Results(run, phase, number) => {
                write!(f, "runs/{run}/{}/{number:06}.results.json", phase.as_str())
            }
            Self::Report(run) => write!(f, "runs/{run}/report.json"),
            Self::Upload(run, hash) => write!(f, "runs/{run}/uploads/{hash}.json"),
            Self::LookUp(regulation, archive) => write!(f, "runs/{regulation}/{archive}.json"),
            Self::Filter(archive, hash) => write!(f, "index/{archive}/{hash}"),
            Self::TrailHead(number) => write!(f, "trail/{number:012}.json"),
            Self::LogHead(size) => write!(f, "log/{size:012}.jws"),
            Self::Certificate(regulation, attempt) => write!(f, "certificates/{regulation}/{attempt}.jws"),
        }
    }
}

/// One of Lethe's own buckets.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    bucket: String,
}

impl Bucket {
    /// The bucket of this name.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Reads a JSON file, if it is there.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn read<T: DeserializeOwned>(&self, key: Key<'_>) -> Result<Option<T>> {
        let Some(bytes) = self.bytes(key).await? else { return Ok(None) };
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|_| Failure::permanent(format!("{key} is not of the expected form")))
    }

    /// Reads a JSON file that must be there.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call or there is none.
    pub async fn expect<T: DeserializeOwned>(&self, key: Key<'_>) -> Result<T> {
        self.read(key).await?.ok_or_else(|| Failure::permanent(format!("{key} is not there")))
    }

    /// The names of the files whose keys begin with `prefix`: the rest of each key, without the file's ending.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn names(&self, prefix: Key<'_>) -> Result<Vec<String>> {
        let prefix = prefix.to_string();
        let prefix = prefix.trim_end_matches(".json");
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let objects = request.into_paginator().send().try_collect().await.map_err(|e| failure("S3", &e))?;
        let keys =
            objects.into_iter().flat_map(|page| page.contents.unwrap_or_default()).filter_map(|o| o.key);
        Ok(keys.filter_map(|key| Some(key.strip_prefix(prefix)?.strip_suffix(".json")?.to_owned())).collect())
    }

    /// Reads a text file, if it is there.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn text(&self, key: Key<'_>) -> Result<Option<String>> {
        let bytes = self.bytes(key).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Writes a JSON file.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn write<T: Serialize>(&self, key: Key<'_>, value: &T) -> Result<()> {
        let json = serde_json::to_vec(value)
            .map_err(|e| Failure::permanent(format!("{key} cannot be written")).detail(e))?;
        self.write_bytes(key, json).await
    }

    /// Writes a JSON file, unless there is one already.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn write_json_once<T: Serialize>(&self, key: Key<'_>, value: &T) -> Result<()> {
        let json = serde_json::to_string(value)
            .map_err(|e| Failure::permanent(format!("{key} cannot be written")).detail(e))?;
        self.write_once(key, "application/json", json).await
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn write_bytes(&self, key: Key<'_>, bytes: Vec<u8>) -> Result<()> {
        let request = self.client.put_object().bucket(&self.bucket).key(key.to_string());
        request.body(ByteStream::from(bytes)).send().await.map_err(|e| failure("S3", &e))?;
        Ok(())
    }

    /// Writes a text file, unless there is one already.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn write_once(&self, key: Key<'_>, content_type: &str, text: String) -> Result<()> {
        let request = self.client.put_object().bucket(&self.bucket).key(key.to_string());
        let reply = request
            .content_type(content_type)
            .if_none_match("*")
            .body(ByteStream::from(text.into_bytes()))
            .send()
            .await;
        match reply {
            Ok(_) => Ok(()),
            Err(e) if e.code() == Some("PreconditionFailed") => Ok(()),
            Err(e) => Err(failure("S3", &e)),
        }
    }

    /// Deletes a file in all its versions. Harmless when there is none.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn delete(&self, key: Key<'_>) -> Result<()> {
        let key = key.to_string();
        let (mut marker, mut version_marker) = (None, None);
        loop {
            let request = self.client.list_object_versions().bucket(&self.bucket).prefix(&key);
            let request = request.set_key_marker(marker).set_version_id_marker(version_marker);
            let page = request.send().await.map_err(|e| failure("S3", &e))?;
            let versions = page.versions.unwrap_or_default().into_iter().map(|v| (v.key, v.version_id));
            let markers = page.delete_markers.unwrap_or_default().into_iter().map(|m| (m.key, m.version_id));
            for (_, version) in versions.chain(markers).filter(|(name, _)| name.as_deref() == Some(&*key)) {
                let request = self.client.delete_object().bucket(&self.bucket).key(&key);
                request.set_version_id(version).send().await.map_err(|e| failure("S3", &e))?;
            }
            if !page.is_truncated.unwrap_or(false) {
                break;
            }
            (marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
        Ok(())
    }

    /// Reads a file, if it is there.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn bytes(&self, key: Key<'_>) -> Result<Option<Vec<u8>>> {
        let reply = self.client.get_object().bucket(&self.bucket).key(key.to_string()).send().await;
        let reply = match reply {
            Ok(reply) => reply,
            Err(e) if e.code() == Some("NoSuchKey") => return Ok(None),
            Err(e) => return Err(failure("S3", &e)),
        };
        let bytes = reply.body.collect().await.map_err(|_| Failure::transient("S3 broke off its answer"))?;
        Ok(Some(bytes.to_vec()))
    }
}
