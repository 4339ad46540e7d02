//! Everybody and everything around an installation: the queue and its deliveries, other writers, those who ask, and the
//! schedule.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::rc::Rc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::SignedDuration;
use lambda::clock;
use model::regulation::Regulation;
use model::status::{Status, TaskStatus};
use model::subject::Subject;
use serde_json::{Value, json};

use crate::certificates;
use crate::installation::{Installation, PERSON, table};
use crate::s3::ARCHIVE;

/// The world of one seed.
#[derive(Clone)]
pub struct Life {
    pub installation: Installation,
    /// Messages in the queue.
    pub queue: Rc<RefCell<Vec<Value>>>,
    pub regulations: Rc<RefCell<Vec<Regulation>>>,
    /// Events of others that came in, by name; lines of others that were there.
    pub wanted: Rc<RefCell<BTreeSet<String>>>,
    /// How many are under way who still have something to do, deliveries included.
    pub busy: Rc<Cell<u32>>,
}

impl Life {
    pub fn around(installation: Installation) -> Self {
        let (queue, regulations, wanted) = Default::default();
        Self { installation, queue, regulations, wanted, busy: Rc::default() }
    }

    /// An event comes in. The door lets everybody in here, as its copy of the list may be old.
    pub fn event(&self, who: &str, name: &str) {
        let now = clock::now() + self.installation.turnstile.skew("collect");
        let event = json!({
            "type": "track", "event": name, "userId": who, "messageId": name, "receivedAt": now, "timestamp": now,
        });
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        writeln!(gzip, "{event}").expect("memory");
        let events = BASE64_STANDARD.encode(gzip.finish().expect("memory"));
        let body = json!({ "sourceId": "web", "events": events }).to_string();
        let message =
            json!({ "messageId": name, "receiptHandle": name, "body": body, "eventSource": "aws:sqs" });
        self.queue.borrow_mut().push(message);
        if who != PERSON {
            self.wanted.borrow_mut().insert(name.to_owned());
        }
    }

    /// Another writer puts an object: a line of the person, if she is `with` it, and one of somebody else.
    pub fn object(&self, key: &str, with: bool) {
        let name = format!("beside-{}", self.installation.turnstile.roll(1 << 40));
        let line = |who: &str| {
            let traits = json!({ "email": format!("{who}@example.com") });
            format!("{}\n", json!({ "type": "identify", "userId": who, "event": name, "traits": traits }))
        };
        let content = if with { line(PERSON) + &line("beside") } else { line("beside") };
        let key = format!("segment-logs/web/1793577600000/{key}.jsonl");
        let mut gate = self.installation.turnstile.gate();
        let before = gate.world.s3.current(&key).map(|content| text(&content)).unwrap_or_default();
        let mut wanted = self.wanted.borrow_mut();
        for line in before.lines() {
            wanted.remove(&name_of(line));
        }
        wanted.insert(name.clone());
        gate.world.s3.put(ARCHIVE, &key, Some(content.into_bytes()));
    }

    /// Somebody asks, until it is accepted.
    pub async fn ask(&self, regulation: &Regulation, person: &str) {
        self.regulations.borrow_mut().push(regulation.clone());
        self.call("POST", json!({ "regulation": regulation, "person": person })).await;
    }

    /// Calls the API, until it answers.
    pub async fn call(&self, what: &'static str, payload: Value) -> Option<Value> {
        loop {
            match self.installation.lambda(what, payload.clone()).await {
                Some(Ok(answer)) => return Some(answer),
                Some(Err(failure)) if !failure.is_transient() => return None,
                _ => self.installation.turnstile.wait(1, "asks again").await,
            }
        }
    }

    /// Hands messages to a recorder, again and again until it took them.
    pub async fn deliver(self) {
        let turnstile = &self.installation.turnstile;
        loop {
            let count = self.queue.borrow().len() as u64;
            if count == 0 {
                turnstile.wait(60, "looks for messages").await;
                continue;
            }
            turnstile.turn("delivers").await;
            let mut batch = Vec::new();
            for _ in 0..1 + turnstile.roll(3) {
                let count = self.queue.borrow().len() as u64;
                if count > 0 {
                    batch.push(self.queue.borrow_mut().remove(turnstile.roll(count) as usize));
                }
            }
            self.acts(1);
            let reply = self.installation.lambda("record", json!({ "Records": batch })).await;
            let again = |message: &Value| match &reply {
                Some(Ok(reply)) => {
                    let failed = reply["batchItemFailures"].as_array();
                    failed.into_iter().flatten().any(|one| one["itemIdentifier"] == message["messageId"])
                }
                _ => true,
            };
            // At least once: now and then, a message comes though it was taken.
            let twice = turnstile.roll(10) == 0;
            self.queue.borrow_mut().extend(batch.into_iter().filter(|message| twice || again(message)));
            self.acts(-1);
        }
    }

    pub fn acts(&self, more: i32) {
        self.busy.set(self.busy.get().checked_add_signed(more).expect("as many end as began"));
    }

