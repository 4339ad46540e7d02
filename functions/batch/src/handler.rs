use std::time::Instant;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use model::batch::{Batch, BatchStatus};
use model::failure::{Failure, Result};

use crate::context::Context;
use crate::delivery::Delivery;
use crate::{file_end, work};

/// 1. Each message is handled by itself: its regulations are made.
/// 2. Its file is deleted from Lethe's bucket.
/// 3. One that may succeed later is delivered again; one that never can goes to the dead-letter queue, with the reason.
pub async fn handle(context: &Context, event: SqsEvent, until: Instant) -> Result<SqsBatchResponse> {
    let mut again = SqsBatchResponse::default();
    for message in event.records {
        let delivery = Delivery::of(message);
        if let Err(failure) = deal_with(context, &delivery, until).await {
            tracing::warn!(batch = %delivery.batch(), kind = %failure.kind, detail = failure.detail,
                "{}", failure.public);
            let pause = failure.wait.unwrap_or_else(|| delivery.pause());
            if let Err(failure) = context.queue.again_in(&delivery.receipt, pause).await {
                tracing::warn!(%failure, "it comes again when its visibility timeout ends");
            }
            let mut item = BatchItemFailure::default();
            item.item_identifier = delivery.message_id;
            again.batch_item_failures.push(item);
        }
    }
    Ok(again)
}

/// Makes the regulations of a message. One that can never succeed goes to the dead-letter queue, with the reason.
async fn deal_with(context: &Context, delivery: &Delivery, until: Instant) -> Result<()> {
    if Instant::now() > until {
        return Err(Failure::transient("no time is left: it is the next invocation's").wait(Some(0)));
    }
    let id = delivery.batch();
    let mut batch = match context.store.batch(&id).await? {
        Some(batch) => batch,
        None => Batch::new(id, delivery.sender.clone(), delivery.message_id.clone(), Timestamp::now()),
    };
    // Otherwise it was handled, and delivered again nevertheless.
    if batch.status == BatchStatus::Running
        && let Err(failure) = work::accept(context, delivery, &mut batch, until).await
    {
        match context.store.batch(&batch.id).await? {
            // A duplicate of it continued it to the end, and perhaps deleted the file that both name.
            Some(now) if now.status == BatchStatus::Accepted => batch = now,
            _ if failure.is_transient() => {
                batch.problem = Some(failure.public.clone());
                context.store.save_batch(&batch).await?;
                return Err(failure);
            }
            _ => return refuse(context, delivery, batch, failure).await,
        }
    }
    match batch.status {
        BatchStatus::Refused => Ok(()),
        _ => file_end::delete(context, delivery, &batch).await,
    }
}

async fn refuse(context: &Context, delivery: &Delivery, mut batch: Batch, failure: Failure) -> Result<()> {
    tracing::error!(batch = %batch.id, kind = %failure.kind, detail = failure.detail, "{}", failure.public);
    let notes = [
        ("Reason", failure.public.as_str()),
        ("BatchId", batch.id.as_str()),
        ("MessageId", &delivery.message_id),
        ("SenderId", &delivery.sender),
    ];
    context.queue.bury(&delivery.body, None, &notes).await?;
    batch.end(BatchStatus::Refused, Some(failure.public), Timestamp::now());
    work::note(context, &batch).await?;
    context.store.save_batch(&batch).await
}
