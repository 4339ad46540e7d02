//! The certificate of an attempt, and the log of all.
//!
//! 1. The certificate is signed and written once; what is written stands, whoever wrote it.
//! 2. It is appended to the log ([`model::log`]), and the log's head is signed and kept where it cannot be changed.
//! 3. The public key is kept for good.

use aws::bucket::Key;
use jiff::Timestamp;
use lambda::clock;
use model::certificate::{self, About, Claims, jti, read};
use model::commitment::Salts;
use model::evidence::{Evidence, chain};
use model::failure::{Failure, Result};
use model::id::RegulationId;
use model::log::{self, Hash, HeadClaims};
use model::regulation::Regulation;
use model::status::Status;
use model::subject::Subject;
use model::task::Task;
use store::SignedHead;

use crate::handler::Context;

/// Certifies an attempt that ended with `status`. May run twice.
pub async fn certify(
    context: &Context,
    regulation: &Regulation,
    status: Status,
    (tasks, evidence): (&[Task], Vec<Evidence>),
    now: Timestamp,
) -> Result<()> {
    let (store, id, attempt) = (&context.store, &regulation.id, regulation.attempt);
    let key = Key::Certificate(id, attempt);
    if context.certificates.text(key).await?.is_none() {
        let about = (context.issuer.clone(), about(context, id, attempt).await?);
        let claims = Claims::new(regulation.clone(), status, about, tasks, chain(evidence), now);
        let signed = context.signer.sign(certificate::TYPE, &claims).await?;
        context.certificates.write_once(key, "application/jose", signed).await?;
    }
    store.keep_key(context.signer.public_key().await?).await?;
    let stands = context.certificates.text(key).await?;
    let stands = stands.ok_or_else(|| Failure::transient("the certificate cannot be read back"))?;
    store.log_certificate(&jti(id, attempt), Hash::leaf(&stands)).await?;
    sign_head(context).await
}

async fn about(context: &Context, id: &RegulationId, attempt: u32) -> Result<About> {
    let (store, pseudonyms) = (&context.store, context.secrets.pseudonym_key().await?);
    let [subjects, linked, resolved, left_out] = [
        store.subjects(id).await?,
        store.linked_subjects(id).await?,
        store.resolved_subjects(id).await?,
        store.left_out_subjects(id).await?,
    ];
    let named = |subjects: &[Subject]| subjects.iter().map(|one| pseudonyms.pseudonym(one)).collect();
    Ok(About {
        subjects: named(&subjects),
        linked_subjects: named(&linked),
        resolved_subjects: named(&resolved),
        left_out: named(&left_out),
        commitments: Salts::of(&pseudonyms, &jti(id, attempt))
            .commitments(subjects.iter().chain(&linked).chain(&resolved)),
    })
}

/// Signs the head of the log of certificates, unless that is done, and writes it to write-once storage.
pub async fn sign_head(context: &Context) -> Result<()> {
    let head = context.store.log_head().await?;
    let signed = context.store.signed_head().await?;
    if head.size == 0 || signed.is_some_and(|signed| signed.size >= head.size) {
        return Ok(());
    }
    let claims = HeadClaims {
        iss: "lethe".to_owned(),
        iat: clock::now().as_second(),
        size: head.size,
        root: head.root(),
    };
    let signed = SignedHead { size: head.size, head: context.signer.sign(log::TYPE, &claims).await? };
    let key = Key::LogHead(head.size);
    context.certificates.write_once(key, "application/jose", signed.head.clone()).await?;
    let stands = context.certificates.text(key).await?;
    let stands = stands.ok_or_else(|| Failure::transient("the head of the log cannot be read back"))?;
    if read::<HeadClaims>(&stands)?.root != head.root() {
        // A table that was put back to an earlier time. What was sealed stands; no head is given out that contradicts it.
        tracing::error!(size = head.size, "another log of this size was sealed: the table was put back");
        return Ok(());
    }
    context.store.keep_signed_head(&SignedHead { head: stands, ..signed }).await
}
