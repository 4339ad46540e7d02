//! A client of Lethe's public API.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::progress::until;

/// How often a request is sent, the earlier of which API Gateway gave up on: the work of one that died is free after 40 s.
const TRIES: usize = 30;

/// A client with a token.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where the API is, as curl takes it.
    pub url: String,
    /// What it accepts.
    pub token: String,
    http: reqwest::Client,
}

impl Api {
    /// A client of the API in a local AWS.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(id: &str, port: u16, token: &str) -> Result<Self> {
        let host = format!("{id}.execute-api.localhost");
        // curl and browsers know that *.localhost is this machine; the system's resolver does not.
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .resolve(&host, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .build()?;
        Ok(Self { url: format!("http://{host}:{port}"), token: token.to_owned(), http })
    }

    /// The same API with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Sends a request and answers the status and the JSON body.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        self.send_text(method, path, body.map(Value::to_string).unwrap_or_default()).await
    }

    /// Sends a request whose body may be anything.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn send_text(&self, method: Method, path: &str, body: String) -> Result<(StatusCode, Value)> {
        answer(self.request(method, path, body), path).await
    }

    fn request(&self, method: Method, path: &str, body: String) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.header("content-type", "application/json").body(body)
    }

    /// Sends a `POST` with further headers and answers the status, the headers and the JSON body.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<(StatusCode, HeaderMap, Value)> {
        let mut request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = request.body(body.to_string()).send().await?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        Ok((status, headers, reply.json().await?))
    }

    /// `GET` with further headers: the status, the headers and the body as it is.
    ///
    /// # Errors
    /// When there is no answer, or it is no text.
    pub async fn get_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(StatusCode, HeaderMap, String)> {
        let (status, headers, body) = self.download(path, headers).await?;
        Ok((status, headers, String::from_utf8(body)?))
    }

    /// `GET` with further headers: the status, the headers and the body, which need not be text.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn download(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>)> {
        let mut request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = request.send().await?;
        Ok((reply.status(), reply.headers().clone(), reply.bytes().await?.into()))
    }

    /// The status that `HEAD` is answered with.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn head(&self, path: &str) -> Result<StatusCode> {
        let request = self.http.head(format!("{}{path}", self.url)).bearer_auth(&self.token);
        Ok(request.send().await?.status())
    }

    /// The status that `GET` is answered with, if `Authorization` is exactly this.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get_as(&self, authorization: &str, path: &str) -> Result<StatusCode> {
        let request = self.http.get(format!("{}{path}", self.url)).header("authorization", authorization);
        Ok(request.send().await?.status())
    }

    /// Makes a token and answers its id and a client that holds it.
    ///
    /// # Errors
    /// What the API answered.
    pub async fn new_token(&self, token: &Value) -> Result<(String, Self)> {
        let answer = self.post("/tokens", token).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("{answer}"));
        let id = text(&answer["data"]["token"]["id"])?;
        Ok((id, self.with_token(&text(&answer["data"]["secret"])?)))
    }

    /// `GET`, which must succeed.
    ///
    /// # Errors
    /// What the API answered.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.until_answered(Method::GET, path, None).await
    }

    /// `POST`, which must succeed.
    ///
    /// # Errors
    /// What the API answered.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.until_answered(Method::POST, path, Some(body)).await
    }

    /// Sends a request again, with the same `Idempotency-Key`, as long as API Gateway gives up on it: a busy machine takes
    /// more than the 29 seconds that it waits. Any other error is an error.
    async fn until_answered(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let (key, text) =
            (format!("{:032x}", fastrand::u128(..)), body.map(Value::to_string).unwrap_or_default());
        for _ in 0..TRIES {
            let request = self.request(method.clone(), path, text.clone());
            let (status, found) = answer(request.header("idempotency-key", &key), path).await?;
            if status.is_success() {
                return Ok(found);
            }
            let gave_up = status == 503 && found["message"] == "Service Unavailable";
            let timed_out = found["errorType"] == "Sandbox.Timedout" || gave_up;
            ensure!(
                timed_out || found["errors"][0]["type"] == "under-way",
                "{method} {path} answered {status}: {found}"
            );
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        bail!("{method} {path} was not answered in time, {TRIES} times in a row")
    }

    /// Adds a destination and answers its id.
    ///
    /// # Errors
    /// What the API answered.
    pub async fn add_destination(&self, destination: &Value) -> Result<String> {
        let answer = self.post("/destinations", destination).await?;
        let id = answer["data"]["destination"]["id"].as_str();
        Ok(id.with_context(|| format!("a destination without an id: {answer}"))?.to_owned())
    }

    /// Asks to erase and suppress users, and answers the regulation's id.
    ///
    /// # Errors
    /// What the API answered.
    pub async fn erase(&self, users: &[&str]) -> Result<String> {
        let body = json!({
            "regulationType": "SUPPRESS_WITH_DELETE",
            "subjectType": "USER_ID",
            "subjectIds": users,
        });
        let answer = self.post("/regulations", &body).await?;
        Ok(answer["data"]["regulateId"]
            .as_str()
            .with_context(|| format!("no regulateId: {answer}"))?
            .to_owned())
    }

    /// A regulation as it stands.
    ///
    /// # Errors
    /// What the API answered.
    pub async fn regulation(&self, id: &str) -> Result<Value> {
        Ok(self.get(&format!("/regulations/{id}")).await?["data"]["regulation"].take())
    }

    /// Waits until a regulation is closed, showing every state to `watch`, and answers the last.
    ///
    /// # Errors
    /// When it makes no progress: its tasks' statuses, and the counts of the purge run that it takes part in.
    pub async fn wait(&self, id: &str, mut watch: impl FnMut(&Value)) -> Result<Value> {
        until(async || {
            let regulation = self.regulation(id).await?;
            watch(&regulation);
            let open = matches!(regulation["overallStatus"].as_str(), Some("INITIALIZED" | "RUNNING"));
            Ok(if open { Continue(regulation) } else { Break(regulation) })
        })
        .await
    }
}

/// The status and the JSON body with which a request is answered.
async fn answer(request: RequestBuilder, path: &str) -> Result<(StatusCode, Value)> {
    let reply = request.send().await?;
    let (status, text) = (reply.status(), reply.text().await?);
    let body =
        serde_json::from_str(&text).with_context(|| format!("{path} answered {status}, no JSON: {text}"))?;
    Ok((status, body))
}

/// What a regulation says about each destination.
pub fn destinations(regulation: &Value) -> Vec<Value> {
    regulation["streamStatus"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stream| stream["destinationStatus"].as_array())
        .flatten()
        .cloned()
        .collect()
}
