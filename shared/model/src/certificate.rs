//! Certificates: what was done for a regulation, signed so that anyone can check it years later, offline.
//!
//! A certificate is a JWS in compact form (RFC 7515) with ES256 (RFC 7518, section 3.4). It names subjects by
//! pseudonym only. The public key is a JWK (RFC 7517) whose `kid` is its thumbprint (RFC 7638); any JOSE
//! library verifies the pair.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::destination::DestinationKind;
use crate::evidence::Link;
use crate::failure::{Failure, Result};
use crate::id::RegulationId;
use crate::regulation::Regulation;
use crate::status::Status;
use crate::status::TaskStatus;
use crate::subject::Pseudonym;
use crate::task::Task;

/// The `typ` of our certificates, which keeps them apart from other things signed with the same key.
pub const TYPE: &str = "lethe-certificate+jwt";

/// The claims of a certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The issuer: `lethe`.
    pub iss: String,
    /// The company that answers for it, as far as it is set.
    #[serde(default)]
    pub issuer: Issuer,
    /// Its id: the regulation's id and the attempt.
    pub jti: String,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
    /// The regulation, with its final status.
    pub regulation: Regulation,
    /// The subjects that it names.
    pub subjects: Vec<Pseudonym>,
    /// Their other ids, which were treated the same way.
    #[serde(default)]
    pub linked_subjects: Vec<Pseudonym>,
    /// Identifiers of theirs that warehouses and archives gave, by which places were asked, too.
    #[serde(default)]
    pub resolved_subjects: Vec<Pseudonym>,
    /// Ids that were linked to them and left out: user ids, and those of subjects with too many to be one person's.
    #[serde(default)]
    pub left_out: Vec<Pseudonym>,
    /// A [`commitment`](crate::commitment) to each of `subjects`, `linked_subjects` and `resolved_subjects`, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub commitments: Vec<String>,
    /// The outcome at each destination.
    pub destinations: Vec<Honoured>,
    /// The evidence of every step, chained.
    pub evidence: Vec<Link>,
}

/// The company in whose account the regulation was carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Its postal address, in one line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// Whom to ask: an address or telephone number of its privacy office.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contact: Option<String>,
}

/// The id of the certificate of an attempt.
pub fn jti(regulation: &RegulationId, attempt: u32) -> String {
    format!("{regulation}-{attempt}")
}

/// The claims of a certificate or of a signed head of the log, not checked: of one's own alone.
///
/// # Errors
/// `Permanent`, if it is no JWS with such claims.
pub fn read<T: DeserializeOwned>(jws: &str) -> Result<T> {
    let payload = jws.split('.').nth(1).and_then(|payload| BASE64.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    claims.ok_or_else(|| Failure::permanent("what was signed is of another form"))
}

/// The subjects of a regulation, by pseudonym.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The subjects that it names.
    pub subjects: Vec<Pseudonym>,
    /// Their other ids, which were treated the same way.
    pub linked_subjects: Vec<Pseudonym>,
    /// Identifiers of theirs that warehouses and archives gave.
    pub resolved_subjects: Vec<Pseudonym>,
    /// Ids that were linked to them and left out.
    pub left_out: Vec<Pseudonym>,
    /// See [`Claims::commitments`].
    pub commitments: Vec<String>,
}

/// The outcome at one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Honoured {
    /// The destination's id.
    pub id: String,
    /// The destination's name.
    pub name: String,
    /// The destination's vendor.
    pub vendor: String,
    /// The destination's kind.
    pub kind: DestinationKind,
    /// The final status of the task.
    pub status: TaskStatus,
    /// When the task ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
}

impl Claims {
    /// The claims about a regulation that ended with `status`.
    pub fn new(
        mut regulation: Regulation,
        status: Status,
        (issuer, about): (Issuer, About),
        tasks: &[Task],
        evidence: Vec<Link>,
        now: Timestamp,
    ) -> Self {
        regulation.status = status;
        regulation.finished_at = Some(now);
        let destinations = tasks
            .iter()
            .map(|task| Honoured {
                id: task.destination_id.to_string(),
                name: task.name.clone(),
                vendor: task.vendor.clone(),
                kind: task.kind,
                status: task.status,
                finished_at: task.finished_at,
            })
            .collect();
        Self {
            iss: "lethe".to_owned(),
            issuer,
            jti: jti(&regulation.id, regulation.attempt),
            iat: now.as_second(),
            regulation,
            subjects: about.subjects,
            linked_subjects: about.linked_subjects,
            resolved_subjects: about.resolved_subjects,
            left_out: about.left_out,
            commitments: about.commitments,
            destinations,
            evidence,
        }
    }
}

/// The bytes to sign of claims of this `typ`: header and payload as RFC 7515 writes them.
///
/// # Errors
/// `Permanent`, if the claims cannot be written as JSON.
pub fn signing_input(typ: &str, claims: &impl Serialize, key: &Jwk) -> Result<String> {
    let header = json!({ "alg": "ES256", "kid": key.kid, "typ": typ });
    let payload = serde_json::to_vec(claims)
        .map_err(|e| Failure::permanent("what is to be signed cannot be written").detail(e))?;
    Ok(format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(payload)))
}

