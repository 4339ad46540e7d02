//! Makes the regulations of one message, once, however often the message is delivered and wherever the work broke off.
//!
//! 1. The message is checked, and a file bound to its version and entity tag.
//! 2. All of it is read once, to count its lines and check the limits. Nothing is made before that.
//! 3. Its content is claimed. If another batch holds the claim, that one is continued, and this one is its duplicate.
//! 4. It is read again, and each regulation is stored and started under an id that is always the same.

use std::time::Instant;

use app::admission;
use jiff::Timestamp;
use model::batch::entry::Named;
use model::batch::ledger::Closed;
use model::batch::message::{Message, Subjects};
use model::batch::{Batch, BatchStatus, BoundFile, Refusal};
use model::failure::{Failure, Result};
use model::id::{BatchId, TrailId};
use model::regulation::NewRegulation;
use model::subject::Subject;
use model::trail::TrailEntry;
use store::Store;

use crate::context::Context;
use crate::delivery::Delivery;
use crate::reading::{Taker, bind, read};

/// Seconds between the starts of two regulations' work. The index of the suppression list has one partition, which
/// takes 1,000 writes a second: a full regulation takes this long.
const PACE: u32 = 5;

pub async fn accept(context: &Context, delivery: &Delivery, batch: &mut Batch, until: Instant) -> Result<()> {
    let message = Message::parse(&delivery.body)?;
    // Since it is refused as a whole, before anything is made, and is the same each time.
    message.clock.accept(batch.created_at, context.default_law)?;
    batch.regulation_type = Some(message.regulation_type);
    if let (Subjects::Filed(name), None) = (&message.subjects, &batch.file) {
        batch.file = Some(bind(&context.s3, name).await?);
    }
    context.store.save_batch(batch).await?;
    note(context, batch).await?;
    // Its account is stored once its content is claimed.
    if batch.account.lines == 0
        && let Some(mut other) = survey(context, &message, batch).await?
    {
        if other.status != BatchStatus::Accepted {
            make(context, &message, &batch.file, &mut other, until).await?;
        }
        batch.duplicate_of = Some(other.id);
        batch.end(BatchStatus::Duplicate, None, Timestamp::now());
        note(context, batch).await?;
        return context.store.save_batch(batch).await;
    }
    make(context, &message, &batch.file.clone(), batch, until).await
}

/// Reads everything and claims the content. Returns the batch that has claimed it before, if one has.
async fn survey(context: &Context, message: &Message, batch: &mut Batch) -> Result<Option<Batch>> {
    let mut surveyor = Surveyor { store: &context.store, batch: &batch.id, kept: 0 };
    let Closed { account, content, .. } =
        read(&context.s3, message, batch.file.as_ref(), &mut surveyor).await?;
    if account.subjects == 0 {
        batch.account = account;
        return Err(Failure::invalid("no line names a subject: nothing is done"));
    }
    let other = claim(context, message, &content, batch).await?;
    batch.account = account;
    Ok(other.map(|mut other| {
        if other.account.lines == 0 {
            other.account = account;
        }
        other
    }))
}

/// Stores refusals; subjects are only counted.
struct Surveyor<'a> {
    store: &'a Store,
    batch: &'a BatchId,
    /// Number of items of refusals stored.
    kept: usize,
}

impl Taker for Surveyor<'_> {
    async fn regulation(&mut self, _: Vec<Vec<Subject>>) -> Result<()> {
        Ok(())
    }

    async fn refusals(&mut self, refusals: Vec<Refusal>) -> Result<()> {
        self.store.keep_refusals(self.batch, self.kept, refusals).await?;
        self.kept += 1;
        Ok(())
    }
}

async fn claim(context: &Context, message: &Message, content: &str, batch: &Batch) -> Result<Option<Batch>> {
    let (store, now) = (&context.store, Timestamp::now());
    let texts = [message.regulation_type.as_str(), &message.reference, content];
    let content = context.pseudonyms.fingerprint(texts.map(str::as_bytes));
    let owner = store.claim_content(&content, &batch.id, None, now).await?;
    if owner == batch.id {
        return Ok(None);
    }
    if let Some(other) = store.batch(&owner).await?
        && is_under_way(store, &other).await?
    {
        return Ok(Some(other));
    }
    if store.claim_content(&content, &batch.id, Some(&owner), now).await? == batch.id {
        return Ok(None);
    }
    Err(Failure::transient("the same subjects were sent twice at the same time"))
}

