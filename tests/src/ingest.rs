//! A client of the tracking API, and what it brought into the archive.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::progress::until;
use crate::world::World;

/// A client with the write key of a source.
#[derive(Debug, Clone)]
pub struct TrackingClient {
    /// Where the tracking API is.
    pub url: String,
    /// The write key.
    pub key: String,
    http: reqwest::Client,
}

impl TrackingClient {
    /// Makes a source, which is connected to everything.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn open(world: &World, source: &str) -> Result<Self> {
        let host = format!("{}.execute-api.localhost", world.stack.output("CollectApiId")?);
        let port = world.stack.aws.port;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .resolve(&host, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .build()?;
        let made = world.stack.api.post("/sources", &json!({"name": source, "id": source})).await?;
        let key = made["data"]["writeKey"].as_str().context("no write key")?.to_owned();
        Ok(Self { url: format!("http://{host}:{port}"), http, key })
    }

    /// The same with another write key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// A request to be completed.
    pub fn request(&self, call: &str) -> RequestBuilder {
        self.http.post(format!("{}/v1/{call}", self.url)).basic_auth(&self.key, Some(""))
    }

    /// Sends a body and answers the status and the JSON body.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn send(&self, call: &str, body: &str) -> Result<(StatusCode, Value)> {
        let reply = self.request(call).body(body.to_owned()).send().await?;
        Ok((reply.status(), reply.json().await?))
    }

    /// Sends a body that must be taken.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn ok(&self, call: &str, body: Value) -> Result<()> {
        let (status, answer) = self.send(call, &body.to_string()).await?;
        ensure!(status == StatusCode::OK, "{call} answered {status}: {answer}");
        Ok(())
    }
}

/// All events of a source in the archive.
///
/// # Errors
/// When it cannot be read.
pub async fn collected(world: &World, source: &str) -> Result<Vec<Value>> {
    let prefix = format!("segment-logs/{source}/");
    let listed = world.s3.list_objects_v2().bucket(&world.bucket).prefix(prefix);
    let mut pages = listed.into_paginator().send();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        for key in page?.contents().iter().filter_map(|object| object.key()) {
            let mut text = String::new();
            MultiGzDecoder::new(&world.get(key).await?[..]).read_to_string(&mut text)?;
            for line in text.lines() {
                events.push(serde_json::from_str(line)?);
            }
        }
    }
    Ok(events)
}

/// The names of events.
pub fn names(events: &[Value]) -> BTreeSet<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

/// Waits until the archive holds events of a source with all of these names, and answers all that it holds.
///
/// # Errors
/// When they do not come.
pub async fn wait_for(world: &World, source: &str, wanted: &[impl AsRef<str>]) -> Result<Vec<Value>> {
    until(async || {
        let found = collected(world, source).await?;
        let here = names(&found);
        let missing: Vec<&str> =
            wanted.iter().map(AsRef::as_ref).filter(|name| !here.contains(name)).collect();
        let missing =
            missing.first().map(|one| format!("{} events did not come, such as {one}", missing.len()));
        Ok(missing.map_or(Break(found), Continue))
    })
    .await
}
