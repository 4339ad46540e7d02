//! The failures that BigQuery reports.

use google_cloud_bigquery_v2::model::ErrorProto;
use google_cloud_gax::error::Error;

use model::failure::Failure;

/// How long, in seconds, streamed rows may take to leave the streaming buffer.
const STREAMING_BUFFER: u32 = 90 * 60;
/// How long, in seconds, to wait for a quota that is used up.
const QUOTA: u32 = 60 * 60;
/// Why a job failed, by its reason (<https://cloud.google.com/bigquery/docs/error-messages>). A message may quote
/// values; it is read but not shown.
pub(super) fn refusal(error: &ErrorProto) -> Failure {
    let (reason, message) = (error.reason.as_str(), error.message.as_str());
    if message.contains("streaming buffer") {
        return Failure::transient("rows came in by streaming and cannot be deleted for 90 minutes")
            .wait(Some(STREAMING_BUFFER));
    }
    if message.contains("concurrent update") || message.contains("Too many DML") {
        return Failure::transient(format!("other statements change the table ({reason})"));
    }
    match reason {
        "backendError"
        | "internalError"
        | "jobBackendError"
        | "jobInternalError"
        | "stopped"
        | "timeout"
        | "rateLimitExceeded"
        | "jobRateLimitExceeded"
        | "tableUnavailable" => Failure::transient(format!("BigQuery is not ready ({reason})")),
        "quotaExceeded" => {
            Failure::transient(format!("a quota of BigQuery is used up ({reason})")).wait(Some(QUOTA))
        }
        "notFound" => Failure::transient(format!("the table or dataset was just changed ({reason})")),
        "accessDenied" => Failure::permanent(format!(
            "BigQuery refused the statement ({reason}): grant the account bigquery.jobs.create on the project and \
             the role BigQuery Data Editor on the dataset, then retry"
        )),
        _ if message.contains("partition") => Failure::permanent(format!(
            "BigQuery refused the statement ({reason}): the table wants a filter on its partitions; name it in \
             settings.partitions and retry"
        )),
        _ => Failure::permanent(format!("BigQuery refused the statement ({reason})")),
    }
}

/// Why a call failed, by its status.
pub(super) fn failure(error: &Error) -> Failure {
    if error.is_authentication() && !error.is_transient_and_before_rpc() {
        return Failure::permanent(
            "Google refused the credentials: the key is wrong or revoked, or the federation does not know the function's role; set them again and retry",
        );
    }
    match error.http_status_code() {
        Some(401) => Failure::permanent("Google refused the credentials (401): set them again and retry"),
        Some(403) if rate_limited(error) => Failure::transient("BigQuery's rate limit is reached (403)"),
        Some(403) => Failure::permanent(
            "BigQuery refused the call (403): grant the account bigquery.jobs.create on the project and the role \
             BigQuery Data Editor on the datasets, then retry",
        ),
        Some(404) => Failure::permanent(
            "BigQuery has no such project, dataset or job there (404): correct project, location or datasets and retry",
        ),
        Some(code @ 400..=499) if code != 408 && code != 429 => {
            Failure::permanent(format!("BigQuery refused the call ({code})"))
        }
        Some(code) => Failure::transient(format!("BigQuery answered {code}")),
        None => Failure::transient("BigQuery cannot be reached"),
    }
}

fn rate_limited(error: &Error) -> bool {
    let said = error.status().map(|status| status.message.to_lowercase()).unwrap_or_default();
    said.contains("rate limit") || said.contains("quota")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_when_to_come_back_and_never_the_message() {
        let error = |reason: &str, message: &str| ErrorProto::new().set_reason(reason).set_message(message);
        let streamed = refusal(&error(
            "invalidQuery",
            "UPDATE or DELETE statement over table p.d.t would affect rows in the streaming buffer, which is not supported",
        ));
        assert!(streamed.is_transient());
        assert_eq!(streamed.wait, Some(5_400));
        assert!(refusal(&error("rateLimitExceeded", "")).is_transient());
        let denied = refusal(&error("accessDenied", "Access Denied: u7@example.com"));
        assert!(!denied.is_transient() && !denied.public.contains("u7"), "{denied}");
    }
}
