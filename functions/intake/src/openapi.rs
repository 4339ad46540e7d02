//! The API's description, OpenAPI 3.1: made of the handlers and of the types that they take and give.
//!
//! It is kept in the repository as `openapi.json`, so that a change of the API shows in its review, and published
//! as `/openapi.json`. `make openapi` writes it anew.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use crate::error::Errors;

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

/// Adds to every operation the errors that follow from its form, so that no handler has to name them.
pub fn add_errors(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let is_open = operation.security.is_some();
            let takes = |place| {
                let parameters = operation.parameters.iter().flatten();
                parameters
                    .filter_map(|p| if let RefOr::T(p) = p { Some(p) } else { None })
                    .any(|p| p.parameter_in == place)
            };
            let (path, query, body) =
                (takes(ParameterIn::Path), takes(ParameterIn::Query), operation.request_body.is_some());
            for (applies, status, description) in [
                (body, "400", "The body is not valid JSON"),
                (!is_open, "401", "There is no valid token"),
                (path, "404", "There is nothing of this name"),
                (body, "413", "The body has more than 4 MB"),
                (path || query || body, "422", "What was asked cannot be done as it was put"),
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
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
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
