//! Advice for the sender of wrong ids: those that were not found may be written otherwise than the archive's own.

use std::collections::HashMap;

use archive::Archive;
use archive::run_plan::{RunMember, RunPlan};
use destinations::archive::Settings;
use model::failure::Result;
use model::id::DestinationId;
use model::id_shape::{Known, advice};
use model::subject::{Subject, SubjectType};

use crate::context::Context;

/// Some of the ids in each archive; an archive is sampled at most once in a run.
#[derive(Default)]
pub struct Looks(HashMap<(DestinationId, SubjectType), Known>);

impl Looks {
    /// The advice for a regulation of whose subjects an archive holds nothing; none, if there is nothing to tell. It
    /// tells, too, if the archive may not be read.
    pub async fn advice(
        &mut self,
        context: &Context,
        archive: &DestinationId,
        plan: &RunPlan,
        member: &RunMember,
    ) -> Option<String> {
        let subjects = || member.subjects.iter().filter_map(|place| plan.subjects.get(*place as usize));
        let kind = subjects().next()?.kind;
        let sent = subjects().filter(|subject| subject.kind == kind).map(|Subject { id, .. }| id.as_str());
        let key = (archive.clone(), kind);
        if !self.0.contains_key(&key) {
            match sample(context, archive, kind).await {
                Ok(known) => drop(self.0.insert(key.clone(), known)),
                Err(failure) => {
                    tracing::warn!(%archive, detail = failure.detail, "{}", failure.public);
                    let why = format!("what ids look like there could not be told: {}", failure.public);
                    return Some(why).filter(|_| !failure.is_transient());
                }
            }
        }
        advice(self.0.get(&key)?, sent)
    }
}

async fn sample(context: &Context, archive: &DestinationId, kind: SubjectType) -> Result<Known> {
    let settings: Settings = context.store.destination(archive).await?.settings()?;
    let archive = Archive::new(context.s3.clone(), settings.bucket.clone(), settings.request_payer);
    archive.sample(&settings, kind).await
}
