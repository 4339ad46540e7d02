//! Reads bodies, paths and queries, and says what is wrong with them without repeating what was sent.

use std::collections::HashMap;
use std::error::Error;
use std::str::FromStr;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use http_body_util::LengthLimitError;
use jiff::Timestamp;
use model::json::{self, Fault};
use model::person::SuppressionScope;
use model::regulation::RegulationType;
use model::source::SourceId;
use model::status::Status;
use serde::de::DeserializeOwned;
use store::{Order, RegulationFilter};
use utoipa::IntoParams;

use crate::error::ApiError;

/// The longest body, in bytes (Segment's limit).
pub const MAX_BODY: usize = 4 << 20;

/// A body of JSON, whatever its content type: Segment's clients send several.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = to_bytes(request.into_body(), MAX_BODY).await;
        parse(&whole(bytes)?).map(Body)
    }
}

/// The whole body, or why it is refused.
pub fn whole(bytes: Result<Bytes, axum::Error>) -> Result<Bytes, ApiError> {
    bytes.map_err(|error| match error.source().is_some_and(|source| source.is::<LengthLimitError>()) {
        true => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload-too-large",
            format!("the body has more than {MAX_BODY} bytes: send several requests"),
        ),
        false => bad_request("the body did not arrive whole".to_owned()),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    json::parse(bytes).map_err(|fault| match &fault {
        Fault::NotJson { .. } => bad_request(format!("the body {fault}")),
        Fault::Form { field, message } => invalid(field, message.clone()),
    })
}

pub fn invalid(field: &str, message: String) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "validation-error", message).field(field)
}

fn bad_request(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad-request", message)
}

/// An id in the path. A text that cannot be an id is not found.
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(id)| id.parse().ok());
        id.map(Id).ok_or_else(|| ApiError::not_found("there is nothing of this id"))
    }
}

/// The fields of a query.
pub struct Query(HashMap<String, Vec<String>>);

impl Query {
    /// Parses the fields. `pagination[count]` is the same as `pagination.count`, and `types[0]` or `types[]` is one of
    /// `types`: generated SDKs write either.
    pub fn of(parts: &Parts) -> Self {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let name = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
                Some((name, place)) if place.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
                Some((name, part)) => format!("{name}.{part}"),
                None => name.into_owned(),
            };
            fields.entry(name).or_default().push(value.into_owned());
        }
        Self(fields)
    }

    /// A field that may be given once.
    pub fn one<T>(
        &self,
        name: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        match self.0.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([value]) => match parse(value) {
                Some(value) => Ok(Some(value)),
                None => Err(invalid(name, format!("{name} must be {expected}"))),
            },
            Some(_) => Err(invalid(name, format!("{name} is there twice"))),
        }
    }

    /// A field that may be given several times, or with several values between commas; an empty one counts as missing.
    pub fn all<T>(
        &self,
        name: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let values = self.0.get(name).into_iter().flatten().flat_map(|value| value.split(','));
        let parsed = values.filter(|value| !value.is_empty()).map(parse).collect::<Option<_>>();
        parsed.ok_or_else(|| invalid(name, format!("{name} must be {expected}")))
    }
}

/// Whether a request is only rehearsed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Rehearsal {
    /// Whether nothing is done but counting.
    #[param(rename = "dryRun", required = false)]
    pub dry_run: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Rehearsal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.uri)
    }
}

impl Rehearsal {
    /// Reads the flag in any spelling: a client that asks for a dry run must never get the real thing.
    pub fn of(uri: &Uri) -> Result<Self, ApiError> {
        let query = uri.query().unwrap_or_default();
        let mut dry_run = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name.replace(['_', '-'], "").eq_ignore_ascii_case("dryrun") {
                dry_run |= match &*value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(invalid("dryRun", "dryRun must be true or false".to_owned())),
                };
            }
        }
        Ok(Self { dry_run })
    }
}

/// A stretch of time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// Only what is not before this time (RFC 3339).
    pub since: Option<Timestamp>,
    /// Only what is before this time (RFC 3339).
    pub until: Option<Timestamp>,
}

impl<S: Send + Sync> FromRequestParts<S> for Period {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::of(parts);
        let time = |name| query.one(name, "a time as in 2026-01-31T12:00:00Z", |text| text.parse().ok());
        Self { since: time("since")?, until: time("until")? }.checked()
    }
}

impl Period {
    /// Checks that it does not end before it begins.
    pub fn checked(self) -> Result<Self, ApiError> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if until < since => {
                Err(invalid("until", "until is before since".to_owned()))
            }
            _ => Ok(self),
        }
    }
}

/// Which regulations a list shows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those that are so far.
    pub status: Option<Status>,
    /// Only those of one of these types.
    #[param(rename = "regulationTypes", required = false)]
    pub regulation_types: Vec<RegulationType>,
    /// The order: `createdAt`, the newest first, or `dueAt`: those alone whose clock runs, the most urgent first.
    #[param(rename = "sort", value_type = Option<String>, pattern = "^(createdAt|dueAt)$")]
    pub order: Order,
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::of(parts);
        let known = RegulationType::ALL.map(RegulationType::as_str).join(", ");
        Ok(Self {
            status: query
                .one("status", "one of Segment's seven", |text| serde_json::from_value(text.into()).ok())?,
            regulation_types: at_most_all(query.all(
                "regulationTypes",
                &format!("some of {known}"),
                |text| RegulationType::ALL.into_iter().find(|kind| kind.as_str() == text),
            )?)?,
            order: query.one("sort", "createdAt or dueAt", order)?.unwrap_or_default(),
        })
    }
}

fn order(name: &str) -> Option<Order> {
    match name {
        "createdAt" => Some(Order::Newest),
        "dueAt" => Some(Order::MostUrgent),
        _ => None,
    }
}

/// Checks that no more types are given than exist: DynamoDB compares with at most 100.
pub fn at_most_all(types: Vec<RegulationType>) -> Result<Vec<RegulationType>, ApiError> {
    const MOST: usize = RegulationType::ALL.len();
    if types.len() > MOST {
        return Err(invalid("regulationTypes", format!("regulationTypes must name at most {MOST} types")));
    }
    Ok(types)
}

impl From<Filter> for RegulationFilter {
    fn from(filter: Filter) -> Self {
        let Filter { status, regulation_types: types, order } = filter;
        Self { status, types, order, ..Self::default() }
    }
}

/// Whose suppression list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// The list of this source; that of the workspace, if left out.
    #[param(rename = "sourceId", value_type = Option<SourceId>)]
    pub scope: SuppressionScope,
}

impl<S: Send + Sync> FromRequestParts<S> for Whose {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let id = Query::of(parts).one("sourceId", "the id of a source", |text| text.parse().ok())?;
        Ok(Self { scope: id.map_or(SuppressionScope::Workspace, SuppressionScope::Source) })
    }
}
