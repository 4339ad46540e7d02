//! Google's credentials, as JSON documents. Such a document can name files, commands and hosts, which the client
//! library then reads, runs and calls. Only documents that lead to Google are accepted
//! (<https://cloud.google.com/docs/authentication/client-libraries#external-credentials>).

use model::failure::{Failure, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::{Host, Url};

/// The endpoint that exchanges a service account's key for a token.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const UNIVERSE: &str = "googleapis.com";
const AWS_TOKEN: &str = "urn:ietf:params:aws:token-type:aws4_request";
/// Where an AWS role's credentials may be read, as Google documents it; nothing else is accepted.
const AWS_SOURCE: [(&str, [&str; 2]); 4] = [
    (
        "region_url",
        [
            "http://169.254.169.254/latest/meta-data/placement/availability-zone",
            "http://[fd00:ec2::254]/latest/meta-data/placement/availability-zone",
        ],
    ),
    (
        "url",
        [
            "http://169.254.169.254/latest/meta-data/iam/security-credentials",
            "http://[fd00:ec2::254]/latest/meta-data/iam/security-credentials",
        ],
    ),
    (
        "regional_cred_verification_url",
        ["https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"; 2],
    ),
    (
        "imdsv2_session_token_url",
        ["http://169.254.169.254/latest/api/token", "http://[fd00:ec2::254]/latest/api/token"],
    ),
];

/// The configuration of a workload identity federation. Fields that are not here are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the client library reads these")]
struct Federation {
    r#type: String,
    audience: String,
    subject_token_type: String,
    token_url: String,
    token_info_url: Option<String>,
    service_account_impersonation_url: Option<String>,
    service_account_impersonation: Option<Value>,
    credential_source: Map<String, Value>,
    quota_project_id: Option<String>,
    universe_domain: Option<String>,
}

/// Parses the credentials of a service account, or of a federation that trusts the function's own AWS role.
/// `any_endpoint` also permits anonymous credentials, as on test stacks.
///
/// # Errors
/// `Invalid`, naming `secrets`, if they are anything else, or lead anywhere but to Google.
pub fn credentials(json: &str, any_endpoint: bool) -> Result<Value> {
    let value: Value = serde_json::from_str(json).map_err(|_| refused("is not JSON"))?;
    match value["type"].as_str() {
        Some("service_account") => check_key(&value)?,
        Some("external_account") => check_federation(&value)?,
        Some("anonymous") if any_endpoint => {}
        _ => {
            return Err(refused(
                "is neither a service account's key nor the configuration of a workload identity federation",
            ));
        }
    }
    Ok(value)
}

/// Parses the key of a service account.
///
/// # Errors
/// `Invalid`, naming `secrets`, if it is not such a key, or leads anywhere but to Google.
pub fn key(json: &str) -> Result<Value> {
    let value = credentials(json, false)?;
    match value["type"] == "service_account" {
        true => Ok(value),
        false => Err(refused("is not a service account's key")),
    }
}

fn check_key(key: &Value) -> Result<()> {
    if key["token_uri"] != TOKEN_URI {
        return Err(refused(&format!("must have the token_uri {TOKEN_URI}")));
    }
    check_universe(key["universe_domain"].as_str().or(key["universe_domain"].is_null().then_some(UNIVERSE)))
}

fn check_federation(json: &Value) -> Result<()> {
    let federation = Federation::deserialize(json)
        .map_err(|_| refused("has other fields than the configuration of a federation with AWS"))?;
    if federation.subject_token_type != AWS_TOKEN {
        return Err(refused("must federate with AWS: subject_token_type is another's"));
    }
    for (field, host, url) in [
        ("token_url", "sts.googleapis.com", Some(&federation.token_url)),
        ("token_info_url", "sts.googleapis.com", federation.token_info_url.as_ref()),
        (
            "service_account_impersonation_url",
            "iamcredentials.googleapis.com",
            federation.service_account_impersonation_url.as_ref(),
        ),
    ] {
        if url.is_some_and(|url| !is_at(url, host)) {
            return Err(refused(&format!("must have a {field} at https://{host}/")));
        }
    }
    check_source(&federation.credential_source)?;
    check_universe(federation.universe_domain.as_deref().or(Some(UNIVERSE)))
}

/// The role's credentials come from the function's environment, or from the metadata of AWS.
fn check_source(source: &Map<String, Value>) -> Result<()> {
    let known = |(name, value): (&String, &Value)| match name.as_str() {
        "environment_id" => value == "aws1",
        name => AWS_SOURCE.iter().any(|(field, urls)| *field == name && urls.iter().any(|url| value == url)),
    };
    match source.contains_key("environment_id") && source.iter().all(known) {
        true => Ok(()),
        false => Err(refused(
            "must have a credential_source of AWS with its documented URLs or none: no file, url or executable",
        )),
    }
}

/// The client library sends tokens to the universe's domain.
fn check_universe(domain: Option<&str>) -> Result<()> {
    match domain {
        Some(UNIVERSE) => Ok(()),
        _ => Err(refused(&format!("must have the universe_domain {UNIVERSE}, or none"))),
    }
}

fn is_at(url: &str, host: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.scheme() == "https"
            && url.host() == Some(Host::Domain(host))
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

fn refused(why: &str) -> Failure {
    Failure::invalid(format!(
        "the Google credentials are not accepted, since this document {why}: set them again"
    ))
    .field("secrets")
}
