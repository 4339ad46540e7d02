//! An S3 in memory, versioned, behind the real SDK. By seed it fails calls, loses answers, ends the process that calls, and
//! lets another writer act between any two calls.
//!
//! What each call answers is documented at <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>;
//! the errors of conditional writes (409 beside 412) at
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents,
};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;

use crate::dice::Dice;

/// The archive's bucket. The other one is Lethe's own.
pub const ARCHIVE: &str = "archive";

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: String,
    pub etag: String,
    /// Nothing: a delete marker.
    pub content: Option<Vec<u8>>,
}

/// How a call is disturbed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// 503 `SlowDown`: nothing is done.
    SlowDown,
    /// 409 `ConditionalRequestConflict` for a conditional write: nothing is done.
    Conflict,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// Half of the body comes, and the connection breaks.
    CutOff,
    /// The caller's process ends, before or after the call is done.
    Crash { done: bool },
}

/// An S3 that breaks a promise. With it the simulation must find a fault: that shows that it would find one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mutant {
    /// Writes and deletions ignore their conditions.
    NoConditions,
    /// An older version that is deleted stays.
    VersionsStay,
    /// A listing names current versions only.
    CurrentOnly,
}

/// What the S3 holds and does.
pub struct World {
    mutant: Option<Mutant>,
    /// By bucket and key, the oldest version first.
    pub objects: BTreeMap<(String, String), Vec<Stored>>,
    /// What the other writer wants to see of each key of the archive at the end; nothing: no current version.
    pub wanted: BTreeMap<String, Option<Vec<u8>>>,
    /// Every call, as it went: the schedule.
    pub schedule: Vec<String>,
    dice: Dice,
    faults: u32,
    crashes: u32,
    writes: u32,
    versions: u64,
    /// The calling process has ended: no call does anything until the next one starts.
    dead: bool,
}

#[derive(Clone)]
pub struct S3(Arc<Mutex<World>>, Arc<OnceLock<Client>>);

impl S3 {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let (objects, wanted) = (BTreeMap::new(), BTreeMap::new());
        let mut dice = Dice(seed);
        let (faults, writes) = (dice.roll(60) as u32, dice.roll(6) as u32);
        let (schedule, versions, dead, crashes) = (Vec::new(), 0, false, 2);
        let world =
            World { mutant, objects, wanted, schedule, dice, faults, crashes, writes, versions, dead };
        Self(Arc::new(Mutex::new(world)), Arc::default())
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no test panics while it holds the world")
    }

    /// The SDK's client, with all that production has but the network.
    pub fn client(&self) -> Client {
        self.1.get_or_init(|| self.connect()).clone()
    }

    fn connect(&self) -> Client {
        let retry = RetryConfig::standard().with_max_attempts(3);
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "simulation"))
            .endpoint_url("http://s3.simulated")
            .force_path_style(true)
            .retry_config(retry.with_initial_backoff(std::time::Duration::from_micros(1)))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .http_client(self.clone());
        Client::from_conf(config.build())
    }

    /// Whether the process ended; the next one starts.
    pub fn restart(&self) -> bool {
        std::mem::take(&mut self.world().dead)
    }
}

impl World {
    /// Writes an object, as anybody may.
    pub fn put(&mut self, bucket: &str, key: &str, content: Option<Vec<u8>>) -> Stored {
        self.versions += 1;
        let stored =
            Stored { id: format!("v{}", self.versions), etag: format!("\"e{}\"", self.versions), content };
        self.objects.entry((bucket.to_owned(), key.to_owned())).or_default().push(stored.clone());
        stored
    }

    /// The current version of a key of the archive.
    pub fn current(&self, key: &str) -> Option<Vec<u8>> {
        self.objects.get(&(ARCHIVE.to_owned(), key.to_owned()))?.last()?.content.clone()
    }

    /// Nobody disturbs any more.
    pub fn calm_down(&mut self) {
        (self.faults, self.crashes, self.writes) = (0, 0, 0);
    }

    /// Another writer replaces or deletes an object of the archive. It knows nothing of the person.
    fn write_beside(&mut self) {
        if self.writes == 0 || self.dice.roll(12) > 0 {
            return;
        }
        self.writes -= 1;
        let keys: Vec<_> = self.wanted.keys().cloned().collect();
        let key = keys[self.dice.roll(keys.len() as u64) as usize].clone();
        let n = self.versions;
        let content = (self.dice.roll(4) > 0).then(|| {
            format!("{{\"userId\":\"beside\",\"n\":{n}}}\n{{\"userId\":\"late\",\"n\":{n}}}\n").into_bytes()
        });
        if content.is_none() && self.current(&key).is_none() {
            return;
        }
        self.schedule
            .push(format!("another writer: {key} {}", if content.is_some() { "put" } else { "deleted" }));
        self.put(ARCHIVE, &key, content.clone());
        self.wanted.insert(key, content);
    }

