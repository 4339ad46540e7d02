//! Answers the API's probes of an archive, with the role that will purge it; nothing is changed.

use std::time::Instant;

use archive::Archive;
use archive::count::count;
use archive::filters::Filters;
use archive::ledger::Ledger;
use archive::purge::Purge;
use archive::survey::{self, Survey};
use destinations::archive::Settings;
use destinations::narrow;
use engine::matching::{Matcher, SubjectSet};
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::RunId;
use model::probe::{Finding, Probe};
use serde_json::json;

use crate::context::Context;
use crate::resolve::resolvable;

/// Looks at an archive and says what is there.
pub async fn look(context: &Context, probe: Probe, until: Instant) -> Result<Finding> {
    let destination = match &probe {
        Probe::Draft { destination, .. } => destination.clone(),
        stored => context.store.destination(stored.destination_id()).await?,
    };
    if let Probe::Resolvable { people, .. } = &probe {
        return resolvable(context, &destination, people, until).await;
    }
    let survey = survey(context, &destination, probe, until).await?;
    Ok(Finding { ok: survey.is_well(), message: survey.message(), details: json!(survey) })
}

async fn survey(
    context: &Context,
    destination: &Destination,
    probe: Probe,
    until: Instant,
) -> Result<Survey> {
    let mut settings: Settings = destination.settings()?;
    if let Probe::Count { part: Some(part), .. } = &probe {
        match narrow::archive_prefix(destination, part)? {
            Some(prefix) => settings.prefix = prefix,
            None => return Ok(Survey::default()),
        }
    }
    let archive = Archive::new(context.s3.clone(), settings.bucket.clone(), settings.request_payer);
    let exceptions = context.store.exceptions(probe.destination_id()).await?;
    match probe {
        Probe::Check { .. } | Probe::Draft { .. } => {
            survey::check(&archive, &settings, &exceptions, until).await
        }
        Probe::Count { destination_id, subjects, .. } => {
            let matcher = Matcher::new(&settings.rules, &SubjectSet::new(subjects));
            let (files, rules) = (context.files.clone(), settings.rules.clone());
            let index_key = context.index_key.clone();
            let purge = Purge {
                archive,
                filters: Filters::new(files.clone(), destination_id, rules, &matcher, index_key),
                // It stays empty: a probe uploads nothing.
                ledger: Ledger::new(files, RunId::new()),
                until,
                matcher,
            };
            count(&purge, &settings, &exceptions, context.cores).await
        }
        Probe::Resolvable { .. } => Err(Failure::invalid("a look-up is no survey")),
    }
}
