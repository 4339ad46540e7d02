//! The gate itself: the calls that wait, and the AWS behind it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::{
    Credentials, HttpClient, RequestChecksumCalculation, ResponseChecksumValidation, RuntimeComponents,
    SharedCredentialsProvider,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use futures::channel::oneshot;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::http::{ENDPOINT, broken};
use crate::services::{World, label, refusal};
use crate::turnstile::TaskId;

/// What a task waits for.
pub enum What {
    /// The answer to a call.
    Call(Box<HttpRequest>),
    /// Its turn, at this time or later.
    Turn(Timestamp),
    /// The answer to a task token.
    Token(String),
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// The service asks to slow down, as often as the SDK tries; of a conditional write to S3, 409.
    Refused,
    /// The connection breaks before it is sent.
    Unsent,
    /// It is done, and the answer is lost.
    Lost,
    /// It is done, the answer is lost, and the SDK sends it again.
    Twice,
    /// The caller ends, before or after it is done.
    Death { done: bool, task: TaskId },
}

type Tell = oneshot::Sender<Result<HttpResponse, ConnectorError>>;

struct Waiting {
    task: TaskId,
    label: String,
    what: What,
    tell: Tell,
}

#[derive(Default)]
pub struct Gate {
    pub world: World,
    /// Told of each call that comes: a thread that reads an object comes while nobody polls its task.
    pub arrived: Arc<Notify>,
    /// Tasks that have begun and not ended. Others' threads may still come, and reach nobody.
    pub alive: BTreeSet<TaskId>,
    waiting: Vec<Waiting>,
}

impl Gate {
    pub fn wait(
        &mut self,
        task: TaskId,
        label: String,
        what: What,
    ) -> oneshot::Receiver<Result<HttpResponse, ConnectorError>> {
        let (tell, told) = oneshot::channel();
        if self.alive.contains(&task) {
            self.waiting.push(Waiting { task, label, what, tell });
            self.arrived.notify_one();
        }
        told
    }

    /// Those who may pass: whose, and their places.
    pub fn ready(&self, now: Timestamp) -> Vec<(TaskId, usize)> {
        let may = |what: &What| match what {
            What::Call(_) => true,
            What::Turn(at) => *at <= now,
            What::Token(token) => self.world.step_functions.answered.contains(token),
        };
        let all = self.waiting.iter().enumerate();
        all.filter(|(_, one)| may(&one.what) && !one.tell.is_canceled())
            .map(|(place, one)| (one.task, place))
            .collect()
    }

    /// When the next timer ends.
    pub fn next_timer(&self, now: Timestamp) -> Option<Timestamp> {
        let timers = self.waiting.iter().filter_map(|one| match one.what {
            What::Turn(at) if at > now && !one.tell.is_canceled() => Some(at),
            _ => None,
        });
        timers.min()
    }

    pub fn tasks(&self) -> BTreeSet<TaskId> {
        self.waiting.iter().filter(|one| !one.tell.is_canceled()).map(|one| one.task).collect()
    }

    pub fn place_of(&self, task: TaskId) -> Option<usize> {
        self.waiting.iter().position(|one| one.task == task && !one.tell.is_canceled())
    }

    pub fn label(&self, place: usize) -> String {
        self.waiting[place].label.clone()
    }

    /// Whose it is, and whether it is a call.
    pub fn about(&self, place: usize) -> (TaskId, bool) {
        let one = &self.waiting[place];
        (one.task, matches!(one.what, What::Call(_)))
    }

    /// A task has ended. Returns the calls that it still waited for.
    pub fn withdraw(&mut self, task: TaskId) -> Vec<(String, HttpRequest)> {
        self.alive.remove(&task);
        let (gone, left) = self.waiting.drain(..).partition(|one| one.task == task);
        self.waiting = left;
        let gone: Vec<Waiting> = gone;
        let call = |one: Waiting| match one.what {
            What::Call(request) => Some((one.label, *request)),
            _ => None,
        };
        gone.into_iter().filter_map(call).collect()
    }

    /// Nobody comes through any more.
    pub fn close(&mut self) {
        self.alive.clear();
        self.waiting.clear();
    }

    pub fn pass(&mut self, place: usize, fault: Option<Answer>) {
        let Waiting { what, tell, .. } = self.waiting.remove(place);
        let answer = match (what, fault) {
            (What::Call(request), Some(Answer::Refused)) => Ok(refusal(&request).into()),
            (What::Call(_), Some(Answer::Unsent)) => Err(broken()),
            (What::Call(request), fault) => {
                let first = self.world.carry_out(&request);
                match fault {
                    Some(Answer::Lost) => Err(broken()),
                    Some(Answer::Twice) => Ok(self.world.carry_out(&request).into()),
                    _ => Ok(first.into()),
                }
            }
            _ => Err(broken()),
        };
        drop(tell.send(answer));
    }
}

/// What a task's clients use. The SDK's own retries are the turnstile's: [`Answer::Twice`].
pub fn config(gate: Arc<Mutex<Gate>>, task: Option<TaskId>) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "a",
            "b",
            None,
            None,
            "simulation",
        )))
        .endpoint_url(ENDPOINT)
        .retry_config(RetryConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .http_client(Caller { gate, task })
        .build()
}

/// A client's way to the gate.
#[derive(Clone)]
struct Caller {
    gate: Arc<Mutex<Gate>>,
    task: Option<TaskId>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Caller({:?})", self.task)
    }
}

impl HttpClient for Caller {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Caller {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut gate = self.gate.lock().expect("no test panics while it holds the gate");
        let Some(task) = self.task else {
            return HttpConnectorFuture::ready(Ok(gate.world.carry_out(&request).into()));
        };
        let told = gate.wait(task, label(&request), What::Call(Box::new(request)));
        HttpConnectorFuture::new(async { told.await.unwrap_or_else(|_| Err(broken())) })
    }
}
