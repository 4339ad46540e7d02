//! The page's files, embedded, and the headers that they are sent with.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The output of `npm run build` in `web/`. Each file worth compressing is there as `name.gz`, too.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// The document for every path that is not a file: the page routes by itself.
const INDEX: &str = "index.html";

/// Files below this have a hash of their content in their names, so they never change.
const HASHED: &str = "assets/";

const NOT_BUILT: &str = "This function was built without its page. Run `make programs` (or `make build`), \
                         which builds the page first.";

/// Everything comes from here and nothing runs inline. No other site may frame the page.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
        ),
    ),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Adds the headers that keep a page safe to any response.
pub async fn protect(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS);
    response
}

/// The file of a path, or the page if the path is one of the page's own. `etags` are those that the browser has.
pub fn file(path: &str, gzip: bool, etags: &str) -> Response {
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let name = if is_file { path } else { INDEX };
    let Some(file) = Dist::get(name) else {
        return match Dist::get(INDEX) {
            Some(_) => (StatusCode::NOT_FOUND, "there is no such file").into_response(),
            None => (StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT).into_response(),
        };
    };
    let compressed = if gzip { Dist::get(&format!("{name}.gz")) } else { None };
    let coding = compressed.is_some().then_some((CONTENT_ENCODING, "gzip"));
    // The same file in two codings is two representations: each has a tag of its own (RFC 9110, section 8.8.3.3).
    let etag = etag(compressed.as_ref().unwrap_or(&file));
    let cache = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let caching = [(ETAG, etag.as_str()), (CACHE_CONTROL, cache), (VARY, "accept-encoding")];
    if etags.split(',').any(|known| known.trim().trim_start_matches("W/") == etag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(CONTENT_TYPE, content_type(name))];
    let body = Body::from(compressed.unwrap_or(file).data.into_owned());
    let mut response = (caching, kind, body).into_response();
    response.headers_mut().extend(coding.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// The types of the files that the page is made of.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("ttf") => "font/ttf",
        _ => "application/octet-stream",
    }
}