/// Whether a batch still makes regulations, or one of those that it made has not ended.
async fn is_under_way(store: &Store, batch: &Batch) -> Result<bool> {
    if batch.status != BatchStatus::Accepted {
        return Ok(true);
    }
    for id in batch.regulations() {
        if store.regulation(&id).await?.is_some_and(|regulation| !regulation.status.is_final()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the regulations that are not made yet. The survey has stored the refused lines.
struct Maker<'a> {
    context: &'a Context,
    message: &'a Message,
    batch: &'a mut Batch,
    until: Instant,
    /// Number of regulations read.
    number: usize,
}

impl Taker for Maker<'_> {
    async fn regulation(&mut self, people: Vec<Vec<Subject>>) -> Result<()> {
        let number = self.number;
        self.number += 1;
        if number < self.batch.made {
            return Ok(());
        }
        if Instant::now() > self.until {
            return Err(Failure::transient("it takes longer than an invocation: it goes on").wait(Some(0)));
        }
        regulation(self.context, self.message, self.batch, number, people).await?;
        self.batch.made = number + 1;
        self.context.store.save_batch(self.batch).await
    }

    async fn refusals(&mut self, _: Vec<Refusal>) -> Result<()> {
        Ok(())
    }
}

/// Makes the regulations that are not made yet.
async fn make(
    context: &Context,
    message: &Message,
    file: &Option<BoundFile>,
    batch: &mut Batch,
    until: Instant,
) -> Result<()> {
    let mut maker = Maker { context, message, batch, until, number: 0 };
    read(&context.s3, message, file.as_ref(), &mut maker).await?;
    batch.end(BatchStatus::Accepted, None, Timestamp::now());
    note(context, batch).await?;
    context.store.save_batch(batch).await
}

async fn regulation(
    context: &Context,
    message: &Message,
    batch: &Batch,
    number: usize,
    people: Vec<Vec<Subject>>,
) -> Result<()> {
    let id = batch.regulation(number);
    let now = Timestamp::now();
    let mut entry = TrailEntry {
        id: TrailId::new(),
        at: now,
        object: Some(id.to_string()),
        action: "batch: regulation".to_owned(),
        ..entry(batch)
    };
    context.store.write_trail(&entry).await?;
    let (kind, law) = (message.regulation_type, context.default_law);
    let (mut regulation, named) = match &message.named {
        Named::ByUserId(_) => {
            let ids = people.into_iter().flatten().map(|subject| subject.id).collect();
            NewRegulation::of_users(kind, ids).accept(id, now, law)?
        }
        Named::ByAll { .. } => NewRegulation::of_batch(kind, id, now, people),
    };
    regulation.clock = Some(message.clock.accept(batch.created_at, law)?);
    regulation.actor = Some(batch.actor());
    let regulation = regulation.with_grace(context.grace_hours);
    let delay = u32::try_from(number).unwrap_or(u32::MAX).saturating_mul(PACE);
    admission::admit(&context.store, &context.workflow, &regulation, named, delay, None).await?;
    entry.status = Some(200);
    context.store.write_trail(&entry).await
}

/// Records the state of a batch in the audit trail: before anything is done, and when it has ended.
pub async fn note(context: &Context, batch: &Batch) -> Result<()> {
    context.store.write_trail(&entry(batch)).await
}

fn entry(batch: &Batch) -> TrailEntry {
    let account = batch.account;
    let (status, reason) = match batch.status {
        BatchStatus::Running => (None, None),
        BatchStatus::Refused => (Some(422), batch.problem.clone()),
        BatchStatus::Duplicate => {
            (Some(200), batch.duplicate_of.as_ref().map(|id| format!("the same subjects as {id}")))
        }
        BatchStatus::Accepted => {
            let account = format!(
                "{} lines: {} subjects, {} duplicates, {} refused, {} blank, {} header",
                account.lines,
                account.subjects,
                account.duplicates,
                account.refused,
                account.blank,
                account.header
            );
            (Some(200), Some(account))
        }
    };
    TrailEntry {
        id: batch.id.trail(batch.created_at),
        at: batch.created_at,
        caller: "batch".to_owned(),
        caller_name: batch.sender.clone(),
        action: "batch".to_owned(),
        object: Some(batch.id.to_string()),
        part: None,
        status,
        reason,
        dry_run: false,
    }
}
