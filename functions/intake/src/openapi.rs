//! The API's description, OpenAPI 3.1: made of the handlers and of the types that they take and return.
//!
//! It is kept in the repository as `openapi.json`, so that a change of the API shows in its review, and published
//! as `/openapi.json`. `make openapi` writes it anew.

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Type};
use utoipa::{Modify, OpenApi as _};

use crate::access::Needs;
use crate::error::Errors;
use crate::idempotency::MAX_KEY;

/// What is true of the whole API.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Lethe",
        description = "Erases people from archives, warehouses and cloud destinations, and proves it. Compatible \
                       with the deletion and suppression part of Segment's Public API. Bodies are JSON, whether \
                       they are sent as `application/json` or as `application/vnd.segment.v1+json`.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(Errors)),
    security(("token" = [])),
    modifiers(&Bearer),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", bearer);
    }
}

/// The description that the routes are added to.
pub fn empty() -> OpenApi {
    Description::openapi()
}

/// Adds to an operation what follows from its form and, if it needs a token, from its needs, so that no handler has to
/// say it: the scopes, the `Idempotency-Key`, the errors.
pub fn complete(operation: &mut Operation, method: &Method, needs: Option<Needs>) {
    let scopes = needs.iter().flat_map(|needs| needs.scopes);
    if needs.is_some() {
        let mut scopes: Vec<_> =
            scopes.map(|scope| SecurityRequirement::new("token", [scope.as_str()])).collect();
        if scopes.is_empty() {
            scopes.push(SecurityRequirement::new("token", [""; 0]));
        }
        operation.security = Some(scopes);
    }
    let keyed = method == Method::POST && needs.is_some_and(Needs::writes);
    if keyed {
        operation.parameters.get_or_insert_default().push(idempotency_key().into());
    }
    add_errors(operation, needs.is_none(), keyed, needs.is_some_and(Needs::creates));
}

fn add_errors(operation: &mut Operation, is_open: bool, keyed: bool, creates: bool) {
    let parameters = || operation.parameters.iter().flatten();
    let takes =
        |place: ParameterIn| parameters().any(|p| matches!(p, RefOr::T(p) if p.parameter_in == place));
    let (path, query) = (takes(ParameterIn::Path), takes(ParameterIn::Query));
    let body = operation.request_body.is_some();
    for (applies, status, description) in [
        (body, "400", "The body is not valid JSON"),
        (!is_open, "401", "There is no valid token"),
        (!is_open, "403", "The token may not do this"),
        (path, "404", "There is nothing of this name"),
        (keyed, "409", "A request with this Idempotency-Key is under way"),
        (body, "413", "The body has more than 4 MB"),
        (path || query || body || keyed, "422", "What was asked cannot be done as it was put"),
        (creates, "429", "The token makes too many regulations; `X-RateLimit-Reset` says until when"),
        (!is_open, "503", "A service that this needs is away: try again"),
    ] {
        if applies && !operation.responses.responses.contains_key(status) {
            let errors = Content::new(Some(Ref::from_schema_name("Errors")));
            let response =
                ResponseBuilder::new().description(description).content("application/json", errors);
            operation.responses.responses.insert(status.to_owned(), response.build().into());
        }
    }
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX_KEY));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "A text of your own: sent again with it, the request is answered as before, not done again",
        ))
        .schema(Some(text.pattern(Some("^[!-~]([ -~]*[!-~])?$"))))
        .build()
}

/// The operations at a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::PATCH, &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The description of this API.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "About", security(),
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)))]
pub async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("../openapi.json"))
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use crate::handler::description;

    #[test]
    fn the_document_in_the_repository_is_the_one_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let document = description().to_pretty_json().expect("it is JSON") + "\n";
        if env::var_os("UPDATE").is_some() {
            fs::write(path, &document).expect("openapi.json can be written");
        }
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == document,
            "functions/intake/openapi.json is not what the code says: run `make openapi`"
        );
    }
}