    fn fault(&mut self, method: &str, conditional: bool) -> Option<Fault> {
        if self.crashes > 0 && self.dice.roll(40) == 0 {
            self.crashes -= 1;
            return Some(Fault::Crash { done: self.dice.roll(2) == 0 });
        }
        if self.faults == 0 || self.dice.roll(3) > 0 {
            return None;
        }
        self.faults -= 1;
        Some(match self.dice.roll(4) {
            0 if conditional && method != "GET" && method != "HEAD" => Fault::Conflict,
            1 => Fault::AnswerLost,
            2 if method == "GET" => Fault::CutOff,
            _ => Fault::SlowDown,
        })
    }

    fn call(&mut self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        if self.dead {
            return Err(broken());
        }
        self.write_beside();
        let call = Call::of(request);
        let conditional = call.header("if-match").is_some() || call.header("if-none-match").is_some();
        let fault = self.fault(call.method, conditional);
        let doing = format!("{} {}/{} {:?}", call.method, call.bucket, call.key, call.query);
        self.schedule.push(match fault {
            Some(fault) => format!("{doing}: {fault:?}"),
            None => doing,
        });
        match fault {
            Some(Fault::SlowDown) => Ok(error(503, "SlowDown")),
            Some(Fault::Conflict) => Ok(error(409, "ConditionalRequestConflict")),
            Some(Fault::AnswerLost) => {
                self.answer(&call);
                Err(broken())
            }
            Some(Fault::CutOff) => match self.answer(&call) {
                Reply { status: 200 | 206, body, .. } if body.len() > 1 && !call.key.is_empty() => {
                    Err(broken())
                }
                reply => Ok(reply.into()),
            },
            Some(Fault::Crash { done }) => {
                if done {
                    self.answer(&call);
                }
                self.dead = true;
                Err(broken())
            }
            None => Ok(self.answer(&call).into()),
        }
    }

    fn answer(&mut self, call: &Call<'_>) -> Reply {
        let place = (call.bucket.clone(), call.key.clone());
        match (call.method, call.key.is_empty()) {
            ("GET", true) => Reply::xml(self.list(call)),
            ("GET", false) if call.query.contains_key("tagging") => {
                Reply::xml("<Tagging><TagSet></TagSet></Tagging>".to_owned())
            }
            ("GET" | "HEAD", false) => self.read(call, &place),
            ("PUT", false) => self.write(call, &place),
            ("DELETE", false) => self.delete(call, &place),
            _ => panic!("the simulated S3 does not know {} {}", call.method, call.key),
        }
    }

