//! What a failed call about one version means for the version.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::run_plan::{Reason, Residual};
use model::failure::Failure;

/// Why a call about one version failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The version is gone, or no longer in this state.
    Changed,
    /// The version cannot be dealt with; everything else can.
    Left(Residual),
    /// Time is up: the next invocation continues.
    Unfinished,
}

/// The trouble that a call failed for want of a response, after all retries.
pub(crate) fn unreachable(failure: Failure) -> Trouble {
    Trouble::Left(Residual { reason: Reason::Unreachable, detail: failure.public, until: None })
}

/// What an error about one version means for it. `HEAD` responses carry no error code, so the status counts, too.
pub(crate) fn trouble<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let left = |reason, detail: String| Trouble::Left(Residual { reason, detail, until: None });
    match (error.code(), status) {
        (
            Some(
                "NoSuchKey"
                | "NoSuchVersion"
                | "NotFound"
                | "PreconditionFailed"
                | "ConditionalRequestConflict",
            ),
            _,
        )
        | (_, Some(404 | 405 | 409 | 412)) => Trouble::Changed,
        (Some("InvalidObjectState"), _) => {
            left(Reason::Cold, "it is in cold storage: restore it, then retry".to_owned())
        }
        (code, Some(403)) => {
            let code = code.unwrap_or("AccessDenied");
            left(
                Reason::Denied,
                format!("access is denied ({code}): correct the bucket's policy, then retry"),
            )
        }
        (code, _) => left(Reason::Unreachable, format!("S3 failed ({})", code.unwrap_or("no answer"))),
    }
}
