//! What the batches of a turn share, and which people go into one batch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OnceCell};
use uuid::Builder;

use super::Job;
use super::progress::SubjectBatch;
use destinations::cloud::{Call, Limits, Reply, Vendor};
use model::destination::{Destination, Secrets};
use model::subject::{Subject, SubjectType, hex};

/// What the batches of a turn share.
pub(super) struct Round<'a> {
    pub vendor: &'static dyn Vendor,
    pub limits: Limits,
    pub destination: &'a Destination,
    pub secrets: &'a Secrets,
    pub regulation: &'a str,
    /// The people, each by the identifiers that the vendor takes.
    pub people: Vec<Vec<Subject>>,
    pub credential: String,
    pub now: Timestamp,
    pub until: Instant,
    pub once: Mutex<HashMap<Call, Arc<OnceCell<Arc<Reply>>>>>,
}

impl<'a> Round<'a> {
    pub fn new(vendor: &'static dyn Vendor, job: Job<'a>, until: Instant) -> Self {
        Self {
            vendor,
            limits: vendor.limits(&job.destination.settings),
            destination: job.destination,
            secrets: job.secrets,
            regulation: job.regulation,
            people: job
                .people
                .iter()
                .map(|person| vendor.identifiers(person, &job.destination.settings))
                .collect(),
            credential: credential(job.destination, job.secrets),
            now: Timestamp::now(),
            until,
            once: Mutex::default(),
        }
    }

    /// The vendor's name.
    pub fn name(&self) -> &'static str {
        self.vendor.description().vendor
    }

    /// How many people from this one on go into one batch: those asked for by the same kind of identifier.
    pub fn alike(&self, from: usize) -> usize {
        let rest = self.people[from..].iter().take(self.limits.batch);
        rest.take_while(|person| kind(person) == kind(&self.people[from])).count()
    }

    /// Whether a batch's people are all asked for by the same kind of identifier, or all have none.
    pub fn is_of_one_kind(&self, batch: &SubjectBatch) -> bool {
        let people = &self.people[batch.from..batch.from + batch.len];
        people.iter().all(|person| kind(person) == kind(&people[0]))
    }

    /// The UUID of a batch, the same each time it is sent: the vendor recognizes a repetition.
    pub fn key(&self, batch: &SubjectBatch) -> String {
        let place = format!("{}/{}/{}/{}", self.regulation, self.destination.id, batch.from, batch.len);
        let hash: [u8; 32] = Sha256::digest(place).into();
        let bytes = hash.first_chunk().copied().unwrap_or_default();
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// The kind of identifier by which a person is asked for.
fn kind(person: &[Subject]) -> Option<SubjectType> {
    person.first().map(|best| best.kind)
}

/// A name for a credential that does not reveal it: destinations with the same credential share its rate.
fn credential(destination: &Destination, secrets: &Secrets) -> String {
    let mut hash = Sha256::new_with_prefix(&destination.vendor);
    for (name, value) in &secrets.0 {
        hash.update(format!("\0{name}\0{value}"));
    }
    hex(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Map;

    use super::super::refusals::Choosy;
    use super::super::tests::place;
    use super::super::{Engine, VendorProgress, VendorTurn};
    use super::*;
    use destinations::cloud::Outcome;

    #[tokio::test]
    async fn each_batch_is_of_one_kind_and_who_has_no_identifier_is_never_asked_for() {
        let by = |kind, id: &str| vec![Subject { kind, id: id.to_owned() }];
        let people = [
            by(SubjectType::UserId, "10"),
            by(SubjectType::Phone, "+1"),
            [by(SubjectType::Email, "1"), by(SubjectType::UserId, "20")].concat(),
            by(SubjectType::Email, "30"),
        ];
        let (place, secrets) = (place("choosy", Map::new()), Secrets::default());
        let job = Job { destination: &place, secrets: &secrets, regulation: "reg", people: &people };
        let round = Round::new(&Choosy, job, Instant::now());
        assert_eq!([0, 1, 2, 3].map(|from| round.alike(from)), [1, 1, 1, 1]);
        let batch = |from, len| SubjectBatch { from, len, note: serde_json::Value::Null };
        assert!(round.is_of_one_kind(&batch(1, 1)) && !round.is_of_one_kind(&batch(2, 2)));
        let engine = Engine::new(None, true).expect("an engine");
        let mut progress = VendorProgress::default();
        let until = Instant::now() + Duration::from_secs(60);
        let turn = engine.turn(&Choosy, job, &mut progress, until, async |_| Ok(())).await;
        assert_eq!(turn, Ok(VendorTurn::Done));
        assert_eq!(progress.outcomes(), [(Outcome::NoIdentifier, 1), (Outcome::Confirmed, 3)].into());
    }
}
