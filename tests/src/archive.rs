//! A Segment-style archive, generated: `segment-logs/{source}/{UTC midnight in ms}/{file}.gz`, gzip, one event
//! per line. The same [`Archive`] makes the same bytes every time.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::census::versions;
use crate::people::THREE;

/// The folder that Segment writes to.
pub const PREFIX: &str = "segment-logs/";
/// 2026-11-02, midnight UTC.
const FIRST_DAY_MS: u64 = 1_793_577_600_000;
const DAY_MS: u64 = 86_400_000;

/// How much of it there is.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The sources' names.
    pub sources: &'static [&'static str],
    /// How many days each source has.
    pub days: u64,
    /// How many files each day has.
    pub files: u64,
    /// How many events each file has.
    pub events: usize,
    /// Who sends them.
    pub people: Vec<String>,
    /// Another seed, other events.
    pub seed: u64,
}

impl Archive {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.sources.len() * (self.days * self.files) as usize * self.events
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every object's key, and the number that its content is made from.
    pub fn keys(&self) -> Vec<(String, u64)> {
        let mut keys = Vec::new();
        for source in self.sources {
            for day in 0..self.days {
                for file in 0..self.files {
                    let midnight = FIRST_DAY_MS + day * DAY_MS;
                    let number = keys.len() as u64;
                    keys.push((
                        format!("{PREFIX}{source}/{midnight}/{:012x}.{file}.gz", number * 7919),
                        number,
                    ));
                }
            }
        }
        keys
    }

    /// The object of that number, gzipped. `events` is less than usual for an earlier version of it.
    pub fn object(&self, number: u64, events: usize) -> Vec<u8> {
        let mut rng = Rng::with_seed(self.seed ^ (number << 32));
        let day = number / self.files % self.days;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut line = String::with_capacity(1024);
        for _ in 0..events {
            line.clear();
            self.event(&mut line, &mut rng, day);
            let _ = gzip.write_all(line.as_bytes());
        }
        gzip.finish().unwrap_or_default()
    }

    /// Fills a bucket. The first file of each day is uploaded twice: its first version lacks the last events, as
    /// a file has that was still being written.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn upload(&self, s3: &aws_sdk_s3::Client, bucket: &str) -> Result<()> {
        let puts = self.keys().into_iter().map(|(key, number)| async move {
            let earlier = (number % self.files == 0).then_some(self.events * 2 / 3);
            for events in earlier.into_iter().chain([self.events]) {
                let archive = self.clone();
                let body = tokio::task::spawn_blocking(move || archive.object(number, events)).await?;
                s3.put_object().bucket(bucket).key(&key).body(body.into()).send().await?;
            }
            anyhow::Ok(())
        });
        stream::iter(puts).buffer_unordered(4).try_collect().await
    }

    fn event(&self, line: &mut String, rng: &mut Rng, day: u64) {
        // One event in fifty is one of the three's.
        let author =
            if rng.u8(..) < 5 { THREE[rng.usize(..3)] } else { &self.people[rng.usize(..self.people.len())] };
        let user = match rng.u8(..20) {
            0 | 1 => "null".to_owned(),
            // A number is the same identifier as its digits in a string.
            2..=6 if author.parse::<u32>().is_ok_and(|n| n.to_string() == *author) => author.to_string(),
            _ => spell(author, rng),
        };
        // Somebody's id in somebody else's event, where it makes nobody the event's owner.
        let friend = spell(THREE[rng.usize(..3)], rng);
        let visited = THREE[rng.usize(..3)];
        let (anonymous, message) = (rng.u64(..), rng.u128(..));
        let time = format!(
            "2026-11-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            2 + day,
            rng.u8(..24),
            rng.u8(..60),
            rng.u8(..60),
            rng.u16(..1000)
        );
        let kind = match rng.u8(..10) {
            0 => r#""type":"identify","traits":{"plan":"pro","visits":1e3,"friend":FRIEND}"#,
            1 => {
                r#""type":"page","name":"Pricing","properties":{"url":"https://shop.example/u/VISITED?userId=VISITED"}"#
            }
            2 => {
                r#""type":"screen","name":"Home","properties":{"note":"{\"userId\":\"VISITED\"} is no field"}"#
            }
            3 => r#""type":"group","groupId":"VISITED","traits":{"members":[FRIEND,{"userId":FRIEND}]}"#,
            4 | 5 => {
                r#""type":"track","event":"Invite Sent","properties":{"recipient":{"userId":FRIEND},"price":0.10}"#
            }
            _ => {
                r#""type":"track","event":"Order Completed","properties":{"order_id":12345678901234567890,"revenue":19.90,"currency":"EUR","coupon":"ZWÖLF %","nested":{"a":[1,2.50,-0.0,true,null]}}"#
            }
        };
        let former = spell(&self.people[rng.usize(..self.people.len())], rng);
        let kind = kind.replace("FRIEND", &friend).replace("FORMER", &former).replace("VISITED", visited);
        let context = r#""context":{"ip":"10.0.0.7","library":{"name":"analytics.js","version":"2.11.1"},"locale":"de-DE","userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36"},"integrations":{}"#;
        // Fields come in more than one order and spacing.
        let _ = match rng.u8(..16) {
            0 => writeln!(
                line,
                r#"{{"userId" : {user}, {kind}, "messageId":"m-{message:x}", "receivedAt":"{time}", {context} }}"#
            ),
            1 => writeln!(
                line,
                r#"{{"messageId":"m-{message:x}","userId":{user},"receivedAt":"{time}",{kind}}}"#
            ),
            _ => writeln!(
                line,
                r#"{{"anonymousId":"{anonymous:016x}",{context},"messageId":"ajs-{message:032x}","originalTimestamp":"{time}",{kind},"receivedAt":"{time}","sentAt":"{time}","timestamp":"{time}","userId":{user},"version":2}}"#
            ),
        };
    }
}

