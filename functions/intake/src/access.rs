//! The needs of each call, given beside its route in `handler.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::Method;
use model::token::Scope;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::context::Context;
use crate::openapi;

/// The scopes that a call needs, and its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// One of these scopes, or `admin`.
    pub scopes: &'static [Scope],
    /// The call's effect.
    pub effect: Effect,
}

/// The effect of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Reads,
    /// It tells the caller about itself: every token may ask.
    TellsItself,
    /// It reads identifiers for their own sake, and is recorded in the audit trail.
    Reveals,
    /// It reads a regulation. The request-only token that made it may read it, too.
    ReadsOne,
    /// It changes something, and is recorded in the audit trail.
    Writes,
    /// It makes a regulation: request-only tokens may make one, others a limited number a minute.
    Creates,
}

impl Needs {
    /// A call without needs of its own needs `admin`.
    const UNKNOWN: Self = Self { scopes: &[Scope::Admin], effect: Effect::Writes };

    /// Whether the call changes something.
    pub fn writes(self) -> bool {
        matches!(self.effect, Effect::Writes | Effect::Creates)
    }

    /// Whether the call is recorded in the audit trail.
    pub fn is_recorded(self) -> bool {
        self.writes() || self.effect == Effect::Reveals
    }

    /// Whether the call makes a regulation.
    pub fn creates(self) -> bool {
        self.effect == Effect::Creates
    }
}

/// The needs of calls, by method and path, with `{id}` for an id.
#[derive(Debug, Clone, Default)]
pub struct NeedsByCall(HashMap<(Method, String), Needs>);

impl NeedsByCall {
    /// The needs of a call. `HEAD` needs what `GET` does.
    pub fn of(&self, method: &Method, path: &str) -> Needs {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(method, path.to_owned())).copied().unwrap_or(Needs::UNKNOWN)
    }
}

type Route = UtoipaMethodRouter<Arc<Context>>;

/// The routes that need a token.
#[derive(Default)]
pub struct Guarded {
    /// The routes.
    pub router: OpenApiRouter<Arc<Context>>,
    /// The needs of each route.
    pub needs: NeedsByCall,
}

impl Guarded {
    /// Adds calls that change nothing.
    pub fn reads(self, scopes: &'static [Scope], route: Route) -> Self {
        self.add(Needs { scopes, effect: Effect::Reads }, route)
    }

    /// Adds a call that tells the caller about itself.
    pub fn tells_itself(self, route: Route) -> Self {
        self.add(Needs { scopes: &[], effect: Effect::TellsItself }, route)
    }

    /// Adds calls that read identifiers for their own sake.
    pub fn reveals(self, scopes: &'static [Scope], route: Route) -> Self {
        self.add(Needs { scopes, effect: Effect::Reveals }, route)
    }

    /// Adds a call that reads a regulation.
    pub fn reads_one(self, scopes: &'static [Scope], route: Route) -> Self {
        self.add(Needs { scopes, effect: Effect::ReadsOne }, route)
    }

    /// Adds calls that change something.
    pub fn writes(self, scopes: &'static [Scope], route: Route) -> Self {
        self.add(Needs { scopes, effect: Effect::Writes }, route)
    }

    /// Adds a call that makes a regulation.
    pub fn creates(self, scopes: &'static [Scope], route: Route) -> Self {
        self.add(Needs { scopes, effect: Effect::Creates }, route)
    }

    fn add(mut self, needs: Needs, (schemas, mut paths, router): Route) -> Self {
        for (path, item) in &mut paths.paths {
            for (method, operation) in openapi::operations(item) {
                openapi::complete(operation, &method, Some(needs));
                self.needs.0.insert((method, path.clone()), needs);
            }
        }
        Self { router: self.router.routes((schemas, paths, router)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::handler::guarded;

    use super::*;

    #[test]
    fn what_nobody_thought_of_needs_admin_and_stands_in_the_trail() {
        let needs = guarded().needs;
        assert_eq!(needs.of(&Method::GET, "/tomorrow"), Needs::UNKNOWN);
        assert_eq!(needs.of(&Method::DELETE, "/audit"), Needs::UNKNOWN);
        assert!(Needs::UNKNOWN.writes());
    }

    #[test]
    fn a_look_at_the_head_needs_what_the_whole_does() {
        let needs = guarded().needs;
        for ((method, path), expected) in &needs.0 {
            if method == Method::GET {
                assert!(!expected.writes(), "{path}");
                assert_eq!(needs.of(&Method::HEAD, path), *expected, "{path}");
            }
        }
    }

    #[test]
    fn a_look_at_identifiers_is_recorded_and_only_the_caller_itself_is_told_without_a_scope() {
        let needs = guarded().needs;
        assert!(needs.of(&Method::GET, "/regulations/{id}/subjects").is_recorded());
        assert!(!needs.of(&Method::GET, "/regulations/{id}").is_recorded());
        for ((method, path), needs) in &needs.0 {
            assert_eq!(needs.scopes.is_empty(), path == "/me", "{method} {path}");
            assert_eq!(needs.effect == Effect::TellsItself, path == "/me", "{method} {path}");
        }
    }

    #[test]
    fn older_paths_need_what_the_newer_ones_do() {
        let needs = guarded().needs;
        let scopes = |method: &Method, path: &str| needs.of(method, path).scopes;
        for method in [Method::GET, Method::POST] {
            for (older, newer) in [("", ""), ("/{id}", "/{id}")] {
                let (older, newer) = (
                    format!("/v1beta/workspaces/{{slug}}/regulations{older}"),
                    format!("/regulations{newer}"),
                );
                if needs.0.contains_key(&(method.clone(), older.clone())) {
                    assert_eq!(scopes(&method, &older), scopes(&method, &newer), "{method} {older}");
                }
            }
        }
        assert!(needs.of(&Method::POST, "/v1beta/workspaces/{slug}/regulations").writes());
        assert!(!needs.of(&Method::POST, "/regulations/{id}/retry").creates());
        assert!(!needs.of(&Method::POST, "/regulations/search").writes());
    }
}
