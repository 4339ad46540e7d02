//! Deletes a file once all its subjects are in regulations.

use model::batch::Batch;
use model::batch::message::{FileName, Message, Subjects};
use model::failure::Result;

use crate::context::Context;
use crate::delivery::Delivery;

/// The prefix of the files that are Lethe's to delete.
const PREFIX: &str = "batches/";

/// Deletes the file of a batch that has ended well from Lethe's own bucket, and the versions that it was written over.
/// What was uploaded under the same name since belongs to another batch. Harmless when the file is gone; files in other
/// buckets are left alone.
pub async fn delete(context: &Context, delivery: &Delivery, batch: &Batch) -> Result<()> {
    let Subjects::Filed(name) = Message::parse(&delivery.body)?.subjects else { return Ok(()) };
    if name.bucket != context.bucket || !name.key.starts_with(PREFIX) {
        return Ok(());
    }
    let bound = batch.file.as_ref().and_then(|file| file.version_id.as_ref());
    let versions = versions(context, &name).await?;
    let read = versions.iter().position(|version| Some(version) == bound).unwrap_or(versions.len());
    // The oldest first: as long as the version that was read is there, the others are found again.
    for version in versions[read..].iter().rev() {
        let request = context.s3.delete_object().bucket(&name.bucket).key(&name.key).version_id(version);
        request.send().await.map_err(|e| aws::failure("S3", &e))?;
    }
    Ok(())
}

/// All versions of a file, the newest first, as S3 lists them.
async fn versions(context: &Context, name: &FileName) -> Result<Vec<String>> {
    let (mut all, mut marker, mut version_marker) = (Vec::new(), None, None);
    loop {
        let request = context.s3.list_object_versions().bucket(&name.bucket).prefix(&name.key);
        let request = request.set_key_marker(marker).set_version_id_marker(version_marker);
        let page = request.send().await.map_err(|e| aws::failure("S3", &e))?;
        let own = page.versions.unwrap_or_default().into_iter();
        all.extend(own.filter(|one| one.key.as_ref() == Some(&name.key)).filter_map(|one| one.version_id));
        if !page.is_truncated.unwrap_or(false) {
            return Ok(all);
        }
        (marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
    }
}