    /// Follows a regulation until it is finished, and retries it whenever it failed.
    pub async fn follow(self, regulation: Regulation) {
        loop {
            self.installation.turnstile.wait(300, "looks at it").await;
            match self.installation.status(&regulation.id) {
                Some(Status::Failed | Status::PartialSuccess) => {
                    self.call("retry", json!({ "id": regulation.id })).await;
                }
                Some(Status::Finished | Status::Invalid) => return,
                _ => {}
            }
        }
    }

    pub async fn tick(self) {
        loop {
            self.installation.turnstile.wait(3_600, "tick").await;
            drop(self.installation.lambda("purge-run", json!({ "action": "tick" })).await);
        }
    }

    /// Hours pass.
    pub async fn later(&self) {
        clock::simulate(clock::now() + SignedDuration::from_hours(3));
    }

    /// Whether all is done that was begun.
    pub fn is_at_rest(&self) -> bool {
        let ended = |one: &Regulation| {
            let status = self.installation.status(&one.id);
            matches!(status, Some(Status::Finished | Status::Invalid))
        };
        self.queue.borrow().is_empty()
            && self.busy.get() == 0
            && self.regulations.borrow().iter().all(ended)
            && !self
                .installation
                .turnstile
                .gate()
                .world
                .step_functions
                .executions
                .values()
                .any(|it| *it == "RUNNING")
    }

    pub fn is_sealed(&self) -> bool {
        let finished = |one: &Regulation| self.installation.status(&one.id) == Some(Status::Finished);
        self.regulations.borrow().iter().any(finished)
    }

    /// Where the person still is.
    pub fn left(&self) -> Option<String> {
        let gate = self.installation.turnstile.gate();
        let archive = gate.world.s3.all.iter().filter(|((bucket, _), _)| bucket == ARCHIVE);
        let holds = |content: &Vec<u8>| text(content).contains(PERSON);
        let mut left =
            archive.filter(|(_, all)| all.iter().filter_map(|one| one.content.as_ref()).any(holds));
        left.next().map(|((_, key), _)| key.clone())
    }

    /// What is wrong once all is done.
    pub async fn fault_at_rest(&self) -> Option<String> {
        if let Some(missing) = self.missing() {
            return Some(format!("{missing} of somebody else is missing"));
        }
        let store = self.installation.look();
        let (mut out, mut found) = (false, false);
        let regulations = self.regulations.borrow().clone();
        for regulation in regulations {
            let id = &regulation.id;
            let finished = self.installation.status(id) == Some(Status::Finished);
            out |= finished;
            let certified = {
                let gate = self.installation.turnstile.gate();
                let prefix = format!("certificates/{id}/");
                gate.world.s3.all.keys().any(|(bucket, key)| bucket == "audit" && key.starts_with(&prefix))
            };
            if finished != certified {
                return Some(format!("{id} finished: {finished}, certified: {certified}"));
            }
            if !store.named(id).await.ok()?.is_empty() {
                return Some(format!("{id} still has its identifiers"));
            }
            for task in store.tasks(id).await.ok()?.iter().filter(|_| finished) {
                found |= task.status == TaskStatus::Confirmed;
                if !task.status.is_final() || task.status == TaskStatus::Failed {
                    return Some(format!("{id} is finished with a task that is {:?}", task.status));
                }
            }
        }
        if out && !found {
            return Some("the person was there, and nobody says so".to_owned());
        }
        if let Some(fault) = certificates::fault(&self.installation).await {
            return Some(fault);
        }
        let person = store.people(&[Subject::user(PERSON)]).await.ok()?;
        let suppressed = person.get(&Subject::user(PERSON)).is_some_and(|person| !person.scopes.is_empty());
        if suppressed != out {
            return Some(format!("suppressed: {suppressed}, carried out: {out}"));
        }
        let gate = self.installation.turnstile.gate();
        let held = gate.world.tables.items(&table("runs")).find(|item| {
            matches!(item["pk"]["S"].as_str(), Some("LOCK" | "WAITING")) || item["sk"]["S"] == "LEASE"
        });
        held.map(|item| format!("{} is left", item["pk"]["S"]))
    }

    fn missing(&self) -> Option<String> {
        let gate = self.installation.turnstile.gate();
        let keys = gate.world.s3.all.keys().filter(|(bucket, _)| bucket == ARCHIVE);
        let there: BTreeSet<String> = keys
            .filter_map(|(_, key)| gate.world.s3.current(key))
            .flat_map(|content| text(&content).lines().map(name_of).collect::<Vec<_>>())
            .collect();
        self.wanted.borrow().difference(&there).next().cloned()
    }
}

fn name_of(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap_or_default();
    event["event"].as_str().unwrap_or_default().to_owned()
}

fn text(content: &[u8]) -> String {
    let mut text = String::new();
    match MultiGzDecoder::new(content).read_to_string(&mut text) {
        Ok(_) => text,
        Err(_) => String::from_utf8_lossy(content).into_owned(),
    }
}
