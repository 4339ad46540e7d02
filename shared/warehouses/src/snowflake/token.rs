//! Key-pair authentication: a short-lived JWT, signed with the private key whose public half Snowflake knows
//! (<https://docs.snowflake.com/en/developer-guide/sql-api/authenticating>).

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use sha2::{Digest, Sha256};

use model::failure::{Failure, Result};

/// How long a token is valid, in seconds: longer than any invocation; Snowflake takes at most an hour.
const VALID: i64 = 3_540;

#[derive(Serialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
}

/// A token for a user of an account, from a private key in PEM (PKCS#8, not encrypted).
///
/// # Errors
/// `Permanent`, if the key cannot be read.
pub(super) fn token(account: &str, user: &str, private_key: &str, now: Timestamp) -> Result<String> {
    let refused = || {
        Failure::permanent(
            "secrets.privateKey is no RSA key in PEM (PKCS#8, not encrypted): set it again and retry",
        )
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(private_key.as_bytes()).map_err(|_| refused())?;
    let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| refused())?;
    let public: PublicKeyX509Der = pair.public_key().as_der().map_err(|_| refused())?;
    let fingerprint = BASE64_STANDARD.encode(Sha256::digest(public.as_ref()));
    let subject = format!("{}.{}", name(account), user.to_uppercase());
    let iat = now.as_second();
    let claims =
        Claims { iss: format!("{subject}.SHA256:{fingerprint}"), sub: subject, iat, exp: iat + VALID };
    let key = EncodingKey::from_rsa_pem(private_key.as_bytes()).map_err(|_| refused())?;
    encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_| refused())
}

/// An account as tokens name it: in upper case, an account locator without its region.
fn name(account: &str) -> String {
    account.split('.').next().unwrap_or(account).to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_named_as_snowflake_documents_it() {
        assert_eq!(name("org-account"), "ORG-ACCOUNT");
        assert_eq!(name("xy12345.us-east-2.aws"), "XY12345");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let failure = token("a", "u", "not a key", Timestamp::UNIX_EPOCH).expect_err("no key");
        assert!(failure.public.contains("privateKey") && !failure.public.contains("not a key"));
    }
}