/// Appends a signature, in DER as KMS returns it, to what was signed.
///
/// # Errors
/// `Permanent`, if it is not an ECDSA signature.
pub fn seal(signing_input: &str, der: &[u8]) -> Result<String> {
    let signature =
        Signature::from_der(der).map_err(|_| Failure::permanent("KMS gave no ECDSA signature"))?;
    Ok(format!("{signing_input}.{}", BASE64.encode(signature.to_bytes())))
}

/// Checks a certificate's signature and its chain of evidence.
///
/// # Errors
/// `Invalid`, naming the check that failed.
pub fn verify(certificate: &str, key: &Jwk) -> Result<Claims> {
    let broken = |why: &str| Failure::invalid(format!("the certificate does not hold: {why}"));
    let (signed, signature) = certificate.rsplit_once('.').ok_or_else(|| broken("it is no JWS"))?;
    let (header, payload) = signed.split_once('.').ok_or_else(|| broken("it is no JWS"))?;
    let decode = |part: &str| BASE64.decode(part).map_err(|_| broken("it is no JWS"));
    let header: serde_json::Value =
        serde_json::from_slice(&decode(header)?).map_err(|_| broken("its header is no JSON"))?;
    if header["alg"] != "ES256" || header["typ"] != TYPE {
        return Err(broken("it is of another type"));
    }
    let signature =
        Signature::from_slice(&decode(signature)?).map_err(|_| broken("its signature is damaged"))?;
    key.verifying_key()?
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| broken("the signature is not of this key and text"))?;
    let claims: Claims =
        serde_json::from_slice(&decode(payload)?).map_err(|_| broken("its claims are of another form"))?;
    if !crate::evidence::unbroken(&claims.evidence) {
        return Err(broken("the chain of evidence is broken"));
    }
    Ok(claims)
}

/// A public key as a JWK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// The key's thumbprint.
    pub kid: String,
    /// The key type.
    pub kty: String,
    /// The curve.
    pub crv: String,
    /// The point's first coordinate.
    pub x: String,
    /// The point's second coordinate.
    pub y: String,
    /// What it is for.
    #[serde(rename = "use")]
    pub usage: String,
    /// The algorithm.
    pub alg: String,
}

impl Jwk {
    /// The JWK of a public key given in DER, as KMS gives it.
    ///
    /// # Errors
    /// `Permanent`, if it is not a P-256 key.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let key = VerifyingKey::from_public_key_der(der)
            .map_err(|_| Failure::permanent("the signing key is not of the curve NIST P-256"))?;
        let point = key.to_sec1_point(false);
        let coordinate = |range: std::ops::Range<usize>| BASE64.encode(&point.as_bytes()[range]);
        let (x, y) = (coordinate(1..33), coordinate(33..65));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(Self {
            kid: BASE64.encode(Sha256::digest(canonical)),
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x,
            y,
            usage: "sig".to_owned(),
            alg: "ES256".to_owned(),
        })
    }

    fn verifying_key(&self) -> Result<VerifyingKey> {
        let mut point = vec![4];
        for coordinate in [&self.x, &self.y] {
            point.extend(BASE64.decode(coordinate).unwrap_or_default());
        }
        VerifyingKey::from_sec1_bytes(&point)
            .map_err(|_| Failure::invalid("the key is not of the curve P-256"))
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;
    use p256::pkcs8::EncodePublicKey;

    use super::*;
    use crate::regulation::RegulationType;
    use crate::subject::SubjectType;

    fn certificate() -> (String, Jwk) {
        let secret = SigningKey::from_slice(&[7; 32]).expect("a valid scalar");
        let der = secret.verifying_key().to_public_key_der().expect("encodes");
        let key = Jwk::from_der(der.as_bytes()).expect("a P-256 key");
        let regulation = Regulation {
            id: RegulationId::new(),
            regulation_type: RegulationType::DeleteOnly,
            subject_type: SubjectType::UserId,
            subject_count: 1,
            identifiers: Default::default(),
            part: None,
            duplicate_of: None,
            status: Status::Running,
            attempt: 1,
            actor: None,
            created_at: Timestamp::UNIX_EPOCH,
            grace_until: None,
            finished_at: None,
            clock: None,
            file: Default::default(),
            cancelled: None,
            outcome: None,
        };
        let tasks = [crate::task::tests::task()];
        let claims = Claims::new(
            regulation,
            Status::Finished,
            (Issuer::default(), About::default()),
            &tasks,
            vec![],
            Timestamp::UNIX_EPOCH,
        );
        let input = signing_input(TYPE, &claims, &key).expect("writes");
        let signature: Signature = secret.sign(input.as_bytes());
        (seal(&input, signature.to_der().as_bytes()).expect("seals"), key)
    }

    #[test]
    fn a_certificate_verifies_with_its_key_alone() {
        let (certificate, key) = certificate();
        assert_eq!(verify(&certificate, &key).expect("holds").regulation.status, Status::Finished);
    }

    #[test]
    fn any_change_breaks_it() {
        let (certificate, key) = certificate();
        for place in [5, certificate.len() / 2, certificate.len() - 5] {
            let mut bytes = certificate.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(verify(&changed, &key).is_err(), "changed at {place}");
        }
    }
}
