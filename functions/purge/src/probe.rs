//! Answers the API about an archive, with the role that will purge it; nothing of it is changed.

use std::time::Instant;

use serde_json::json;
use shared::archive::filters::Filters;
use shared::archive::ledger::Ledger;
use shared::archive::purge::Purge;
use shared::archive::survey::{self, Survey};
use shared::archive::{Archive, Settings};
use shared::failure::Result;
use shared::id::RunId;
use shared::matching::{Matcher, SubjectSet};
use shared::probe::{Finding, PATIENCE, Probe};

use crate::context::Context;

/// That something stands in the way is an answer, not an error.
pub async fn finding(context: &Context, probe: Probe, until: Instant) -> Finding {
    match look(context, probe, until.min(Instant::now() + PATIENCE)).await {
        Ok(survey) => Finding { ok: survey.is_well(), message: survey.message(), details: json!(survey) },
        Err(failure) => {
            tracing::warn!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
            Finding { ok: false, message: failure.public, details: json!({}) }
        }
    }
}

async fn look(context: &Context, probe: Probe, until: Instant) -> Result<Survey> {
    let (Probe::Check { destination_id } | Probe::Count { destination_id, .. }) = &probe;
    let destination = context.store.destination(destination_id).await?;
    let mut settings: Settings = destination.settings()?;
    if let Probe::Count { part: Some(part), .. } = &probe {
        match part.prefix(&destination)? {
            Some(prefix) => settings.prefix = prefix,
            None => return Ok(Survey::default()),
        }
    }
    let archive = Archive::new(context.s3.clone(), settings.bucket.clone());
    match probe {
        Probe::Check { .. } => survey::check(&archive, &settings, until).await,
        Probe::Count { destination_id, subjects, .. } => {
            let matcher = Matcher::new(&settings.rules, &SubjectSet::new(subjects));
            let (workspace, rules) = (context.workspace.clone(), settings.rules.clone());
            let index_key = context.index_key.clone();
            let purge = Purge {
                archive,
                filters: Filters::new(workspace.clone(), destination_id, rules, &matcher, index_key),
                // It stays empty: who only looks uploads nothing.
                ledger: Ledger::new(workspace, RunId::new()),
                until,
                matcher,
            };
            survey::count(&purge, &settings, context.cores).await
        }
    }
}
