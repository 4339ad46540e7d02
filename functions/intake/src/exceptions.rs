//! `/destinations/{id}/exceptions`: objects of an archive that nobody can read and that fail no regulation for now.

use axum::extract::{Path, State};
use destinations::archive::Settings;
use jiff::Timestamp;
use model::destination::{Destination, DestinationKind};
use model::exception::{Exception, NewException};
use model::failure::{self, Failure};
use model::id::{DestinationId, ExceptionId};
use model::keys::{covers, fits_below};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::context::{Context, Shared};
use crate::destinations::find;
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id};

/// The most exceptions of an archive that are in force.
const MAX_IN_FORCE: usize = 100;

/// One exception.
#[derive(Serialize, ToSchema)]
pub struct OneException {
    exception: Exception,
}

/// All exceptions of an archive.
#[derive(Serialize, ToSchema)]
pub struct AllExceptions {
    exceptions: Vec<Exception>,
}

/// Excepts objects of an archive that cannot be read: evidence and certificates count them as `excepted`, and later
/// regulations do not fail because of them. What is known to hold a subject is never excepted.
#[utoipa::path(post, path = "/destinations/{id}/exceptions", operation_id = "createException", tag = "Destinations",
    params(("id" = DestinationId, Path)), request_body = NewException,
    responses((status = 200, description = "It is in force", body = Data<OneException>)))]
pub async fn create(
    State(context): Shared,
    caller: Caller,
    Id(id): Id<DestinationId>,
    Body(request): Body<NewException>,
) -> Reply<OneException> {
    let destination = find(&context, &id).await?;
    let now = Timestamp::now();
    let exception = request.accept(caller.id(), now)?;
    concerns(&exception, &destination)?;
    let others = context.store.exceptions(&id).await?;
    if others.iter().filter(|other| other.is_in_force(now)).count() >= MAX_IN_FORCE {
        return Err(Failure::invalid("100 exceptions are in force, which is the most: end one first").into());
    }
    context.store.save_exception(&id, &exception).await?;
    Ok(data(OneException { exception }))
}

/// Checks that an exception concerns some objects of an archive that is in use, and not all of them.
fn concerns(exception: &Exception, destination: &Destination) -> failure::Result<()> {
    let refuse = |field, message: &str| Err(Failure::invalid(message).field(field));
    if destination.kind != DestinationKind::Archive {
        return refuse("id", "only archives have exceptions");
    }
    if destination.enabled_until.is_some() {
        return refuse("id", "the archive is disabled, so that no regulation reaches it");
    }
    let settings: Settings = destination.settings()?;
    let (keys, prefix) = (&*exception.keys, &*settings.prefix);
    let is_one_key = !keys.contains(['*', '?']);
    if !fits_below(keys, prefix) || is_one_key && settings.excludes(keys) {
        return refuse("keys", "keys match nothing in the archive: its settings leave such keys out");
    }
    let mut included = settings.include.iter().peekable();
    let covers_all = match included.peek() {
        None => covers(keys, prefix, None),
        Some(_) => included.all(|include| covers(keys, prefix, Some(include))),
    };
    if covers_all {
        return refuse(
            "keys",
            "keys match all objects of the archive: name those that hold nobody, or disable the archive",
        );
    }
    Ok(())
}

/// All exceptions of an archive, ended ones too.
#[utoipa::path(get, path = "/destinations/{id}/exceptions", operation_id = "listExceptions", tag = "Destinations",
    params(("id" = DestinationId, Path)),
    responses((status = 200, description = "In the order in which they were made", body = Data<AllExceptions>)))]
pub async fn list(State(context): Shared, Id(id): Id<DestinationId>) -> Reply<AllExceptions> {
    find(&context, &id).await?;
    Ok(data(AllExceptions { exceptions: context.store.exceptions(&id).await? }))
}

/// Ends an exception now; it is kept, with who ended it. Harmless when it has ended.
#[utoipa::path(delete, path = "/destinations/{id}/exceptions/{exceptionId}", operation_id = "endException",
    tag = "Destinations", params(("id" = DestinationId, Path), ("exceptionId" = ExceptionId, Path)),
    responses((status = 200, description = "It has ended", body = Data<OneException>)))]
pub async fn end(
    State(context): Shared,
    caller: Caller,
    Path((id, exception)): Path<(String, String)>,
) -> Reply<OneException> {
    let (Ok(id), Ok(exception)) = (id.parse(), exception.parse()) else { return Err(unknown()) };
    let (mut ended, now) = (stored(&context, &id, &exception).await?, Timestamp::now());
    if ended.is_in_force(now) {
        (ended.ended_at, ended.ended_by) = (Some(now), Some(caller.id().to_owned()));
        if !context.store.end_exception(&id, &ended).await? {
            ended = stored(&context, &id, &exception).await?;
        }
    }
    Ok(data(OneException { exception: ended }))
}

async fn stored(
    context: &Context,
    of: &DestinationId,
    exception: &ExceptionId,
) -> Result<Exception, ApiError> {
    let all = context.store.exceptions(of).await?;
    all.into_iter().find(|one| one.id == *exception).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such exception")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;

    fn refusal(keys: &str, change: Value) -> Option<&'static str> {
        let now = Timestamp::UNIX_EPOCH;
        let until = now + SignedDuration::from_hours(1);
        let body = json!({ "keys": keys, "kind": "corrupt", "reason": "sums", "until": until });
        let exception = serde_json::from_value::<NewException>(body).expect("a body").accept("admin", now);
        let mut archive = json!({
            "id": DestinationId::new(), "name": "Events", "vendor": "s3", "kind": "archive",
            "settings": { "bucket": "events", "prefix": "raw/", "exclude": ["*/_SUCCESS"] },
            "enabledFrom": now
        });
        let change = change.as_object().expect("an object").clone();
        archive.as_object_mut().expect("an object").extend(change);
        let archive: Destination = serde_json::from_value(archive).expect("a destination");
        concerns(&exception.expect("good"), &archive).err().map(|failure| failure.field.expect("a field"))
    }

    #[test]
    fn an_exception_concerns_some_objects_of_an_archive_in_use() {
        let as_it_is = || json!({});
        for keys in ["raw/a.orc", "raw/*.orc", "*.orc", "raw/2026/*", "r*/a"] {
            assert_eq!(refusal(keys, as_it_is()), None, "{keys}");
        }
        for keys in ["*", "raw/*", "**", "?*", "*/*", "sums/a.orc", "sums/*", "raw", "raw/a/_SUCCESS"] {
            assert_eq!(refusal(keys, as_it_is()), Some("keys"), "{keys}");
        }
        let only_orc = json!({ "settings": { "bucket": "events", "include": ["*.orc"] } });
        assert_eq!(refusal("*.orc", only_orc.clone()), Some("keys"));
        assert_eq!(refusal("sums/*.orc", only_orc), None);
        assert_eq!(refusal("raw/a.orc", json!({ "enabledUntil": Timestamp::UNIX_EPOCH })), Some("id"));
        assert_eq!(refusal("raw/a.orc", json!({ "kind": "warehouse", "vendor": "postgres" })), Some("id"));
    }
}
