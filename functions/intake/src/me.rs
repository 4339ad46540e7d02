//! `GET /me`: what a caller may know of itself.

use jiff::Timestamp;
use model::id::RegulationId;
use model::token::Scope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::error::{Data, Reply, data};

/// The caller, as its token says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The token's id, or `admin` for the token made at deployment.
    caller: String,
    /// The token's name.
    name: String,
    /// What it may do; nothing of this, if it is request-only.
    scopes: Vec<Scope>,
    /// Whether it may make one regulation about one subject, read that one, and do nothing else.
    request_only: bool,
    /// The regulation that a request-only token made.
    #[serde(skip_serializing_if = "Option::is_none")]
    regulation_id: Option<RegulationId>,
    /// When it ends by itself; never, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// Who the caller is and what it may do. Any valid token may ask.
#[utoipa::path(get, path = "/me", operation_id = "getMe", tag = "Tokens",
    responses((status = 200, description = "The caller", body = Data<Me>)))]
pub async fn show(caller: Caller) -> Reply<Me> {
    Ok(data(Me::of(&caller)))
}

impl Me {
    fn of(caller: &Caller) -> Self {
        let (id, name) = (caller.id().to_owned(), caller.name().to_owned());
        let (scopes, request_only, regulation_id, expires_at) = match caller {
            Caller::Admin => (vec![Scope::Admin], false, None, None),
            Caller::Token(token) => {
                (token.scopes.clone(), token.request_only, token.regulation_id.clone(), token.expires_at)
            }
        };
        Self { caller: id, name, scopes, request_only, regulation_id, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::token::NewToken;
    use serde_json::{Value, json};

    use super::*;

    fn of(token: Value) -> Value {
        let request: NewToken = serde_json::from_value(token).expect("a request");
        let (token, _) = request.accept([7; 32], Timestamp::UNIX_EPOCH).expect("valid");
        let mut me = serde_json::to_value(Me::of(&Caller::Token(Arc::new(token)))).expect("JSON");
        assert!(me["caller"].take().as_str().is_some_and(|id| id.starts_with("tok_")));
        me
    }

    #[test]
    fn a_caller_is_told_what_its_token_may_and_nothing_more() {
        let until = "2027-01-01T00:00:00Z";
        assert_eq!(
            of(json!({ "name": "Desk", "scopes": ["audit:read"], "expiresAt": until })),
            json!({ "caller": null, "name": "Desk", "scopes": ["audit:read"], "requestOnly": false, "expiresAt": until })
        );
        assert_eq!(
            of(json!({ "name": "Form", "requestOnly": true })),
            json!({ "caller": null, "name": "Form", "scopes": [], "requestOnly": true })
        );
        let admin = serde_json::to_value(Me::of(&Caller::Admin)).expect("JSON");
        assert_eq!((&admin["caller"], &admin["scopes"]), (&json!("admin"), &json!(["admin"])));
    }
}
