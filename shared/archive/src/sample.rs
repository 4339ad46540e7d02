//! Looks at what the ids in an archive look like, in a few of its objects.

use std::time::Duration;

use tokio::time::timeout;

use crate::bucket::Archive;
use crate::run_plan::Entry;
use destinations::archive::Settings;
use engine::matching::shapes;
use model::id_shape::Known;
use model::subject::SubjectType;

/// How many objects are looked into, and how many bytes of each.
const OBJECTS: usize = 3;
const BYTES: u64 = 128 << 10;

/// How long it may take: it only helps.
const PATIENCE: Duration = Duration::from_secs(10);

impl Archive {
    /// What the ids of a kind look like in some of the objects below the settings' prefix. What cannot be read, or not
    /// in time, is left out.
    pub async fn sample(&self, settings: &Settings, kind: SubjectType) -> Known {
        let mut known = Known::new();
        let look = async {
            let page = self.list(&settings.prefix).next().await.ok().flatten().unwrap_or_default();
            let step = page.len().div_ceil(OBJECTS).max(1);
            for entry in page.iter().rev().step_by(step) {
                let head = self.head_of(entry).await.unwrap_or_default();
                for (shape, count) in shapes(&settings.rules, kind, &head) {
                    *known.entry(shape).or_default() += count;
                }
            }
        };
        let _ = timeout(PATIENCE, look).await;
        known
    }

    async fn head_of(&self, entry: &Entry) -> Option<Vec<u8>> {
        let version = entry.versions.first()?;
        let request = self.client.get_object().bucket(&self.bucket).key(&entry.key).version_id(&version.id);
        let request =
            if version.size > BYTES { request.range(format!("bytes=0-{}", BYTES - 1)) } else { request };
        let reply = request.send().await.ok()?;
        Some(reply.body.collect().await.ok()?.to_vec())
    }
}
