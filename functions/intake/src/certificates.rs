//! Certificates, what shows that a person is on one, and their log.

use aws::bucket::Key;
use axum::extract::{FromRequestParts, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use model::certificate::{Claims, Jwk, jti, read};
use model::commitment::{Salts, commitment, written};
use model::failure::Failure;
use model::id::RegulationId;
use model::log::{self, Hash, LogEntry};
use model::subject::SubjectType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::regulations::find;
use crate::request::{self, Body, Id};
use crate::search::WantedSubject;

/// The most entries of the log in one answer.
const ENTRIES: i32 = 1_000;

/// The last place that a log may have: its entries' keys have as many digits.
const MAX_PLACE: u64 = 999_999_999_999;

/// A certificate, as a JWS.
#[derive(Serialize, ToSchema)]
pub struct Certificate {
    /// A JSON Web Signature in compact form (RFC 7515), checked with the keys in `/.well-known/jwks.json`.
    certificate: String,
    attempt: u32,
    /// Shows that it is in the log of all certificates; none in the moment before it is appended.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

/// Shows that a certificate is in the log (RFC 9162, section 2.1.3).
#[derive(Serialize, ToSchema)]
pub struct Receipt {
    /// The certificate's place in the log, from 0.
    index: u64,
    /// Number of certificates in the log that `head` commits to.
    size: u64,
    /// The hashes from the leaf to the root: SHA-256, in hex.
    #[schema(value_type = Vec<String>)]
    path: Vec<Hash>,
    /// The log's head as a JWS of the type `lethe-log+jwt`, with the claims `size` and `root`.
    head: String,
}

/// The certificate of the last attempt that was sealed.
#[utoipa::path(get, path = "/regulations/{id}/certificate", operation_id = "getCertificate", tag = "Certificates",
    params(("id" = RegulationId, Path)), responses((status = 200, description = "The certificate", body = Data<Certificate>)))]
pub async fn show(State(context): Shared, Id(id): Id<RegulationId>) -> Reply<Certificate> {
    let (certificate, attempt) = last(&context, &id).await?;
    let receipt = receipt(&context, &jti(&id, attempt)).await?;
    Ok(data(Certificate { certificate, attempt, receipt }))
}

/// The last certificate of a regulation and its attempt.
async fn last(context: &Context, id: &RegulationId) -> Result<(String, u32), ApiError> {
    let regulation = find(context, id).await?;
    for attempt in (1..=regulation.attempt).rev() {
        if let Some(certificate) = context.certificates.text(Key::Certificate(id, attempt)).await? {
            return Ok((certificate, attempt));
        }
    }
    Err(ApiError::not_found(
        "no attempt of this regulation is sealed yet: its certificate is written when one ends",
    ))
}

async fn receipt(context: &Context, jti: &str) -> Result<Option<Receipt>, ApiError> {
    let store = &context.store;
    let (Some(entry), Some(signed)) = (store.log_entry(jti).await?, store.signed_head().await?) else {
        return Ok(None);
    };
    if entry.index >= signed.size {
        return Ok(None);
    }
    let path = store.log_hashes(log::path(entry.index, signed.size)).await?;
    Ok(Some(Receipt { index: entry.index, size: signed.size, path, head: signed.head }))
}

/// Who should be on a certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject": { "type": "USER_ID", "id": "u7" } }))]
pub struct ProofRequest {
    subject: WantedSubject,
}

/// Shows that an identifier is on a certificate, and nothing of any other: one of the certificate's `commitments` is SHA-256,
/// in base64url, of `lethe-subject-proof`, a zero byte, the salt, the kind, a zero byte and the identifier.
#[derive(Serialize, ToSchema)]
pub struct SubjectProof {
    /// The certificate's id (`jti`).
    certificate: String,
    /// The identifier's kind.
    kind: SubjectType,
    /// The identifier as the certificate's request named it: an email address or telephone number in its normal form.
    id: String,
    /// 32 bytes, in base64url.
    salt: String,
}

/// Proves that a person is on the last certificate of a regulation: whoever has the certificate and this proof can check it.
#[utoipa::path(post, path = "/regulations/{id}/proof", operation_id = "proveSubject", tag = "Certificates",
    params(("id" = RegulationId, Path)), request_body = ProofRequest,
    responses((status = 200, description = "The proof", body = Data<SubjectProof>)))]
pub async fn prove(
    State(context): Shared,
    Id(id): Id<RegulationId>,
    Body(request): Body<ProofRequest>,
) -> Reply<SubjectProof> {
    let subject = request.subject.named()?;
    let (certificate, _) = last(&context, &id).await?;
    let claims: Claims = read(&certificate)?;
    if claims.commitments.is_empty() {
        let message =
            "this certificate was sealed before there were proofs: it neither shows nor denies who is on it";
        return Err(ApiError::not_found(message));
    }
    let salts = Salts::of(context.pseudonyms().await?, &claims.jti);
    for named in subject.spelled() {
        let salt = salts.salt(&named);
        if claims.commitments.binary_search(&commitment(&salt, &named)).is_ok() {
            return Ok(data(SubjectProof {
                certificate: claims.jti,
                kind: named.kind,
                id: named.id,
                salt: written(&salt),
            }));
        }
    }
    Err(ApiError::not_found("the certificate does not hold this identifier"))
}

