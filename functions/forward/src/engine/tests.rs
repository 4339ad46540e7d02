//! The engine against a local server that answers as a vendor's fixture says, and misbehaves in between.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex as Locked};

use jiff::Timestamp;
use serde_json::{Map, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::fixture::{Entry, Fixture, Person, fixture};
use super::*;
use destinations::Form;
use destinations::cloud::{Limits, VENDORS};
use model::destination::DestinationKind;
use model::id::DestinationId;
use model::subject::SubjectType;

/// What the server answers: status, headers, body; nothing, if it never answers.
type Answer = Option<(u16, Map<String, Value>, String)>;

/// A server on this machine that gives answers in turn, and the requests that it got.
struct Server {
    url: String,
    answers: Arc<Locked<VecDeque<Answer>>>,
    requests: Arc<Locked<Vec<String>>>,
}

impl Server {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::new(Locked::new(answers.into_iter().collect()));
        let server = Self { url, answers, requests: Arc::default() };
        let (answers, requests) = (server.answers.clone(), server.requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), requests.clone()));
            }
        });
        server
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("whole").clone()
    }
}

/// One answer per connection: the request is over when its body has the length that it names.
async fn serve(
    mut stream: TcpStream,
    answers: Arc<Locked<VecDeque<Answer>>>,
    requests: Arc<Locked<Vec<String>>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await?;
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if read == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
            break;
        }
    }
    requests.lock().expect("whole").push(String::from_utf8_lossy(&request).into_owned());
    let answer = answers.lock().expect("whole").pop_front().unwrap_or(ok(500, "there is no more"));
    let Some((status, headers, body)) = answer else {
        tokio::time::sleep(Duration::from_secs(60)).await;
        return Ok(());
    };
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap_or_default()))
        .collect();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await
}

fn ok(status: u16, body: &str) -> Answer {
    Some((status, Map::new(), body.to_owned()))
}

/// A destination as the fixture has it, at the server.
fn destination(vendor: &dyn Vendor, fixture: &Fixture, url: &str) -> Destination {
    let mut settings = fixture.settings.clone();
    for field in vendor.description().fields {
        if matches!(field.form, Form::Region(_) | Form::Host(_) | Form::Url) {
            settings.insert(field.name.to_owned(), url.into());
        }
    }
    place(vendor.description().vendor, settings)
}

pub(super) fn place(vendor: &str, settings: Map<String, Value>) -> Destination {
    Destination {
        id: DestinationId::new(),
        name: "Vendor".into(),
        vendor: vendor.into(),
        kind: DestinationKind::Cloud,
        settings,
        enabled_from: Timestamp::UNIX_EPOCH,
        enabled_until: None,
        enabled_earlier: Vec::new(),
    }
}

/// A vendor without its limits: tests do not wait for them.
struct Unlimited(&'static dyn Vendor);

impl Vendor for Unlimited {
    fn description(&self) -> &'static destinations::Description {
        self.0.description()
    }

    fn limits(&self, settings: &Map<String, Value>) -> Limits {
        Limits { calls: 1_000, per: Duration::from_secs(1), ..self.0.limits(settings) }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        self.0.next(ask)
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        self.0.check(ask)
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        self.0.kinds(settings)
    }

    fn user_ids_are(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        self.0.user_ids_are(settings)
    }

    fn refused_key(&self) -> Option<&'static str> {
        self.0.refused_key()
    }
}

/// People who are each given by a user id.
pub(super) fn users(ids: impl IntoIterator<Item: Into<String>>) -> Vec<Vec<Subject>> {
    ids.into_iter().map(|id| vec![Subject::user(id)]).collect()
}

/// Takes turns until all is done, or `turns` of them failed.
async fn run(
    vendor: &'static dyn Vendor,
    fixture: &Fixture,
    server: &Server,
    people: &[Vec<Subject>],
    turns: usize,
) -> (VendorProgress, Result<VendorTurn>) {
    let destination = destination(vendor, fixture, &server.url);
    let vendor: &'static dyn Vendor = Box::leak(Box::new(Unlimited(vendor)));
    let engine = Engine {
        http: Http::new(Duration::from_millis(300), true).expect("a client"),
        pace: Pace::new(None),
    };
    let job = Job { destination: &destination, secrets: &fixture.secrets, regulation: "reg", people };
    let (mut progress, mut turn) = (VendorProgress::default(), Ok(VendorTurn::Later(0)));
    for _ in 0..turns {
        let until = Instant::now() + Duration::from_secs(60);
        turn = engine.turn(vendor, job, &mut progress, until, async |_| Ok(())).await;
        // Between two invocations.
        let kept = serde_json::to_string(&progress).expect("JSON");
        progress = serde_json::from_str(&kept).expect("the same");
        if turn == Ok(VendorTurn::Done) {
            break;
        }
    }
    (progress, turn)
}

