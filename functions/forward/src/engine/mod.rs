//! The one place that speaks HTTP to vendors.
//!
//! 1. Of each person, the identifiers that the vendor takes are chosen; whoever has none is counted at once. The others
//!    are cut into batches of the vendor's size and of one kind of identifier; several are under way at once.
//! 2. For each batch, the protocol is asked for its next step until it is done or wants to wait. Each call waits for
//!    its slot, so that all invocations together keep to the vendor's rate.
//! 3. Finished subjects are counted in [`VendorProgress`], which is saved every few seconds and between invocations. A
//!    batch that was sent but not counted is sent again: every deletion may be requested twice.
//! 4. A batch that the vendor refuses, at once or later, is halved, so that one bad subject fails alone. A transient
//!    failure is left for a later turn; a refused key or a vendor that answers no call stops the turn.

#[cfg(test)]
#[path = "../../../../shared/destinations/src/cloud/fixture.rs"]
#[allow(dead_code, reason = "half of it is for the protocols' own tests")]
mod fixture;
mod http;
mod pace;
mod progress;
#[cfg(test)]
mod refusals;
mod round;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::AsyncFn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use destinations::cloud::{Ask, Call, Outcome, Reply, Step, Vendor};
use http::{Fault, Http};
use model::backoff;
use model::destination::{Destination, Secrets};
use model::failure::{Failure, Result};
use model::subject::Subject;
use pace::Pace;
use progress::SubjectBatch;
use round::Round;
use store::Store;

pub use progress::VendorProgress;

/// How long a vendor may take for one reply.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// How often progress is saved during a turn.
const KEEP: Duration = Duration::from_secs(5);

/// The number of batches in a row that may fail, or be refused, before the turn ends.
const MAX_TROUBLES: usize = 5;
const MAX_REFUSALS: usize = 20;

/// The most calls that a batch may make between two notes, and how often a call is tried again at a rate limit.
const MAX_CALLS: usize = 50;
const MAX_LIMITED: u32 = 4;

/// Speaks HTTP to vendors.
#[derive(Debug)]
pub struct Engine {
    http: Http,
    pace: Pace,
}

/// The deletion of a regulation's subjects at one destination.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The destination.
    pub destination: &'a Destination,
    /// Its secrets.
    pub secrets: &'a Secrets,
    /// The regulation's id, from which batches get theirs.
    pub regulation: &'a str,
    /// The people, each by all identifiers, in the order of the regulation.
    pub people: &'a [Vec<Subject>],
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorTurn {
    /// Every subject has its outcome.
    Done,
    /// Come back after this many seconds.
    Later(u32),
}

/// How a batch stopped.
enum End {
    /// Its protocol wants a step that is not a call.
    Step(Step),
    /// The turn had no time left for it.
    OutOfTime,
    /// A call got no reply.
    Fault(Fault),
    /// The vendor refused it.
    Refused(Failure),
    /// The vendor gave up what it had begun, without saying which subject is the cause.
    GivenUp(Failure),
}

impl Engine {
    /// An engine that shares each credential's rate with all engines on the same store; without a store, it has its
    /// own. `any_endpoint` lets it call any address, as on test stacks.
    ///
    /// # Errors
    /// `Permanent`, if TLS cannot be set up.
    pub fn new(store: Option<Store>, any_endpoint: bool) -> Result<Self> {
        Ok(Self { http: Http::new(TIME_TO_ANSWER, any_endpoint)?, pace: Pace::new(store) })
    }

