//! Requests and answers, as the SDK's own HTTP layer passes them.

use std::collections::HashMap;

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use serde_json::Value;

/// Where every client believes AWS to be.
pub const ENDPOINT: &str = "http://simulated";

/// A request, taken apart.
pub struct Call<'a> {
    pub method: &'a str,
    pub bucket: String,
    pub key: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<&'a str, &'a str>,
    pub body: &'a [u8],
}

impl<'a> Call<'a> {
    pub fn of(request: &'a HttpRequest) -> Self {
        let uri = request.uri().strip_prefix(ENDPOINT).expect("the endpoint").trim_start_matches('/');
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let text = |text: &str| percent(text);
        let query = query.split('&').filter(|pair| !pair.is_empty());
        let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self {
            method: request.method(),
            bucket: text(bucket),
            key: text(key),
            query: query.map(|(name, value)| (text(name), text(value))).collect(),
            headers: request.headers().iter().collect(),
            body: request.body().bytes().unwrap_or_default(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).copied()
    }
}

fn percent(text: &str) -> String {
    let pair = format!("a={text}");
    let mut decoded = form_urlencoded::parse(pair.as_bytes());
    decoded.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn xml(body: String) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/xml".to_owned())],
            body: body.into_bytes(),
        }
    }

    pub fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>simulated</Message></Error>");
        Self { status, headers: Vec::new(), body: body.into_bytes() }
    }
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/x-amz-json-1.0".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        let status = StatusCode::try_from(reply.status).expect("a status");
        let mut response = Self::new(status, SdkBody::from(reply.body));
        for (name, value) in reply.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub fn error(status: u16, code: &str) -> HttpResponse {
    Reply::error(status, code).into()
}

pub fn broken() -> ConnectorError {
    ConnectorError::io("the connection broke".into())
}
