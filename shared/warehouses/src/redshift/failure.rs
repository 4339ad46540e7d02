//! The failures that Redshift and its Data API report.

use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};

use model::failure::Failure;

/// Whether the session is lost, rather than the statement wrong.
pub(super) fn lost(error: Option<&str>) -> bool {
    let error = error.unwrap_or_default();
    ["session", "connection", "lethe_users", "lethe_anonymous", "lethe_objects"]
        .iter()
        .any(|named| error.contains(named))
}

/// Why a statement failed. The message may quote values; it is read but not shown.
pub(super) fn refusal(error: Option<&str>) -> Failure {
    let error = error.unwrap_or_default().to_lowercase();
    if error.contains("permission denied") || error.contains("not authorized") {
        return Failure::permanent(
            "Redshift refused the statement (permission denied): grant the user USAGE on the schema, SELECT and \
             DELETE on the table, and TEMP on the database, then retry",
        );
    }
    if error.contains("password authentication")
        || error.contains("database user") && error.contains("does not exist")
    {
        return Failure::permanent("Redshift refused the user: correct the destination and retry");
    }
    if error.contains("violates foreign key") {
        return Failure::permanent(
            "a foreign key forbids the deletion: nothing is cascaded; remove those rows and retry",
        );
    }
    if error.contains("syntax error") || error.contains("not supported") || error.contains("invalid input") {
        return Failure::permanent(
            "Redshift does not take the statement: see the query's error in its console",
        );
    }
    if error.contains("does not exist") {
        return Failure::transient("the table was just changed, or the session ended");
    }
    Failure::transient("a statement failed or was aborted: see the query's error in Redshift's console")
}

/// Why a call failed.
pub(super) fn failure<E>(error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some(code @ ("AccessDeniedException" | "UnrecognizedClientException")) => {
            Failure::permanent(format!(
                "the Data API refused the function's role ({code}): name the cluster or workgroup in the parameter \
             RedshiftTargets of the stack, and correct the destination"
            ))
        }
        Some(code @ ("ValidationException" | "ResourceNotFoundException")) => Failure::permanent(format!(
            "the Data API refused the call ({code}): correct the destination's cluster, workgroup, user or database"
        )),
        _ => aws::failure("Redshift's Data API", error),
    }
}