    /// Moves every batch as far as it gets before `until`. `keep` saves the progress made so far.
    ///
    /// # Errors
    /// The vendor's failure; `progress` holds everything done before it.
    pub async fn turn(
        &self,
        vendor: &'static dyn Vendor,
        job: Job<'_>,
        progress: &mut VendorProgress,
        until: Instant,
        keep: impl AsyncFn(&VendorProgress) -> Result<()>,
    ) -> Result<VendorTurn> {
        let round = Round::new(vendor, job, until);
        let (count, limits) = (round.people.len(), round.limits);
        let mut queue: VecDeque<SubjectBatch> = progress.resume(count).into();
        let (mut kept, mut noted) = (Instant::now(), Vec::new());
        let (mut stop, mut trouble) = (None, None);
        let (mut troubles, mut refusals) = (0, 0);
        let mut running = FuturesUnordered::new();
        loop {
            while stop.is_none() && running.len() < limits.at_once && Instant::now() < until {
                let next = queue.pop_front().or_else(|| progress.begin(count, |from| round.alike(from)));
                let Some(batch) = next else { break };
                // Settings may have changed since it was cut, and with them what its people are asked for by.
                if batch.note.is_null()
                    && !round.is_of_one_kind(&batch)
                    && let Some(halves) = progress.halve(&batch)
                {
                    queue.extend(halves);
                    continue;
                }
                match round.people[batch.from].is_empty() {
                    true => progress.end(&batch, &vec![Outcome::NoIdentifier; batch.len]),
                    false => running.push(self.batch(&round, batch)),
                }
            }
            let ended = running.next().await;
            let idle = ended.is_none();
            if let Some((mut batch, end)) = ended {
                match end {
                    End::Step(Step::Done(outcomes)) => {
                        progress.end(&batch, &outcomes);
                        (troubles, refusals) = (0, 0);
                    }
                    End::Step(Step::Sorted(outcomes, failure)) => {
                        progress.refusal.get_or_insert(failure.public);
                        progress.end(&batch, &outcomes);
                        (troubles, refusals) = (0, 0);
                    }
                    End::Step(Step::Keep(note)) => {
                        batch.note = note;
                        progress.keep(&batch);
                        noted.push(batch);
                    }
                    End::Step(Step::Wait(note)) => {
                        batch.note = note;
                        progress.keep(&batch);
                        (troubles, refusals) = (0, 0);
                    }
                    End::Refused(ref failure) | End::GivenUp(ref failure) => {
                        let failure = failure.clone();
                        // What a vendor has begun is not requested again, unless the vendor has given it up.
                        let anew = batch.note.is_null() || matches!(end, End::GivenUp(_));
                        refusals += 1;
                        if refusals > MAX_REFUSALS {
                            stop = stop.or(Some(failure));
                        } else if let Some(halves) = anew.then(|| progress.halve(&batch)).flatten() {
                            queue.extend(halves);
                        } else {
                            progress.refusal.get_or_insert(failure.public);
                            progress.end(&batch, &vec![Outcome::Refused; batch.len]);
                        }
                    }
                    End::Fault(Fault::Stop(failure)) => stop = stop.or(Some(failure)),
                    End::Fault(Fault::Later(failure)) => {
                        troubles += 1;
                        if troubles >= MAX_TROUBLES {
                            stop = stop.or(Some(failure));
                        } else {
                            trouble = trouble.or(Some(failure));
                        }
                    }
                    End::Step(Step::Send(_) | Step::Apart(_))
                    | End::Fault(Fault::Limited(_) | Fault::Denied(_))
                    | End::OutOfTime => {}
                }
            }
            if (idle && !noted.is_empty()) || kept.elapsed() >= KEEP {
                keep(progress).await?;
                kept = Instant::now();
                queue.extend(noted.drain(..));
            }
            if idle && (queue.is_empty() || stop.is_some() || Instant::now() >= until) {
                break;
            }
        }
        drop(running);
        if let Some(failure) = stop.or(trouble) {
            return Err(failure);
        }
        if progress.is_done(count) {
            return Ok(VendorTurn::Done);
        }
        match Instant::now() < until {
            true => Ok(VendorTurn::Later(progress.wait(round.now))),
            false => Ok(VendorTurn::Later(1)),
        }
    }

