//! Google Analytics 4: `properties.submitUserDeletion` of the Admin API, with a service account's token.
//!
//! The answer names the moment up to which data is deleted; Google takes some 63 days and has no call that tells when
//! it is done, nor whether the user was known. The service account must be an editor of the property; a JWT signed with
//! its key is exchanged for a token. 500 deletions a day and property, 1.5 a second.
//!
//! <https://developers.google.com/analytics/devguides/config/admin/v1/rest/v1alpha/properties/submitUserDeletion>,
//! <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>,
//! <https://developers.google.com/analytics/devguides/config/userdeletion/v3/limits-quotas>

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Secrets, Step, SubjectType,
    Vendor, encode, own,
};
use crate::google;
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const HOST: Field =
    Field::optional("host", "Host", "Host of the Admin API; analyticsadmin.googleapis.com if left out")
        .of(Form::Host(&["analyticsadmin.googleapis.com"]));

const DESCRIPTION: Description = Description {
    vendor: "google-analytics",
    title: "Google Analytics",
    kind: DestinationKind::Cloud,
    docs: "https://developers.google.com/analytics/devguides/config/admin/v1/rest/v1alpha/properties/submitUserDeletion",
    confirms: TaskStatus::Accepted,
    fields: &[
        HOST,
        Field::required("propertyId", "Property ID", "Number of the Google Analytics 4 property"),
        Field::optional(
            "identifier",
            "Identifier",
            "What our user ids are there: \"userId\" (default), \"clientId\", \"appInstanceId\" or \
             \"userProvidedData\" (an email address or a phone number)",
        )
        .of(Form::Choice(&["userId", "clientId", "appInstanceId", "userProvidedData"])),
        Field::secret(
            "serviceAccountKey",
            "Service account key",
            "Key file (JSON) of a service account that may edit the property",
        )
        .of(Form::LongText),
    ],
};

const SCOPE: &str = "https://www.googleapis.com/auth/analytics.edit";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Google Analytics 4's deletion protocol.
pub struct GoogleAnalytics;

/// The fields of a service account's key file that we use.
#[derive(Deserialize)]
struct Key {
    client_email: String,
    private_key: String,
}

/// The claims of a service account that requests a token. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl Vendor for GoogleAnalytics {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn check_secrets(&self, secrets: &Secrets) -> Result<()> {
        google::key(secrets.get("serviceAccountKey")?).map(drop)
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 3, per: Duration::from_secs(2), at_once: 3 }
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        let first = match identifier(settings) {
            "clientId" => own("client_id"),
            "appInstanceId" => own("app_instance_id"),
            "userProvidedData" => return vec![SubjectType::Email, SubjectType::Phone],
            _ => SubjectType::UserId,
        };
        vec![first, SubjectType::Email, SubjectType::Phone]
    }

    fn user_ids_are(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match identifier(settings) {
            "clientId" => vec![own("client_id")],
            "appInstanceId" => vec![own("app_instance_id")],
            "userProvidedData" => vec![SubjectType::Email, SubjectType::Phone],
            _ => Vec::new(),
        }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [] => Ok(Step::Send(token(ask)?)),
            [token] => Ok(Step::Send(delete(ask, access(token)?))),
            [.., reply] if reply.is_success() && !reply.text("/deletionRequestTime").is_empty() => {
                Ok(ask.all(Outcome::Accepted))
            }
            [.., reply] => Err(reply.unexpected("Google Analytics")),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [] => Ok(Step::Send(token(ask)?)),
            [token] => Ok(Step::Send(Call::get(property(ask)).bearer(access(token)?))),
            [.., reply] if reply.is_success() => Ok(Step::Done(Vec::new())),
            [.., reply] => Err(reply.unexpected("Google Analytics")),
        }
    }
}

/// What our user ids are there.
fn identifier(settings: &Map<String, Value>) -> &str {
    settings.get("identifier").and_then(Value::as_str).unwrap_or_default()
}

fn property(ask: &Ask<'_>) -> String {
    ask.url(&HOST, &format!("/v1alpha/properties/{}", encode(ask.setting("propertyId"))))
}

