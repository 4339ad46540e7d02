//! Samples the ids in an archive, from a few of its objects.

use std::time::Duration;

use tokio::time::timeout;

use crate::bucket::Archive;
use crate::run_plan::{Entry, Reason};
use crate::trouble::{Trouble, trouble, unreachable};
use destinations::archive::Settings;
use engine::matching::note_ids;
use model::failure::{Failure, Result};
use model::id_shape::Known;
use model::subject::SubjectType;

/// Number of objects to sample, and bytes of each.
const OBJECTS: usize = 3;
const BYTES: u64 = 128 << 10;

/// The longest that sampling may take: it only adds advice.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

impl Archive {
    /// Takes note of the ids of a kind in some of the objects below the settings' prefix. What cannot be read in time is
    /// left out.
    ///
    /// # Errors
    /// `Transient`, if the archive cannot be listed now; `Permanent`, if it may not be listed or read.
    pub async fn sample(&self, settings: &Settings, kind: SubjectType) -> Result<Known> {
        let mut known = Known::default();
        let look = async {
            let page = self.list(&settings.prefix).next().await?.unwrap_or_default();
            let page: Vec<_> = page.into_iter().filter(|entry| !settings.excludes(&entry.key)).collect();
            let step = page.len().div_ceil(OBJECTS).max(1);
            for entry in page.iter().rev().step_by(step) {
                let head = match self.head_of(entry).await {
                    Err(Trouble::Left(residual)) if residual.reason == Reason::Denied => {
                        return Err(Failure::permanent(residual.detail));
                    }
                    head => head.unwrap_or_default(),
                };
                note_ids(&settings.rules, kind, &head, &mut known);
            }
            Ok(())
        };
        timeout(LONGEST_LOOK, look).await.unwrap_or(Ok(()))?;
        Ok(known)
    }

    async fn head_of(&self, entry: &Entry) -> Result<Vec<u8>, Trouble> {
        let version = entry.versions.first().ok_or(Trouble::Changed)?;
        let request = self.client.get_object().bucket(&self.bucket).key(&entry.key).version_id(&version.id);
        let request =
            if version.size > BYTES { request.range(format!("bytes=0-{}", BYTES - 1)) } else { request };
        let reply = request.send().await.map_err(|e| trouble(&e))?;
        let body = reply.body.collect().await;
        body.map(|body| body.to_vec()).map_err(|_| unreachable(Failure::transient("S3 broke off its answer")))
    }
}
