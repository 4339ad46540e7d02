//! What a token needs for each call: the one table of it. What is not in it needs `admin`.

use axum::http::Method;
use model::token::Scope;

/// What a call needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Needs {
    /// One of these scopes, or `admin`.
    pub scopes: &'static [Scope],
    /// Whether it changes something, and so stands in the audit trail.
    pub writes: bool,
    /// Whether it makes a regulation, of which there are so many a minute.
    pub creates: bool,
}

impl Needs {
    /// What a call of this method and path, with `{id}` for an id, needs.
    pub fn of(method: &Method, path: &str) -> Self {
        use Scope::*;
        let path = path.strip_prefix("/v1beta/workspaces/{slug}").unwrap_or(path);
        let resource = path.split('/').nth(1).unwrap_or_default();
        // Asked with a body, since what is asked for must not stand in a URL.
        let asks = matches!(path, "/regulations/search" | "/suppressions/search" | "/subjects/lookup");
        let writes = method != Method::GET && !asks;
        let scopes: &[Scope] = match (resource, writes) {
            ("regulations", false) => &[RegulationsRead],
            ("regulations", true) => &[RegulationsCreate, SuppressionsWrite],
            ("suppressions" | "suppressed-users", false) => &[SuppressionsRead],
            ("suppressions", true) => &[SuppressionsWrite],
            ("purge-runs" | "batches", false) => &[RegulationsRead],
            ("destinations" | "sources", false) => &[RegulationsRead, DestinationsWrite],
            ("destinations" | "sources", true) => &[DestinationsWrite],
            ("subjects", false) => &[RegulationsRead],
            ("audit", false) => &[AuditRead],
            _ => &[Admin],
        };
        let creates = method == Method::POST
            && matches!(
                path,
                "/regulations" | "/regulations/sources/{id}" | "/regulations/cloudsources/{id}"
            );
        Self { scopes, writes, creates }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_thought_of_needs_admin_and_stands_in_the_trail() {
        let needs = Needs::of(&Method::POST, "/tokens");
        assert_eq!((needs.scopes, needs.writes), (&[Scope::Admin][..], true));
        assert_eq!(Needs::of(&Method::DELETE, "/audit").scopes, [Scope::Admin]);
        assert_eq!(Needs::of(&Method::GET, "/tomorrow").scopes, [Scope::Admin]);
    }

    #[test]
    fn older_paths_need_what_the_newer_ones_do() {
        let post = |path| Needs::of(&Method::POST, path);
        assert_eq!(post("/v1beta/workspaces/{slug}/regulations"), post("/regulations"));
        assert!(post("/regulations").creates && !post("/regulations/{id}/retry").creates);
        assert!(!post("/regulations/search").writes);
    }
}
