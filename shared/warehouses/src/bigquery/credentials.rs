//! The credentials for Google.

use destinations::google;
use google_cloud_auth::credentials::{Credentials, anonymous, external_account, service_account};
use model::failure::{Failure, Result};

const SCOPE: &str = "https://www.googleapis.com/auth/bigquery";

/// Parses Google's credentials from a JSON document. It is checked here again, whoever stored it: the client library
/// reads files, runs commands and asks hosts that such a document names.
///
/// # Errors
/// `Permanent`, if it leads anywhere but to Google.
pub(super) fn read(json: &str, any_endpoint: bool) -> Result<Credentials> {
    let json =
        google::credentials(json, any_endpoint).map_err(|failure| Failure::permanent(failure.public))?;
    let built = match json["type"].as_str() {
        Some("service_account") => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build(),
        Some("external_account") => external_account::Builder::new(json).with_scopes([SCOPE]).build(),
        _ => return Ok(anonymous::Builder::new().build()),
    };
    built.map_err(|_| Failure::permanent("Google's client cannot use secrets.credentials: set them again"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As if it had been stored before such documents were refused.
    #[tokio::test]
    async fn a_credential_that_reads_a_file_is_refused_when_it_is_used() {
        let federation = |source: serde_json::Value| {
            json!({ "type": "external_account", "audience": "//iam.googleapis.com/projects/1",
                    "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
                    "token_url": "https://sts.googleapis.com/v1/token", "credential_source": source })
            .to_string()
        };
        assert!(read(&federation(json!({ "environment_id": "aws1" })), false).is_ok());
        for source in [
            json!({ "file": "/proc/self/environ" }),
            json!({ "url": "http://127.0.0.1:9001/" }),
            json!({ "executable": { "command": "env" } }),
        ] {
            assert!(read(&federation(source.clone()), true).is_err(), "{source}");
        }
        assert!(read(r#"{ "type": "anonymous" }"#, false).is_err());
    }
}