    /// Makes the vendor's harmless call, to prove region and credentials.
    ///
    /// # Errors
    /// `Transient`, if the vendor cannot be reached, is busy or refuses the key; `Permanent`, if it refuses the
    /// request.
    pub async fn check(&self, vendor: &'static dyn Vendor, job: Job<'_>, until: Instant) -> Result<()> {
        let round = Round::new(vendor, Job { people: &[], ..job }, until);
        let nobody = SubjectBatch { from: 0, len: 0, note: Value::Null };
        match self.drive(&round, &nobody, |ask| vendor.check(ask)).await {
            End::Step(_) => Ok(()),
            End::Refused(failure)
            | End::GivenUp(failure)
            | End::Fault(Fault::Stop(failure) | Fault::Later(failure)) => Err(failure),
            End::OutOfTime | End::Fault(Fault::Limited(_) | Fault::Denied(_)) => {
                Err(Failure::transient("there was no time left"))
            }
        }
    }

    async fn batch(&self, round: &Round<'_>, batch: SubjectBatch) -> (SubjectBatch, End) {
        let end = self.drive(round, &batch, |ask| round.vendor.next(ask)).await;
        (batch, end)
    }

    /// Asks the protocol and sends the calls that it wants, until it wants something else.
    async fn drive(
        &self,
        round: &Round<'_>,
        batch: &SubjectBatch,
        next: impl Fn(&Ask<'_>) -> Result<Step>,
    ) -> End {
        let key = round.key(batch);
        let mut replies = Vec::new();
        while replies.len() <= MAX_CALLS {
            let ask = Ask {
                people: &round.people[batch.from..batch.from + batch.len],
                settings: &round.destination.settings,
                secrets: round.secrets,
                note: &batch.note,
                replies: &replies,
                now: round.now,
                key: &key,
            };
            let call = match next(&ask) {
                Ok(Step::Send(call)) => call,
                Ok(Step::Apart(failure)) => return End::GivenUp(failure),
                Ok(step) => return End::Step(step),
                Err(failure) if failure.is_transient() => return End::Fault(Fault::Later(failure)),
                Err(failure) => return End::Refused(failure),
            };
            if Instant::now() >= round.until {
                return End::OutOfTime;
            }
            let reply = if call.once {
                let cell = round.once.lock().await.entry(call.clone()).or_default().clone();
                cell.get_or_try_init(|| self.call(round, &call)).await.cloned()
            } else {
                self.call(round, &call).await
            };
            match reply {
                Ok(reply) => replies.push(reply),
                Err(fault) => return End::Fault(fault),
            }
        }
        let name = round.name();
        End::Fault(Fault::Later(Failure::transient(format!("{name} goes on and on without an end"))))
    }

    /// Sends one call in its slot. At a rate limit, all users of the credential wait.
    async fn call(&self, round: &Round<'_>, call: &Call) -> Result<Arc<Reply>, Fault> {
        let limited = |wait| {
            Fault::Stop(
                Failure::transient(format!("{} answered 429: its rate limit is reached", round.name()))
                    .wait(Some(wait)),
            )
        };
        for attempt in 0..=MAX_LIMITED {
            match self.pace.slot(&round.credential, &round.limits, round.until).await {
                Ok(Ok(())) => {}
                Ok(Err(wait)) => return Err(limited(wait)),
                Err(failure) => return Err(Fault::Stop(failure)),
            }
            match self.http.send(round.name(), call).await {
                Ok(reply) => return Ok(Arc::new(reply)),
                Err(Fault::Limited(wait)) => {
                    let wait = wait.unwrap_or(backoff::RATE_LIMIT.seconds_after(attempt + 1)).max(1);
                    self.pace.hold(&round.credential, wait).await.map_err(Fault::Stop)?;
                }
                Err(Fault::Denied(status)) => return Err(denied(round, status)),
                Err(fault) => return Err(fault),
            }
        }
        Err(limited(1))
    }
}

/// A refused key: only an operator can do something about it.
fn denied(round: &Round<'_>, status: u16) -> Fault {
    let why = round.vendor.refused_key().map(|why| format!(" ({why})")).unwrap_or_default();
    Fault::Stop(Failure::transient(format!(
        "{} answered {status}: the key is wrong, revoked or lacks a permission{why}; set it again and retry",
        round.name()
    )))
}