    fn list(&self, call: &Call<'_>) -> String {
        let prefix = call.query.get("prefix").map(String::as_str).unwrap_or_default();
        let of = self
            .objects
            .iter()
            .filter(|((bucket, key), _)| *bucket == call.bucket && key.starts_with(prefix));
        if !call.query.contains_key("versions") {
            let keys = of.filter(|(_, versions)| versions.last().is_some_and(|last| last.content.is_some()));
            let contents: String =
                keys.map(|((_, key), _)| format!("<Contents><Key>{key}</Key></Contents>")).collect();
            return format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
            );
        }
        let mut xml = "<ListVersionsResult><IsTruncated>false</IsTruncated>".to_owned();
        for ((_, key), versions) in of {
            let listed = if self.mutant == Some(Mutant::CurrentOnly) { 1 } else { usize::MAX };
            for (back, Stored { id, etag, content }) in versions.iter().rev().enumerate().take(listed) {
                let (tag, more) = match content {
                    Some(content) => (
                        "Version",
                        format!("<ETag>{}</ETag><Size>{}</Size>", etag.replace('"', "&quot;"), content.len()),
                    ),
                    None => ("DeleteMarker", String::new()),
                };
                let latest = back == 0;
                let _ = write!(
                    xml,
                    "<{tag}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest>{more}</{tag}>"
                );
            }
        }
        xml + "</ListVersionsResult>"
    }

    fn read(&self, call: &Call<'_>, place: &(String, String)) -> Reply {
        let versions = self.objects.get(place).map(Vec::as_slice).unwrap_or_default();
        let found = match call.query.get("versionId") {
            Some(id) => versions.iter().find(|version| version.id == *id),
            None => versions.last(),
        };
        let Some((stored, content)) = found.and_then(|stored| Some((stored, stored.content.as_ref()?)))
        else {
            let code = if call.query.contains_key("versionId") { "NoSuchVersion" } else { "NoSuchKey" };
            return Reply::error(404, code);
        };
        if call.header("if-match").is_some_and(|etag| etag != stored.etag) {
            return Reply::error(412, "PreconditionFailed");
        }
        let mut reply =
            Reply { status: 200, headers: vec![("etag", stored.etag.clone())], body: content.clone() };
        if let Some(range) = call.header("range").and_then(|range| range.strip_prefix("bytes=")) {
            let (from, last) = range.split_once('-').expect("the engine asks for one range");
            let from: usize = from.parse().expect("a number");
            let last = last.parse().unwrap_or(usize::MAX).min(content.len() - 1);
            reply.status = 206;
            reply.headers.push(("content-range", format!("bytes {from}-{last}/{}", content.len())));
            reply.body = content[from..=last].to_vec();
        }
        reply.headers.push(("content-length", reply.body.len().to_string()));
        if call.method == "HEAD" {
            reply.body.clear();
        }
        reply
    }

    /// The entity tag that the current version must have.
    fn condition<'c>(&self, call: &'c Call<'_>) -> Option<&'c str> {
        call.header("if-match").filter(|_| self.mutant != Some(Mutant::NoConditions))
    }

    fn write(&mut self, call: &Call<'_>, (bucket, key): &(String, String)) -> Reply {
        let current = self.objects.get(&(bucket.clone(), key.clone())).and_then(|versions| versions.last());
        let current = current.filter(|stored| stored.content.is_some());
        match (self.condition(call), call.header("if-none-match"), current) {
            (Some(_), _, None) => return Reply::error(404, "NoSuchKey"),
            (Some(etag), _, Some(current)) if etag != current.etag => {
                return Reply::error(412, "PreconditionFailed");
            }
            (_, Some(_), Some(_)) => return Reply::error(412, "PreconditionFailed"),
            _ => {}
        }
        let stored = self.put(bucket, key, Some(call.body.to_vec()));
        let headers = vec![("etag", stored.etag), ("x-amz-version-id", stored.id)];
        Reply { status: 200, headers, body: Vec::new() }
    }

    fn delete(&mut self, call: &Call<'_>, place: &(String, String)) -> Reply {
        let current = self.objects.get(place).and_then(|versions| versions.last());
        if let Some(etag) = self.condition(call) {
            match current.filter(|stored| stored.content.is_some()) {
                None => return Reply::error(404, "NoSuchKey"),
                Some(current) if etag != current.etag => return Reply::error(412, "PreconditionFailed"),
                Some(_) => {}
            }
        }
        match call.query.get("versionId") {
            Some(id) => {
                if self.mutant == Some(Mutant::VersionsStay) {
                } else if let Some(versions) = self.objects.get_mut(place) {
                    versions.retain(|version| version.id != *id);
                }
            }
            None => drop(self.put(&place.0, &place.1, None)),
        }
        Reply { status: 204, headers: Vec::new(), body: Vec::new() }
    }
}

/// A request, taken apart.
struct Call<'a> {
    method: &'a str,
    bucket: String,
    key: String,
    query: HashMap<String, String>,
    headers: HashMap<&'a str, &'a str>,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    fn of(request: &'a HttpRequest) -> Self {
        let uri = request.uri().strip_prefix("http://s3.simulated/").expect("the endpoint");
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

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).copied()
    }
}

fn percent(text: &str) -> String {
    let pair = format!("a={text}");
    let mut decoded = form_urlencoded::parse(pair.as_bytes());
    decoded.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn xml(body: String) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/xml".to_owned())],
            body: body.into_bytes(),
        }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>simulated</Message></Error>");
        Self { status, headers: Vec::new(), body: body.into_bytes() }
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

fn error(status: u16, code: &str) -> HttpResponse {
    Reply::error(status, code).into()
}

fn broken() -> ConnectorError {
    ConnectorError::io("the connection broke".into())
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("S3")
    }
}

impl HttpClient for S3 {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for S3 {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.world().call(&request);
        HttpConnectorFuture::ready(answer)
    }
}
