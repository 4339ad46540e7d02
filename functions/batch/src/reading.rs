//! Reads the subjects of a message, listed or in a file, and cuts them into regulations.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use model::batch::file::File;
use model::batch::ledger::{Closed, Ledger};
use model::batch::message::{FileName, Message, Subjects};
use model::batch::{BoundFile, Refusal};
use model::failure::{Failure, Result};
use model::subject::Subject;
use store::REFUSALS_PER_ITEM;

/// The file as it is now: version, entity tag and size.
pub async fn bind(s3: &Client, name: &FileName) -> Result<BoundFile> {
    let request = s3.head_object().bucket(&name.bucket).key(&name.key);
    let head = request.set_version_id(name.version_id.clone()).send().await;
    let head = head.map_err(|e| trouble(&e, e.raw_response().map(|reply| reply.status().as_u16())))?;
    Ok(BoundFile {
        etag: head.e_tag.unwrap_or_default(),
        version_id: head.version_id.filter(|version| version != "null"),
        bytes: head.content_length.unwrap_or_default().unsigned_abs(),
    })
}

/// Bytes of a file to read at a time: unpacked, they may hold many subjects and refused lines.
const PIECE: usize = 4 << 10;

/// Receives what is read.
pub trait Taker {
    /// Receives the people of one regulation after the other: the same ones each time.
    async fn regulation(&mut self, people: Vec<Vec<Subject>>) -> Result<()>;
    /// Receives refusals, `REFUSALS_PER_ITEM` at a time.
    async fn refusals(&mut self, refusals: Vec<Refusal>) -> Result<()>;
}

/// Reads all subjects. Memory does not grow with the file.
pub async fn read(
    s3: &Client,
    message: &Message,
    bound: Option<&BoundFile>,
    taker: &mut impl Taker,
) -> Result<Closed> {
    let (mut ledger, mut full) = (Ledger::default(), Vec::new());
    match (&message.subjects, bound) {
        (Subjects::Filed(name), Some(bound)) => {
            let mut file = File::new(message.named.clone());
            let request = s3.get_object().bucket(&name.bucket).key(&name.key).if_match(&bound.etag);
            let reply = request.set_version_id(bound.version_id.clone()).send().await;
            let mut body =
                reply.map_err(|e| trouble(&e, e.raw_response().map(|reply| reply.status().as_u16())))?.body;
            while let Some(bytes) = body.next().await {
                let bytes = bytes.map_err(|_| Failure::transient("S3 broke off its answer"))?;
                for piece in bytes.chunks(PIECE) {
                    file.push(piece, &mut |line, entry| {
                        full.extend(ledger.enter(line, entry)?);
                        Ok(())
                    })?;
                    hand_over(&mut ledger, &mut full, taker).await?;
                }
            }
            file.finish(&mut |line, entry| {
                full.extend(ledger.enter(line, entry)?);
                Ok(())
            })?;
        }
        (Subjects::Listed(all), _) => ledger.enter_all(all, &message.named, |people| full.push(people))?,
        (Subjects::Filed(_), None) => {
            return Err(Failure::permanent("a file is read before it is looked at"));
        }
    }
    hand_over(&mut ledger, &mut full, taker).await?;
    let (last, mut closed) = ledger.close();
    if let Some(people) = last {
        taker.regulation(people).await?;
    }
    let refusals = std::mem::take(&mut closed.refusals);
    if !refusals.is_empty() {
        taker.refusals(refusals).await?;
    }
    Ok(closed)
}

async fn hand_over(
    ledger: &mut Ledger,
    full: &mut Vec<Vec<Vec<Subject>>>,
    taker: &mut impl Taker,
) -> Result<()> {
    for people in full.drain(..) {
        taker.regulation(people).await?;
    }
    while let Some(refusals) = ledger.take_refusals(REFUSALS_PER_ITEM) {
        taker.refusals(refusals).await?;
    }
    Ok(())
}

/// What an error means for the file, whose name may hold an identifier and is not told. `HEAD` responses carry no error
/// code, so the status counts, too.
fn trouble<E>(error: &E, status: Option<u16>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error,
{
    let message = match (error.code(), status) {
        (Some("NoSuchBucket"), _) => "there is no such bucket",
        (_, Some(404)) => "there is no such file; one is deleted once a batch of it is accepted",
        (_, Some(412)) => "the file was written over while it was read: send the message again",
        (Some("InvalidObjectState"), _) => {
            "the file is in cold storage: restore it, then send the message again"
        }
        (_, Some(400 | 403 | 405)) => {
            "the file cannot be read: BatchBuckets names the buckets that may be, and a key of your own needs a grant"
        }
        _ => return aws::failure("S3", error),
    };
    Failure::invalid(message)
}