/// The call for a token, which lasts an hour. The signature is deterministic: all batches of a turn make the same call.
fn token(ask: &Ask<'_>) -> Result<Call> {
    let invalid = || {
        Failure::permanent(
            "the secret serviceAccountKey is not the key file (JSON) of a Google service account: set it again",
        )
    };
    let key = google::key(ask.secret("serviceAccountKey")?).map_err(|_| invalid())?;
    let key: Key = serde_json::from_value(key).map_err(|_| invalid())?;
    let url = ask.url(&HOST, "/token").replacen("//analyticsadmin.", "//oauth2.", 1);
    let iat = ask.now.as_second();
    let claims =
        Claims { iss: key.client_email, scope: SCOPE.into(), aud: url.clone(), iat, exp: iat + 3_600 };
    let signer = EncodingKey::from_rsa_pem(key.private_key.as_bytes()).map_err(|_| invalid())?;
    let jwt =
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &signer).map_err(|_| invalid())?;
    Ok(Call::post(url).form(&[("grant_type", GRANT), ("assertion", &jwt)]).once())
}

fn access(reply: &Reply) -> Result<&str> {
    match reply.text("/access_token") {
        token if reply.is_success() && !token.is_empty() => Ok(token),
        _ if matches!(reply.status, 400..=499) => Err(Failure::permanent(
            "Google gives the service account no token: its key was revoked, or the account is disabled",
        )),
        _ => Err(reply.unexpected("Google")),
    }
}

fn delete(ask: &Ask<'_>, token: &str) -> Call {
    let (by, id) = match ask.kind() {
        SubjectType::Email | SubjectType::Phone => ("userProvidedData", normal(ask.id())),
        SubjectType::UserId => ("userId", ask.id().to_owned()),
        _ => (identifier(ask.settings), ask.id().to_owned()),
    };
    Call::post(format!("{}:submitUserDeletion", property(ask))).bearer(token).json(&json!({ by: id }))
}

/// An email address or phone number as Google wants it: addresses in lower case, without spaces, and for Gmail without
/// dots; numbers as `+` and digits.
fn normal(text: &str) -> String {
    let text: String = text.to_lowercase().split_whitespace().collect();
    match text.split_once('@') {
        None => format!("+{}", text.chars().filter(char::is_ascii_digit).collect::<String>()),
        Some((name, host @ ("gmail.com" | "googlemail.com"))) => format!("{}@{host}", name.replace('.', "")),
        Some(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::super::fixture::fixture;
    use super::*;

    #[test]
    fn the_token_is_asked_for_with_a_signature_that_the_public_key_verifies() {
        let fixture = fixture("google-analytics");
        let ask = Ask {
            people: &[],
            settings: &fixture.settings,
            secrets: &fixture.secrets,
            note: &Value::Null,
            replies: &[],
            now: "2026-08-01T12:00:00Z".parse().expect("a time"),
            key: "",
        };
        let call = token(&ask).expect("a call");
        assert_eq!((call.url.as_str(), call.once), ("https://oauth2.googleapis.com/token", true));
        let body = String::from_utf8(call.body).expect("a form");
        let (grant, jwt) = body.split_once("&assertion=").expect("an assertion");
        assert_eq!(grant, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[&call.url]);
        validation.validate_exp = false;
        let public = include_str!("../../fixtures/google-analytics.pub.pem");
        let public = DecodingKey::from_rsa_pem(public.as_bytes()).expect("a key");
        let claims =
            jsonwebtoken::decode::<Claims>(jwt, &public, &validation).expect("a good signature").claims;
        assert_eq!(
            (claims.iss.as_str(), claims.exp - claims.iat),
            ("lethe@project.iam.gserviceaccount.com", 3_600)
        );
        assert_eq!((claims.scope.as_str(), claims.iat), (SCOPE, ask.now.as_second()));
    }

    #[test]
    fn addresses_and_numbers_are_sent_as_google_compares_them() {
        for (given, wanted) in [
            ("Ada.Lovelace@GMail.com", "adalovelace@gmail.com"),
            (" A.B@Example.com", "a.b@example.com"),
            ("+44 (20) 7946-0000", "+442079460000"),
        ] {
            assert_eq!(normal(given), wanted);
        }
    }
}
