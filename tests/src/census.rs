//! Counts whose lines an archive holds, without any of the code that deletes them: it reads every version of
//! every object and parses every line.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What stands in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// How many versions of objects there are.
    pub versions: usize,
    /// How many lines, in all versions.
    pub lines: u64,
    /// The lines of each of the people asked about, in all versions.
    pub of: BTreeMap<String, u64>,
    /// By object: the checksum of everyone else's lines, byte for byte and in order, in the current version.
    /// An object with no line of anyone else is not here.
    pub rest: BTreeMap<String, String>,
}

impl Census {
    /// Reads a whole bucket.
    ///
    /// # Errors
    /// What S3 answers, or an object that is no gzip.
    pub async fn take(s3: &aws_sdk_s3::Client, bucket: &str, people: &[&str]) -> Result<Self> {
        Self::take_below(s3, bucket, "", people).await
    }

    /// Reads what lies below a prefix.
    ///
    /// # Errors
    /// What S3 answers, or an object that is no gzip.
    pub async fn take_below(
        s3: &aws_sdk_s3::Client,
        bucket: &str,
        prefix: &str,
        people: &[&str],
    ) -> Result<Self> {
        let mut census =
            Self { of: people.iter().map(|id| ((*id).to_owned(), 0)).collect(), ..Self::default() };
        let versions = versions(s3, bucket).await?.into_iter();
        let mut objects = stream::iter(versions.filter(|(key, ..)| key.starts_with(prefix)))
            .map(|(key, version, latest)| async move {
                let object = s3.get_object().bucket(bucket).key(&key).version_id(&version).send().await?;
                let gzip = object.body.collect().await?.into_bytes();
                let people: Vec<String> = people.iter().map(|id| (*id).to_owned()).collect();
                let name = key.clone();
                let page = tokio::task::spawn_blocking(move || Page::read(&gzip, &people))
                    .await?
                    .with_context(|| format!("cannot read {name}"))?;
                anyhow::Ok((key, latest, page))
            })
            .buffer_unordered(4);
        while let Some((key, latest, page)) = objects.try_next().await? {
            census.versions += 1;
            census.lines += page.lines;
            for (id, lines) in page.of {
                *census.of.entry(id).or_default() += lines;
            }
            if let (true, Some(rest)) = (latest, page.rest) {
                census.rest.insert(key, rest);
            }
        }
        Ok(census)
    }

    /// The lines of all the people asked about.
    pub fn theirs(&self) -> u64 {
        self.of.values().sum()
    }
}

/// Every version of every object: key, version, whether it is the current one.
///
/// # Errors
/// What S3 answers.
pub async fn versions(s3: &aws_sdk_s3::Client, bucket: &str) -> Result<Vec<(String, String, bool)>> {
    let mut all = Vec::new();
    let (mut key_marker, mut version_marker) = (None, None);
    loop {
        let page = s3
            .list_object_versions()
            .bucket(bucket)
            .set_key_marker(key_marker)
            .set_version_id_marker(version_marker)
            .send()
            .await?;
        all.extend(page.versions().iter().filter_map(|version| {
            Some((version.key()?.into(), version.version_id()?.into(), version.is_latest() == Some(true)))
        }));
        if page.is_truncated() != Some(true) {
            return Ok(all);
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
    }
}

/// What stands in one version of an object.
struct Page {
    lines: u64,
    of: BTreeMap<String, u64>,
    rest: Option<String>,
}

impl Page {
    fn read(gzip: &[u8], people: &[String]) -> Result<Self> {
        let mut text = Vec::new();
        MultiGzDecoder::new(gzip).read_to_end(&mut text)?;
        let mut page = Self { lines: 0, of: BTreeMap::new(), rest: None };
        let mut rest = Sha256::new();
        let mut strangers = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            page.lines += 1;
            match owners(line).into_iter().find(|id| people.contains(id)) {
                Some(id) => *page.of.entry(id).or_default() += 1,
                None => {
                    rest.update(line);
                    strangers += 1;
                }
            }
        }
        if strangers > 0 {
            page.rest = Some(rest.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        Ok(page)
    }
}

/// Whose event a line is: the user it names at the top, as a string or a number; for an alias also the user
/// that this one was before.
pub fn owners(line: &[u8]) -> Vec<String> {
    let Ok(event) = serde_json::from_slice::<Value>(line) else { return Vec::new() };
    let former = if event["type"] == "alias" { &event["previousId"] } else { &Value::Null };
    [&event["userId"], former]
        .into_iter()
        .filter_map(|id| match id {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(lines: &str) -> Page {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(lines.as_bytes()).unwrap();
        Page::read(&gzip.finish().unwrap(), &["u1".to_owned(), "1001".to_owned()]).unwrap()
    }

    #[test]
    fn finds_every_spelling_and_nothing_else() {
        let page = read(concat!(
            r#"{"userId":"u1"}"#,
            "\n",
            r#"{ "userId" : "\u0075\u0031" }"#,
            "\n",
            r#"{"userId":1001}"#,
            "\n",
            r#"{"type":"alias","userId":"u2","previousId":"u1"}"#,
            "\n",
            r#"{"userId":"u10","properties":{"userId":"u1","url":"/u1"},"previousId":"u1"}"#,
            "\n",
            "not JSON, but u1\n",
        ));
        assert_eq!((page.of["u1"], page.of["1001"], page.lines), (3, 1, 6));
    }

    #[test]
    fn notices_a_changed_byte_and_a_changed_order() {
        let (one, two) = ("{\"userId\":\"a\"}\n", "{\"userId\":\"b\"}\n");
        let rest = read(&format!("{one}{two}")).rest;
        assert_eq!(rest, read(&format!("{one}{{\"userId\":\"u1\"}}\n{two}")).rest);
        assert_ne!(rest, read(&format!("{two}{one}")).rest);
        assert_ne!(rest, read(&format!("{one}{}", two.trim_end())).rest);
        assert_eq!(read("{\"userId\":\"u1\"}\n").rest, None);
    }
}