/// Makes a versioned bucket.
///
/// # Errors
/// What S3 answers.
pub async fn create_bucket(s3: &aws_sdk_s3::Client, bucket: &str) -> Result<()> {
    s3.create_bucket().bucket(bucket).send().await?;
    let versioned = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket(bucket).versioning_configuration(versioned).send().await?;
    Ok(())
}

/// Removes every version of every object from a bucket.
///
/// # Errors
/// What S3 answers.
pub async fn empty(s3: &aws_sdk_s3::Client, bucket: &str) -> Result<()> {
    let removals = versions(s3, bucket).await?.into_iter().map(|(key, version, _)| async move {
        s3.delete_object().bucket(bucket).key(key).version_id(version).send().await?;
        anyhow::Ok(())
    });
    stream::iter(removals).buffer_unordered(8).try_collect().await
}

/// An id as a JSON string, in one of the spellings that mean the same.
fn spell(id: &str, rng: &mut Rng) -> String {
    let mut json = String::from("\"");
    let escape_all = rng.u8(..8) == 0;
    for unit in id.chars() {
        let _ = match unit {
            '"' | '\\' => write!(json, "\\{unit}"),
            _ if escape_all && (unit as u32) < 0x10000 => write!(json, "\\u{:04x}", unit as u32),
            _ => write!(json, "{unit}"),
        };
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::people::everyone;

    #[test]
    fn the_same_archive_makes_the_same_bytes_and_an_earlier_version_is_its_beginning() {
        let archive = Archive {
            sources: &["web", "ios"],
            days: 2,
            files: 2,
            events: 50,
            people: everyone(50),
            seed: 1,
        };
        let text = |number, events| {
            let mut text = String::new();
            MultiGzDecoder::new(&archive.object(number, events)[..]).read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(archive.keys().len(), 8);
        assert_eq!(archive.object(3, 50), archive.object(3, 50));
        assert_ne!(archive.object(3, 50), archive.object(4, 50));
        assert!(text(3, 50).starts_with(&text(3, 30)));
        for line in text(3, 50).lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
}