/// The documented success of every vendor, with each kind of trouble before each of its calls.
#[tokio::test]
async fn every_vendor_gets_through_trouble_of_every_kind() {
    for vendor in VENDORS {
        let name = vendor.description().vendor;
        let fixture = fixture(name);
        let case = fixture.case("success");
        let people: Vec<_> = case.subjects.iter().map(Person::identifiers).collect();
        let canned = case.exchange.iter().filter_map(|entry| match entry {
            Entry::Exchange { reply, .. } => {
                Some(Some((reply.status, reply.headers.clone(), reply.body.to_string())))
            }
            _ => None,
        });
        let canned: Vec<Answer> = canned.collect();
        let troubles: [(&str, Answer); 5] = [
            ("401", ok(401, "{}")),
            ("429", Some((429, fixture.limited.clone(), "{}".into()))),
            ("503", ok(503, "<html>")),
            ("garbage", ok(200, "<html>It works!")),
            ("timeout", None),
        ];
        // A protocol that takes every answer for success cannot recognise garbage.
        let knows_garbage = fixture.cases.iter().any(|case| case.name == "garbage" && case.failure.is_some());
        for (trouble, answer) in troubles.iter().filter(|(trouble, _)| *trouble != "garbage" || knows_garbage)
        {
            for at in 0..canned.len() {
                // A call in the middle of a batch fails the batch, which begins again at its note.
                let begin = restart(&case.exchange, at);
                let answers = canned[..at].iter().chain([answer]).chain(if *trouble == "429" {
                    &canned[at..]
                } else {
                    &canned[begin..]
                });
                let server = Server::start(answers.cloned()).await;
                let (progress, turn) = run(*vendor, &fixture, &server, &people, canned.len() + 3).await;
                let place = format!("{name}, {trouble} at call {}", at + 1);
                assert_eq!(turn, Ok(VendorTurn::Done), "{place}");
                let mut wanted = std::collections::BTreeMap::new();
                for outcome in &case.outcomes {
                    *wanted.entry(*outcome).or_insert(0) += 1;
                }
                assert_eq!(progress.outcomes(), wanted, "{place}");
                let calls = if *trouble == "429" { canned.len() + 1 } else { canned.len() + 1 + at - begin };
                assert_eq!(server.requests().len(), calls, "{place}");
            }
        }
    }
}

/// The first call after the last note before a call.
fn restart(exchange: &[Entry], call: usize) -> usize {
    let (mut seen, mut begin) = (0, 0);
    for entry in exchange {
        match entry {
            Entry::Exchange { .. } if seen == call => break,
            Entry::Exchange { .. } => seen += 1,
            _ => begin = seen,
        }
    }
    begin
}

#[tokio::test]
async fn a_key_that_is_refused_stops_at_once_and_says_what_to_do() {
    for vendor in VENDORS.iter().filter(|vendor| vendor.description().vendor != "manual") {
        let name = vendor.description().vendor;
        let fixture = fixture(name);
        let server = Server::start(vec![ok(401, "ada@example.com"); 50]).await;
        let (_, turn) = run(*vendor, &fixture, &server, &users(["ada@example.com"]), 1).await;
        let failure = turn.expect_err(name);
        assert!(failure.public.contains("401") && failure.public.contains("set it again"), "{failure}");
        assert!(failure.public.contains(vendor.refused_key().unwrap_or_default()), "{failure}");
        assert!(!format!("{failure:?}").contains("ada@"), "{failure:?}");
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_call_that_is_the_same_for_all_batches_is_sent_once() {
    let name = "amplitude";
    let (vendor, fixture) = (destinations::cloud::vendor(name).expect(name), fixture(name));
    let job = |from: u64| {
        let users: Vec<_> = (from..from + 100).map(|n| json!({ "amplitude_id": n })).collect();
        json!([{ "status": "done", "amplitude_ids": users }])
    };
    let all: Vec<_> = [0, 100, 200]
        .into_iter()
        .flat_map(|from| job(from).as_array().cloned().unwrap_or_default())
        .collect();
    let answers = [0, 100, 200].map(|from| ok(200, &job(from).to_string()));
    let server = Server::start(answers.into_iter().chain([ok(200, &Value::from(all).to_string())])).await;
    let people = users((0..300).map(|n| n.to_string()));
    let (progress, turn) = run(vendor, &fixture, &server, &people, 2).await;
    assert_eq!(turn, Ok(VendorTurn::Done));
    assert_eq!(progress.outcomes(), [(Outcome::Confirmed, 300)].into());
    assert_eq!(server.requests().len(), 4);
}
