//! An S3 that fails by seed, behind the real SDK: it loses answers, ends the process that calls, and lets another writer act
//! between any two calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::dice::Dice;
use crate::http::{Call, ENDPOINT, Reply, broken, error};
use crate::s3::{ARCHIVE, Mutant, Objects};

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

/// What the S3 holds and does.
pub struct World {
    pub objects: Objects,
    /// What the other writer wants to see of each key of the archive at the end; nothing: no current version.
    pub wanted: BTreeMap<String, Option<Vec<u8>>>,
    /// Every call, as it went: the schedule.
    pub schedule: Vec<String>,
    dice: Dice,
    faults: u32,
    crashes: u32,
    writes: u32,
    /// The calling process has ended: no call does anything until the next one starts.
    dead: bool,
}

#[derive(Clone)]
pub struct S3(Arc<Mutex<World>>, Arc<OnceLock<Client>>);

impl S3 {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let (objects, wanted) = (Objects::new(mutant), BTreeMap::new());
        let mut dice = Dice(seed);
        let (faults, writes) = (dice.roll(60) as u32, dice.roll(6) as u32);
        let (schedule, dead, crashes) = (Vec::new(), false, 2);
        let world = World { objects, wanted, schedule, dice, faults, crashes, writes, dead };
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
            .endpoint_url(ENDPOINT)
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
        let n = self.objects.written();
        let content = (self.dice.roll(4) > 0).then(|| {
            format!("{{\"userId\":\"beside\",\"n\":{n}}}\n{{\"userId\":\"late\",\"n\":{n}}}\n").into_bytes()
        });
        if content.is_none() && self.objects.current(&key).is_none() {
            return;
        }
        self.schedule
            .push(format!("another writer: {key} {}", if content.is_some() { "put" } else { "deleted" }));
        self.objects.put(ARCHIVE, &key, content.clone());
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
                self.objects.answer(&call);
                Err(broken())
            }
            Some(Fault::CutOff) => match self.objects.answer(&call) {
                Reply { status: 200 | 206, body, .. } if body.len() > 1 && !call.key.is_empty() => {
                    Err(broken())
                }
                reply => Ok(reply.into()),
            },
            Some(Fault::Crash { done }) => {
                if done {
                    self.objects.answer(&call);
                }
                self.dead = true;
                Err(broken())
            }
            None => Ok(self.objects.answer(&call).into()),
        }
    }
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
