//! A versioned S3 in memory.
//!
//! What each call answers is documented at <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>;
//! the errors of conditional writes (409 beside 412) at
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::http::{Call, Reply};

/// The archive's bucket. The other one is Lethe's own.
pub const ARCHIVE: &str = "archive";

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: String,
    pub etag: String,
    /// Nothing: a delete marker.
    pub content: Option<Vec<u8>>,
}

/// An S3 that breaks a promise. With it the simulation must find a fault: that shows that it would find one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mutant {
    /// Writes and deletions ignore their conditions.
    NoConditions,
    /// An older version that is deleted stays.
    VersionsStay,
    /// A listing names current versions only.
    CurrentOnly,
}

/// All versions of all objects, by bucket and key.
#[derive(Default)]
pub struct Objects {
    pub all: BTreeMap<(String, String), Vec<Stored>>,
    pub mutant: Option<Mutant>,
    versions: u64,
}

impl Objects {
    /// Objects of which there are none yet.
    pub fn new(mutant: Option<Mutant>) -> Self {
        Self { mutant, ..Self::default() }
    }

    /// How many versions were ever written.
    pub fn written(&self) -> u64 {
        self.versions
    }

    /// Writes an object, as anybody may.
    pub fn put(&mut self, bucket: &str, key: &str, content: Option<Vec<u8>>) -> Stored {
        self.versions += 1;
        let stored =
            Stored { id: format!("v{}", self.versions), etag: format!("\"e{}\"", self.versions), content };
        self.all.entry((bucket.to_owned(), key.to_owned())).or_default().push(stored.clone());
        stored
    }

    /// The current version of a key of the archive.
    pub fn current(&self, key: &str) -> Option<Vec<u8>> {
        self.all.get(&(ARCHIVE.to_owned(), key.to_owned()))?.last()?.content.clone()
    }

    pub fn answer(&mut self, call: &Call<'_>) -> Reply {
        let place = (call.bucket.clone(), call.key.clone());
        match (call.method, call.key.is_empty()) {
            ("GET", true) => Reply::xml(self.list(call)),
            ("GET", false) if call.query.contains_key("tagging") => {
                Reply::xml("<Tagging><TagSet></TagSet></Tagging>".to_owned())
            }
            ("GET" | "HEAD", false) => self.read(call, &place),
            ("PUT", false) => self.write(call, &place),
            ("DELETE", false) => self.delete(call, &place),
            _ => panic!("the simulated S3 does not know {} {}", call.method, call.key),
        }
    }

    fn list(&self, call: &Call<'_>) -> String {
        let prefix = call.query.get("prefix").map(String::as_str).unwrap_or_default();
        let after = call.query.get("key-marker").map(String::as_str).unwrap_or_default();
        let listed =
            |bucket: &str, key: &str| bucket == call.bucket && key.starts_with(prefix) && key > after;
        let of = self.all.iter().filter(|((bucket, key), _)| listed(bucket, key));
        if !call.query.contains_key("versions") {
            let keys = of.filter(|(_, versions)| versions.last().is_some_and(|last| last.content.is_some()));
            let contents: String =
                keys.map(|((_, key), _)| format!("<Contents><Key>{key}</Key></Contents>")).collect();
            return format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
            );
        }
        let mut xml = "<ListVersionsResult><IsTruncated>false</IsTruncated>".to_owned();
        for ((_, key), versions) in of {
            let listed = if self.mutant == Some(Mutant::CurrentOnly) { 1 } else { usize::MAX };
            for (back, Stored { id, etag, content }) in versions.iter().rev().enumerate().take(listed) {
                let (tag, more) = match content {
                    Some(content) => (
                        "Version",
                        format!("<ETag>{}</ETag><Size>{}</Size>", etag.replace('"', "&quot;"), content.len()),
                    ),
                    None => ("DeleteMarker", String::new()),
                };
                let latest = back == 0;
                let _ = write!(
                    xml,
                    "<{tag}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest>{more}</{tag}>"
                );
            }
        }
        xml + "</ListVersionsResult>"
    }

    fn read(&self, call: &Call<'_>, place: &(String, String)) -> Reply {
        let versions = self.all.get(place).map(Vec::as_slice).unwrap_or_default();
        let found = match call.query.get("versionId") {
            Some(id) => versions.iter().find(|version| version.id == *id),
            None => versions.last(),
        };
        let Some((stored, content)) = found.and_then(|stored| Some((stored, stored.content.as_ref()?)))
        else {
            let code = if call.query.contains_key("versionId") { "NoSuchVersion" } else { "NoSuchKey" };
            return Reply::error(404, code);
        };
        if call.header("if-match").is_some_and(|etag| etag != stored.etag) {
            return Reply::error(412, "PreconditionFailed");
        }
        let mut reply =
            Reply { status: 200, headers: vec![("etag", stored.etag.clone())], body: content.clone() };
        if let Some(range) = call.header("range").and_then(|range| range.strip_prefix("bytes=")) {
            let (from, last) = range.split_once('-').expect("the engine asks for one range");
            let from: usize = from.parse().expect("a number");
            let last = last.parse().unwrap_or(usize::MAX).min(content.len() - 1);
            reply.status = 206;
            reply.headers.push(("content-range", format!("bytes {from}-{last}/{}", content.len())));
            reply.body = content[from..=last].to_vec();
        }
        reply.headers.push(("content-length", reply.body.len().to_string()));
        if call.method == "HEAD" {
            reply.body.clear();
        }
        reply
    }

    /// The entity tag that the current version must have.
    fn condition<'c>(&self, call: &'c Call<'_>) -> Option<&'c str> {
        call.header("if-match").filter(|_| self.mutant != Some(Mutant::NoConditions))
    }

    fn write(&mut self, call: &Call<'_>, (bucket, key): &(String, String)) -> Reply {
        let current = self.all.get(&(bucket.clone(), key.clone())).and_then(|versions| versions.last());
        let current = current.filter(|stored| stored.content.is_some());
        match (self.condition(call), call.header("if-none-match"), current) {
            (Some(_), _, None) => return Reply::error(404, "NoSuchKey"),
            (Some(etag), _, Some(current)) if etag != current.etag => {
                return Reply::error(412, "PreconditionFailed");
            }
            (_, Some(_), Some(_)) => return Reply::error(412, "PreconditionFailed"),
            _ => {}
        }
        let stored = self.put(bucket, key, Some(call.body.to_vec()));
        let headers = vec![("etag", stored.etag), ("x-amz-version-id", stored.id)];
        Reply { status: 200, headers, body: Vec::new() }
    }

    fn delete(&mut self, call: &Call<'_>, place: &(String, String)) -> Reply {
        let current = self.all.get(place).and_then(|versions| versions.last());
        if let Some(etag) = self.condition(call) {
            match current.filter(|stored| stored.content.is_some()) {
                None => return Reply::error(404, "NoSuchKey"),
                Some(current) if etag != current.etag => return Reply::error(412, "PreconditionFailed"),
                Some(_) => {}
            }
        }
        match call.query.get("versionId") {
            Some(id) => {
                if self.mutant == Some(Mutant::VersionsStay) {
                } else if let Some(versions) = self.all.get_mut(place) {
                    versions.retain(|version| version.id != *id);
                }
            }
            None => drop(self.put(&place.0, &place.1, None)),
        }
        Reply { status: 204, headers: Vec::new(), body: Vec::new() }
    }
}
