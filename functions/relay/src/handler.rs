//! Passes the messages of each lane on, one after the other.
//!
//! 1. Events of people who are suppressed by now, or whose erasure was asked for since, are dropped.
//! 2. The others are sent on, in requests that tracking APIs take. A request that is refused is sent again in halves, so
//!    that one bad event is refused alone; it goes to the dead letters.
//! 3. A message that fails otherwise is delivered again, later and later, and those behind it in its lane wait, too.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use aws::event_queue::Message;
use aws::retry_queue::RetryQueue;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::{StreamExt, stream};
use lambda::clock;
use model::backoff;
use model::failure::{Failure, Result};
use model::person::{People, REMEMBERED};
use model::source::{SourceId, UPSTREAM_SECONDS};
use model::subject::Subject;
use model::tracking::Event;
use store::Store;
use tokio::time::timeout;

use crate::delivery::{Delivery, by_lane};
use crate::upstream::{Fault, Sender};

/// The most bytes of events in a request: Segment takes 500 KB.
const REQUEST: usize = 450_000;

/// The longest that a look at the suppression list and what is sent after it take: a regulation waits so long.
const TURN: Duration = Duration::from_secs(UPSTREAM_SECONDS as u64);

/// The most messages that SQS delivers at once from a FIFO queue.
const BATCH: usize = 10;

pub struct Context {
    pub store: Store,
    pub sender: Sender,
    pub queue: RetryQueue,
}

pub async fn relay(context: &Context, event: SqsEvent, until: Instant) -> Result<SqsBatchResponse> {
    let lanes: Vec<_> = by_lane(event.records).map(|lane| walk(context, lane, until)).collect();
    let again: Vec<Vec<String>> = stream::iter(lanes).buffer_unordered(BATCH).collect().await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = again.into_iter().flatten().map(failed).collect();
    Ok(response)
}

fn failed(message_id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}

/// Passes the messages of a lane on. Returns the ids of those that are delivered again.
async fn walk(context: &Context, lane: Vec<Delivery>, until: Instant) -> Vec<String> {
    let mut left: VecDeque<Delivery> = lane.into();
    while let Some(delivery) = left.front() {
        let Err(failure) = pass_on(context, delivery, until).await else {
            left.pop_front();
            continue;
        };
        tracing::warn!(kind = %failure.kind, detail = failure.detail, receives = delivery.receives,
            "{}", failure.public);
        let pause = failure.wait.unwrap_or_else(|| backoff::UPSTREAM.seconds_after(delivery.receives));
        for delivery in &left {
            if let Err(failure) = context.queue.again_in(&delivery.receipt, pause).await {
                tracing::warn!(%failure, "it comes again when its visibility timeout ends");
            }
        }
        break;
    }
    left.into_iter().map(|delivery| delivery.message_id).collect()
}

async fn pass_on(context: &Context, delivery: &Delivery, until: Instant) -> Result<()> {
    let bury = async |body: &str, failure: &Failure| {
        tracing::error!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
        context.queue.bury(body, Some(&delivery.lane), &[("Reason", &failure.public)]).await
    };
    let (id, events) = match Message::read(&delivery.body) {
        Ok(read) => read,
        Err(failure) => return bury(&delivery.body, &failure).await,
    };
    if events.iter().any(|event| event.received_at < clock::now() - REMEMBERED) {
        let failure = Failure::permanent(
            "events have waited for over 30 days: their people may have been erased since",
        );
        return bury(&delivery.body, &failure).await;
    }
    let (mut sent, mut refused, mut reason) = (0, Vec::new(), None);
    let mut left = requests(&events);
    while let Some(request) = left.pop_front() {
        if Instant::now() > until {
            return Err(Failure::transient("no time is left: it is the next invocation's").wait(Some(0)));
        }
        let passed = timeout(TURN, look_and_send(context, &id, request)).await;
        match passed.unwrap_or_else(|_| Err(Failure::transient("the upstream did not answer in time")))? {
            Passed::Sent(events) => sent += events,
            Passed::Refused(request, _) if request.len() > 1 => {
                let (first, second) = request.split_at(request.len() / 2);
                left.push_front(second.to_vec());
                left.push_front(first.to_vec());
            }
            Passed::Refused(request, failure) | Passed::Moved(request, failure) => {
                refused.extend(request);
                reason = Some(failure);
            }
        }
    }
    tracing::info!(source = %id, sent, refused = refused.len(), events = events.len(), "sent on");
    match reason {
        Some(failure) => bury(&Message::text(&id, refused)?, &failure).await,
        None => Ok(()),
    }
}

/// What became of a request.
enum Passed<'a> {
    /// So many of its events were sent; the others are dropped.
    Sent(usize),
    /// One of its events may be why it is refused.
    Refused(Vec<&'a Event>, Failure),
    /// Every request is refused.
    Moved(Vec<&'a Event>, Failure),
}

/// Looks at the source and the suppression list, and sends what may go: nothing, if the source has no upstream any more.
async fn look_and_send<'a>(
    context: &Context,
    source: &SourceId,
    mut request: Vec<&'a Event>,
) -> Result<Passed<'a>> {
    let Some(upstream) = context.store.source(source).await?.and_then(|source| source.upstream) else {
        return Ok(Passed::Sent(0));
    };
    let people = context.store.people(&subjects(&request)).await?;
    request.retain(|event| may_go(&people, event, source));
    if request.is_empty() {
        return Ok(Passed::Sent(0));
    }
    match context.sender.send(&upstream, &request).await {
        Ok(()) => Ok(Passed::Sent(request.len())),
        Err(Fault::Later(failure)) => Err(failure),
        Err(Fault::Refused(failure)) => Ok(Passed::Refused(request, failure)),
        Err(Fault::Moved(failure)) => Ok(Passed::Moved(request, failure)),
    }
}

/// Whether an event may go: nobody whom it names is suppressed now, was when it came in, or is to be erased since.
fn may_go(people: &People, event: &Event, source: &SourceId) -> bool {
    !people.drops(event, source) && !people.drops_late(event, source) && !people.erased(event, source)
}

fn subjects(events: &[&Event]) -> Vec<Subject> {
    events.iter().flat_map(|event| event.subjects()).collect()
}

/// The events in order, as many in each request as fit.
fn requests(events: &[Event]) -> VecDeque<Vec<&Event>> {
    let mut requests = VecDeque::new();
    let mut bytes = REQUEST;
    for event in events {
        bytes += event.line.len() + 1;
        if bytes > REQUEST {
            requests.push_back(Vec::new());
            bytes = event.line.len() + 1;
        }
        if let Some(request) = requests.back_mut() {
            request.push(event);
        }
    }
    requests
}
