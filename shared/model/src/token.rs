//! API tokens: what each may do, and how one is recognised without being stored.
//!
//! A token is `lethe_<id>_<secret>`. It is found by its id; of the secret, which has 256 random bits, only the hash is
//! stored. It is shown once, when it is made.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::failure::{Failure, Result};
use crate::id::{RegulationId, TokenId};
use crate::name;
use crate::subject::hex;

/// How every token begins, so that scanners for leaked secrets recognise it.
const PREFIX: &str = "lethe_";

/// Something that a token may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Make regulations that delete, retry them, withdraw them.
    #[serde(rename = "regulations:create")]
    RegulationsCreate,
    /// Read and search regulations, certificates, purge runs, destinations and sources.
    #[serde(rename = "regulations:read")]
    RegulationsRead,
    /// Read the suppression list.
    #[serde(rename = "suppressions:read")]
    SuppressionsRead,
    /// Suppress and unsuppress, without deleting.
    #[serde(rename = "suppressions:write")]
    SuppressionsWrite,
    /// Connect and change destinations and sources.
    #[serde(rename = "destinations:write")]
    DestinationsWrite,
    /// Read the audit trail.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// Everything, tokens and purge runs included.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RegulationsCreate => "regulations:create",
            Self::RegulationsRead => "regulations:read",
            Self::SuppressionsRead => "suppressions:read",
            Self::SuppressionsWrite => "suppressions:write",
            Self::DestinationsWrite => "destinations:write",
            Self::AuditRead => "audit:read",
            Self::Admin => "admin",
        }
    }
}

/// A token, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// Its scopes; none, if it is request-only.
    pub scopes: Vec<Scope>,
    /// Whether it may make one regulation about one subject, read that one, and do nothing else.
    pub request_only: bool,
    /// The regulation that a request-only token made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regulation_id: Option<RegulationId>,
    /// SHA-256 of its secret, in hex.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to within a minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether the secret is right and the token neither revoked nor expired. Hashes are compared, in constant time.
    pub fn admits(&self, secret: &str, now: Timestamp) -> bool {
        let same: bool = hash(secret).as_bytes().ct_eq(self.hash.as_bytes()).into();
        same && self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The body of `POST /tokens`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "Help desk", "scopes": ["regulations:create", "regulations:read"] }))]
pub struct NewToken {
    /// What people will call it.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    name: String,
    /// What it may do.
    #[serde(default)]
    scopes: Vec<Scope>,
    /// Instead of scopes: it may make one regulation about one subject, read that one, and do nothing else.
    #[serde(default)]
    request_only: bool,
    /// When it ends by itself; never, if left out.
    expires_at: Option<Timestamp>,
}

impl NewToken {
    /// Checks the request and makes the token. Returns it with the text for its holder.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(mut self, secret: [u8; 32], now: Timestamp) -> Result<(Token, String)> {
        name::check(&self.name)?;
        if self.scopes.is_empty() != self.request_only {
            let message = "say either scopes or requestOnly: true";
            return Err(Failure::invalid(message).field("scopes"));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(Failure::invalid("expiresAt has passed").field("expiresAt"));
        }
        self.scopes.sort();
        self.scopes.dedup();
        let (id, secret) = (TokenId::new(), BASE64_URL_SAFE_NO_PAD.encode(secret));
        let text = format!("{PREFIX}{}_{secret}", id.as_str().trim_start_matches("tok_"));
        let token = Token {
            id,
            name: self.name,
            scopes: self.scopes,
            request_only: self.request_only,
            regulation_id: None,
            hash: hash(&secret),
            created_at: now,
            expires_at: self.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        Ok((token, text))
    }
}

/// A token as a client sends it, taken apart.
pub struct Credential<'a> {
    /// The id of the token that it claims to be.
    pub id: TokenId,
    /// The secret that proves it.
    pub secret: &'a str,
}

impl<'a> Credential<'a> {
    /// Takes a text apart; none, if it does not have a token's form.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        Some(Self { id: format!("tok_{id}").parse().ok()?, secret })
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, redacted)", self.id)
    }
}

fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn new(scopes: Vec<Scope>, request_only: bool) -> NewToken {
        NewToken { name: "Help desk".into(), scopes, request_only, expires_at: None }
    }

    #[test]
    fn a_token_is_known_by_its_text_and_the_text_is_not_kept() {
        let now = Timestamp::UNIX_EPOCH;
        let (mut token, text) = new(vec![Scope::Admin], false).accept([7; 32], now).expect("valid");
        let credential = Credential::parse(&text).expect("of a token's form");
        assert_eq!(credential.id, token.id);
        assert!(token.admits(credential.secret, now) && !token.admits("wrong", now));
        assert!(!format!("{token:?} {credential:?}").contains(credential.secret));

        token.expires_at = Some(now + SignedDuration::from_secs(1));
        assert!(token.admits(credential.secret, now));
        assert!(!token.admits(credential.secret, now + SignedDuration::from_secs(1)));
        token = Token { expires_at: None, revoked_at: Some(now), ..token };
        assert!(!token.admits(credential.secret, now));
    }

    #[test]
    fn a_scope_has_one_name() {
        for scope in [Scope::RegulationsCreate, Scope::SuppressionsWrite, Scope::AuditRead, Scope::Admin] {
            assert_eq!(serde_json::to_value(scope).expect("a name"), scope.as_str());
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", "lethe_", "lethe_0_x", "Bearer", "lethe_0193aeb1c2d37f6f8c1e5a7b9d0e2f41"] {
            assert!(Credential::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_has_scopes_or_is_for_one_request() {
        for (scopes, request_only) in [(vec![], false), (vec![Scope::AuditRead], true)] {
            let failure =
                new(scopes, request_only).accept([7; 32], Timestamp::UNIX_EPOCH).expect_err("invalid");
            assert_eq!(failure.field, Some("scopes"));
        }
    }
}
