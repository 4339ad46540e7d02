//! Reads a request's write key and decompresses its body.

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;
use model::tracking::MAX_BODY;

/// Why a body is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    TooLarge,
    NoGzip,
    /// It was gzip, and API Gateway delivered it as text.
    Garbled,
}

/// How gzip begins (RFC 1952: 1f 8b 08) when it is taken for UTF-8, as API Gateway takes a body of JSON's or a text's type.
const GARBLED: &[u8] = "\u{1f}\u{fffd}\u{8}".as_bytes();

/// The write key as the user name of Basic authentication (RFC 7617), with any password.
pub fn write_key(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = given.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(BASE64_STANDARD.decode(credentials.trim()).ok()?).ok()?;
    plain.split(':').next().filter(|key| !key.is_empty()).map(str::to_owned)
}

/// The body, decompressed if it is gzip, but never beyond [`MAX_BODY`] bytes.
pub fn body(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plain = if encoding.eq_ignore_ascii_case("gzip") {
        if body.starts_with(GARBLED) {
            return Err(Fault::Garbled);
        }
        let mut plain = Vec::new();
        let mut gzip = MultiGzDecoder::new(&body[..]).take(MAX_BODY as u64 + 1);
        gzip.read_to_end(&mut plain).map_err(|_| Fault::NoGzip)?;
        plain
    } else {
        body
    };
    if plain.len() > MAX_BODY { Err(Fault::TooLarge) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn the_key_is_the_user_name_and_nothing_else_is() {
        for (header, key) in [
            ("Basic a2V5Og==", Some("key")),
            ("basic a2V5OnB3", Some("key")),
            ("Basic Og==", None),
            ("Basic !", None),
            ("Bearer a2V5Og==", None),
            ("Basic", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(header))]);
            assert_eq!(write_key(&headers).as_deref(), key, "{header}");
        }
    }

    #[test]
    fn gzip_is_opened_and_never_too_far() {
        let pack = |bytes: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(bytes).and_then(|()| gzip.finish()).expect("memory")
        };
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        assert_eq!(body(&headers, pack(b"{}")), Ok(b"{}".to_vec()));
        assert_eq!(body(&headers, b"{}".to_vec()), Err(Fault::NoGzip));
        let garbled = String::from_utf8_lossy(&pack(b"{}")).into_owned().into_bytes();
        assert_eq!(body(&headers, garbled), Err(Fault::Garbled));
        assert_eq!(body(&headers, pack(&vec![b' '; 50 << 20])), Err(Fault::TooLarge));
        assert_eq!(body(&HeaderMap::new(), vec![b' '; MAX_BODY + 1]), Err(Fault::TooLarge));
    }
}