/// The head of the log of certificates.
#[derive(Serialize, ToSchema)]
pub struct Log {
    /// Number of certificates.
    size: u64,
    /// The head as a JWS of the type `lethe-log+jwt`, with the claims `size` and `root`; none before the first certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
}

/// The signed head of the log of all certificates. Who keeps it can later have it shown that the log only grew.
#[utoipa::path(get, path = "/log", operation_id = "getLog", tag = "Certificates",
    responses((status = 200, description = "The head", body = Data<Log>)))]
pub async fn log(State(context): Shared) -> Reply<Log> {
    Ok(data(head(&context).await?))
}

/// From where entries are listed.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntriesFrom {
    /// The first entry's place; 0, if it is left out.
    #[param(required = false, minimum = 0, maximum = 999_999_999_999_u64)]
    from: u64,
}

impl<S: Send + Sync> FromRequestParts<S> for EntriesFrom {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let from = request::Query::of(parts).one("from", "a place in the log, from 0", |text| {
            text.parse().ok().filter(|place| *place <= MAX_PLACE)
        })?;
        Ok(Self { from: from.unwrap_or_default() })
    }
}

/// A part of the log, and its head.
#[derive(Serialize, ToSchema)]
pub struct LogEntries {
    #[serde(flatten)]
    log: Log,
    entries: Vec<LogEntry>,
    /// Where to go on; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// The entries of the log, in order, up to 1,000 at a time: all that is needed to compute its root.
#[utoipa::path(get, path = "/log/entries", operation_id = "listLogEntries", tag = "Certificates", params(EntriesFrom),
    responses((status = 200, description = "A part of the log", body = Data<LogEntries>)))]
pub async fn log_entries(State(context): Shared, EntriesFrom { from }: EntriesFrom) -> Reply<LogEntries> {
    let log = head(&context).await?;
    let entries = context.store.log_entries(from, ENTRIES).await?;
    let more = entries.len() == ENTRIES as usize;
    let next = entries.last().filter(|_| more).map(|last| last.index + 1);
    Ok(data(LogEntries { log, entries, next }))
}

async fn head(context: &Context) -> Result<Log, ApiError> {
    let signed = context.store.signed_head().await?;
    let (size, head) = signed.map(|signed| (signed.size, signed.head)).unzip();
    Ok(Log { size: size.unwrap_or_default(), head })
}

/// Two sizes of the log.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// The earlier size.
    #[param(minimum = 1, maximum = 999_999_999_999_u64)]
    from: u64,
    /// The later size.
    #[param(minimum = 1, maximum = 999_999_999_999_u64)]
    to: u64,
}

impl<S: Send + Sync> FromRequestParts<S> for Between {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = request::Query::of(parts);
        let size = |name| {
            let given = query.one(name, "a size of the log, at least 1", |text| {
                text.parse().ok().filter(|size| (1..=MAX_PLACE).contains(size))
            })?;
            given.ok_or_else(|| ApiError::from(Failure::invalid(format!("{name} is missing")).field(name)))
        };
        Ok(Self { from: size("from")?, to: size("to")? })
    }
}

/// A consistency proof.
#[derive(Serialize, ToSchema)]
pub struct Consistency {
    from: u64,
    to: u64,
    /// The hashes of RFC 9162, section 2.1.4: SHA-256, in hex.
    #[schema(value_type = Vec<String>)]
    hashes: Vec<Hash>,
}

/// Proves that the log of one size is the beginning of the log of another: that nothing was dropped or changed between.
#[utoipa::path(get, path = "/log/consistency", operation_id = "getLogConsistency", tag = "Certificates", params(Between),
    responses((status = 200, description = "The proof", body = Data<Consistency>)))]
pub async fn consistency(State(context): Shared, Between { from, to }: Between) -> Reply<Consistency> {
    let size = context.store.log_head().await?.size;
    if to > size {
        return Err(Failure::invalid(format!("to must be at most {size}, the size of the log"))
            .field("to")
            .into());
    }
    if from > to {
        return Err(Failure::invalid("from must be at most to").field("from").into());
    }
    let hashes = context.store.log_hashes(log::consistency(from, to)).await?;
    Ok(data(Consistency { from, to, hashes }))
}

/// RFC 7517's key set.
#[derive(Serialize, ToSchema)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// The keys that certificates are checked with, the present one first, then all that ever signed; bare: JOSE libraries read
/// it as it is.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "getKeys", tag = "About", security(),
    responses((status = 200, description = "A JSON Web Key Set (RFC 7517)", body = KeySet)))]
pub async fn keys(State(context): Shared) -> Result<impl IntoResponse, ApiError> {
    let present = context.signer.public_key().await?.clone();
    let mut kept = context.store.kept_keys().await?;
    kept.retain(|key| key.kid != present.kid);
    let keys = std::iter::once(present).chain(kept).collect();
    Ok(([(CACHE_CONTROL, "public, max-age=3600")], axum::Json(KeySet { keys })))
}
