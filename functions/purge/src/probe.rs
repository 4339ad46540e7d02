//! Answers the API about an archive, with the role that will purge it; nothing of it is changed.

use std::time::Instant;

use archive::Archive;
use archive::filters::Filters;
use archive::ledger::Ledger;
use archive::purge::Purge;
use archive::survey::{self, Survey};
use destinations::archive::Settings;
use destinations::narrow;
use engine::matching::{Matcher, SubjectSet};
use model::failure::Result;
use model::id::RunId;
use model::probe::{Finding, Probe, TIME_TO_ANSWER};
use serde_json::json;

use crate::context::Context;

/// That something stands in the way is an answer, not an error.
pub async fn finding(context: &Context, probe: Probe, until: Instant) -> Finding {
    match look(context, probe, until.min(Instant::now() + TIME_TO_ANSWER)).await {
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
        match narrow::archive_prefix(&destination, &part)? {
            Some(prefix) => settings.prefix = prefix,
            None => return Ok(Survey::default()),
        }
    }
    let archive = Archive::new(context.s3.clone(), settings.bucket.clone());
    match probe {
        Probe::Check { .. } => survey::check(&archive, &settings, until).await,
        Probe::Count { destination_id, subjects, .. } => {
            let matcher = Matcher::new(&settings.rules, &SubjectSet::new(subjects));
            let (files, rules) = (context.files.clone(), settings.rules.clone());
            let index_key = context.index_key.clone();
            let purge = Purge {
                archive,
                filters: Filters::new(files.clone(), destination_id, rules, &matcher, index_key),
                // It stays empty: who only looks uploads nothing.
                ledger: Ledger::new(files, RunId::new()),
                until,
                matcher,
            };
            survey::count(&purge, &settings, context.cores).await
        }
    }
}
