//! How Google is told who we are.

use google_cloud_auth::credentials::{Credentials, anonymous, external_account, service_account};
use serde_json::Value;

use model::failure::{Failure, Result};

const SCOPE: &str = "https://www.googleapis.com/auth/bigquery";

/// The credentials in a JSON document of Google's.
///
/// # Errors
/// `Permanent`, if it is none.
pub(super) fn read(json: &str, test_stack: bool) -> Result<Credentials> {
    let refused = || {
        Failure::permanent(
            "secrets.credentials is no JSON key of a service account and no configuration of a workload identity federation: set it again",
        )
    };
    let json: Value = serde_json::from_str(json).map_err(|_| refused())?;
    match json["type"].as_str() {
        Some("service_account") => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build()
            .map_err(|_| refused()),
        Some("external_account") => {
            external_account::Builder::new(json).with_scopes([SCOPE]).build().map_err(|_| refused())
        }
        Some("anonymous") if test_stack => Ok(anonymous::Builder::new().build()),
        _ => Err(refused()),
    }
}
