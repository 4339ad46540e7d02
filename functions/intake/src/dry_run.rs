//! `POST /regulations?dryRun=true`: how much a regulation would reach, counted where the data lies. Nothing is made,
//! suppressed or erased.

use std::time::Duration;

use futures::future::join_all;
use model::destination::{Destination, DestinationKind};
use model::id::DestinationId;
use model::probe::Probe;
use model::regulation::{Regulation, RegulationType};
use model::subject::Subject;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::context::Context;

/// How long a destination may count: API Gateway waits for 29 seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// What a regulation would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    dry_run: bool,
    regulation_type: RegulationType,
    subject_count: usize,
    /// Every destination that it would reach.
    destinations: Vec<Reach>,
}

/// What it would find at one destination.
#[derive(Serialize, ToSchema)]
struct Reach {
    id: DestinationId,
    name: String,
    vendor: String,
    kind: DestinationKind,
    /// Rows of a warehouse or lines of an archive; null, if that cannot be said.
    #[schema(required)]
    count: Option<u64>,
    /// Why it cannot be said, or what there is to know of the count.
    reason: String,
}

/// Asks every destination at once.
pub async fn rehearse(
    context: &Context,
    regulation: &Regulation,
    subjects: &[Subject],
    destinations: &[Destination],
) -> DryRun {
    let counts = destinations.iter().map(|destination| reach(context, regulation, destination, subjects));
    DryRun {
        dry_run: true,
        regulation_type: regulation.regulation_type,
        subject_count: subjects.len(),
        destinations: join_all(counts).await,
    }
}

async fn reach(
    context: &Context,
    regulation: &Regulation,
    destination: &Destination,
    subjects: &[Subject],
) -> Reach {
    let (count, reason) = match destination.kind {
        DestinationKind::Cloud => (None, format!("{} has no call that counts", destination.vendor)),
        kind => {
            let (destination_id, part) = (destination.id.clone(), regulation.part.clone());
            let probe = Probe::Count { destination_id, subjects: subjects.to_vec(), part };
            match timeout(PATIENCE, context.workers.ask(kind, &probe)).await {
                Ok(Ok(finding)) => (finding.count(), finding.message),
                Ok(Err(failure)) => {
                    tracing::warn!(destination = %destination.id, detail = failure.detail, "{}", failure.public);
                    (None, failure.public)
                }
                Err(_) => (None, "counting takes longer than a call may last".to_owned()),
            }
        }
    };
    let Destination { id, name, vendor, kind, .. } = destination.clone();
    Reach { id, name, vendor, kind, count, reason }
}
