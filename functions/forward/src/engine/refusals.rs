//! Vendors that refuse some people, and what the engine makes of it.

use serde_json::Map;

use super::tests::{place, users};
use super::*;
use destinations::cloud::{Limits, VENDORS};
use model::subject::SubjectType;

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

/// A vendor that says of each of several what became of it.
struct Exact;

impl Vendor for Exact {
    fn description(&self) -> &'static destinations::Description {
        VENDORS[0].description()
    }

    fn limits(&self, settings: &Map<String, Value>) -> Limits {
        Choosy.limits(settings)
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let outcome = |id: &&str| if *id == "1" { Outcome::Refused } else { Outcome::Confirmed };
        Ok(Step::Sorted(ask.ids().iter().map(outcome).collect(), Failure::permanent("no")))
    }

    fn check(&self, _: &Ask<'_>) -> Result<Step> {
        Ok(Step::Done(Vec::new()))
    }
}

#[tokio::test]
async fn who_is_refused_among_others_is_counted_with_the_reason_and_not_sent_again() {
    let people = users(["0", "1", "2"]);
    let (place, secrets) = (place("exact", Map::new()), Secrets::default());
    let job = Job { destination: &place, secrets: &secrets, regulation: "reg", people: &people };
    let engine = Engine::new(None, true).expect("an engine");
    let mut progress = VendorProgress::default();
    let until = Instant::now() + Duration::from_secs(60);
    let turn = engine.turn(&Exact, job, &mut progress, until, async |_| Ok(())).await;
    assert_eq!(turn, Ok(VendorTurn::Done));
    assert_eq!(progress.outcomes(), [(Outcome::Refused, 1), (Outcome::Confirmed, 2)].into());
    assert_eq!(progress.refusal(), Some("no"));
}

#[tokio::test]
async fn a_vendor_that_refuses_everybody_is_soon_left_alone() {
    let (progress, turn) = choosy(std::iter::repeat_n(1, 5_000)).await;
    assert_eq!(turn, Err(Failure::permanent("no")));
    assert!(progress.count() < 50, "{}", progress.count());
}
