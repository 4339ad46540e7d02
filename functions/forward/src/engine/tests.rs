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
}

/// People who are each given by a user id.
fn users(ids: impl IntoIterator<Item: Into<String>>) -> Vec<Vec<Subject>> {
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
        assert!(!format!("{failure:?}").contains("ada@"), "{failure:?}");
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

/// A vendor that deletes even numbers, refuses odd ones, and does not take both at once.
pub(super) struct Choosy;

impl Vendor for Choosy {
    fn description(&self) -> &'static destinations::Description {
        VENDORS[0].description()
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 10, calls: 1_000, per: Duration::from_secs(1), at_once: 4 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId, SubjectType::Email]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.ids().iter().all(|id| id.ends_with('0')) {
            true => Ok(ask.all(Outcome::Confirmed)),
            false => Err(Failure::permanent("no")),
        }
    }

    fn check(&self, _: &Ask<'_>) -> Result<Step> {
        Ok(Step::Done(Vec::new()))
    }
}

async fn choosy(ids: impl IntoIterator<Item = usize>) -> (VendorProgress, Result<VendorTurn>) {
    let people = users(ids.into_iter().map(|id| id.to_string()));
    let (place, secrets) = (place("choosy", Map::new()), Secrets::default());
    let job = Job { destination: &place, secrets: &secrets, regulation: "reg", people: &people };
    let engine = Engine::new(None, true).expect("an engine");
    let mut progress = VendorProgress::default();
    let until = Instant::now() + Duration::from_secs(60);
    let turn = engine.turn(&Choosy, job, &mut progress, until, async |_| Ok(())).await;
    (progress, turn)
}

#[tokio::test]
async fn one_refused_subject_fails_alone() {
    let (progress, turn) = choosy((0..100).map(|n| if n == 37 { 1 } else { n * 10 })).await;
    assert_eq!(turn, Ok(VendorTurn::Done));
    assert_eq!(progress.outcomes(), [(Outcome::Refused, 1), (Outcome::Confirmed, 99)].into());
    assert_eq!(progress.refusal(), Some("no"));
}

/// A vendor that takes whatever it is given, and gives it up later if one of them is odd.
struct Slow;

impl Vendor for Slow {
    fn description(&self) -> &'static destinations::Description {
        VENDORS[0].description()
    }

    fn limits(&self, settings: &Map<String, Value>) -> Limits {
        Choosy.limits(settings)
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId, SubjectType::Email]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.note {
            Value::Null => Ok(Step::Wait("begun".into())),
            _ if ask.ids().iter().all(|id| id.ends_with('0')) => Ok(ask.all(Outcome::Confirmed)),
            _ if ask.ids().contains(&"3") => Err(Failure::permanent("taken back")),
            _ => Ok(Step::Apart(Failure::permanent("no"))),
        }
    }

    fn check(&self, _: &Ask<'_>) -> Result<Step> {
        Ok(Step::Done(Vec::new()))
    }
}

#[tokio::test]
async fn a_batch_that_is_given_up_after_it_had_begun_is_asked_for_anew_in_halves() {
    let people = users((0..40).map(|n| if n == 7 { 1 } else { n * 10 }.to_string()));
    let (place, secrets) = (place("slow", Map::new()), Secrets::default());
    let engine = Engine::new(None, true).expect("an engine");
    let run = async |people: &[Vec<Subject>]| {
        let job = Job { destination: &place, secrets: &secrets, regulation: "reg", people };
        let mut progress = VendorProgress::default();
        for _ in 0..8 {
            let until = Instant::now() + Duration::from_secs(60);
            if engine.turn(&Slow, job, &mut progress, until, async |_| Ok(())).await == Ok(VendorTurn::Done) {
                break;
            }
        }
        (progress.outcomes(), progress.refusal().map(str::to_owned))
    };
    let refused = |refused, confirmed| [(Outcome::Refused, refused), (Outcome::Confirmed, confirmed)].into();
    assert_eq!(run(&people).await, (refused(1, 39), Some("no".into())));
    // What somebody revoked is not requested again.
    let people = users((0..40).map(|n| if n == 7 { 3 } else { n * 10 }.to_string()));
    assert_eq!(run(&people).await, (refused(10, 30), Some("taken back".into())));
}

#[tokio::test]
async fn a_vendor_that_refuses_everybody_is_soon_left_alone() {
    let (progress, turn) = choosy(std::iter::repeat_n(1, 5_000)).await;
    assert_eq!(turn, Err(Failure::permanent("no")));
    assert!(progress.count() < 50, "{}", progress.count());
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
