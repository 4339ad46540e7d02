//! Twin worlds: the same files, rows and events, once with a person in them and once without. Both are asked to erase the
//! person. Afterwards the first must look like the second, into which the person never came: each object of the archive to
//! the byte, and its metadata; the vendor's users; and all that Lethe keeps in its own tables. No filter of a version that is
//! gone is left in Lethe's bucket.
//!
//! Two things differ, as documented: the evidence of what was found, and older versions of objects, of which those that held
//! the person are gone.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::ControlFlow::{Break, Continue};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tests::archive::Archive;
use tests::census::{owners, versions};
use tests::ingest::{TrackingClient, wait_for};
use tests::people::{THREE, everyone};
use tests::progress::until;
use tests::traces::{files, items};
use tests::world::World;

const PERSON: &str = THREE[0];

/// Lethe's tables. `RegulationsTable` holds the evidence, which tells of whom was found.
const TABLES: [&str; 5] =
    ["AccessTable", "DestinationsTable", "RunsTable", "SourcesTable", "SuppressionsTable"];

#[tokio::test]
async fn a_world_from_which_a_person_was_erased_is_the_world_into_which_the_person_never_came() -> Result<()>
{
    let (with, without) = tokio::try_join!(world(true), world(false))?;
    assert_ne!(objects(&with).await?, objects(&without).await?, "the person is in one of them");
    for world in [&with, &without] {
        let id = world.stack.api.erase(&[PERSON]).await?;
        let regulation = world.stack.api.wait(&id, |_| ()).await?;
        assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    }
    let (purged, clean) = (objects(&with).await?, objects(&without).await?);
    assert_eq!(purged.keys().collect::<Vec<_>>(), clean.keys().collect::<Vec<_>>(), "the same objects");
    for (key, object) in &purged {
        let twin = &clean[key];
        assert!(
            object.text == twin.text && object.headers == twin.headers && object.versions <= twin.versions,
            "{key}: {}, not {}",
            object.describe(),
            twin.describe()
        );
    }
    assert_eq!(with.braze.world().users, without.braze.world().users);
    for table in TABLES {
        assert_eq!(shapes(&with, table).await?, shapes(&without, table).await?, "{table}");
    }
    let versions = versions(&with.s3, &with.bucket).await?.len();
    let filters = files(&with, "LetheBucket", with.stack.output("LetheBucket")?).await?;
    let filters = filters.iter().filter(|file| file.text.starts_with("index/")).count();
    assert!(
        filters <= versions,
        "{filters} filters of {versions} versions: one tells of a version that is gone"
    );
    Ok(())
}

/// A world of files that others wrote, and of events that came in by the tracking API.
async fn world(with: bool) -> Result<World> {
    let world = World::collecting().await?;
    let people: Vec<String> = everyone(200).into_iter().filter(|id| with || id != PERSON).collect();
    tests::warehouse::fill(&world.warehouse, &people, 50).await?;
    world.braze.world().users.extend(people);
    let archive =
        Archive { sources: &["ios"], days: 2, files: 2, events: 200, people: everyone(200), seed: 1 };
    for (key, number) in archive.keys() {
        for events in [archive.events / 2, archive.events] {
            let mut text = String::new();
            MultiGzDecoder::new(&archive.object(number, events)[..]).read_to_string(&mut text)?;
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            for line in text.split_inclusive('\n') {
                if with || !owners(line.as_bytes()).iter().any(|id| id == PERSON) {
                    gzip.write_all(line.as_bytes())?;
                }
            }
            let put = world.s3.put_object().bucket(&world.bucket).key(&key).body(gzip.finish()?.into());
            put.content_type("application/json").metadata("writer", "exporter").send().await?;
        }
    }
    let client = TrackingClient::open(&world, "web").await?;
    let mut sent = Vec::new();
    for turn in 0..6 {
        for who in [PERSON, "bob", "eve"].into_iter().filter(|who| with || *who != PERSON) {
            let name = format!("{who}-{turn}");
            client.ok("track", json!({ "userId": who, "event": name, "messageId": name })).await?;
            sent.push(name);
        }
    }
    wait_for(&world, "web", &sent).await?;
    Ok(world)
}

/// An object as others see it.
#[derive(Debug, PartialEq, Eq)]
struct Object {
    text: Vec<u8>,
    headers: BTreeMap<String, String>,
    versions: usize,
}

impl Object {
    fn describe(&self) -> String {
        format!("{} bytes, {:?}, {} versions", self.text.len(), self.headers, self.versions)
    }
}

/// The objects that others wrote, by key; and what came in by the tracking API, in order of names, as one: in which files
/// it stands is up to the queue.
async fn objects(world: &World) -> Result<BTreeMap<String, Object>> {
    let mut objects = BTreeMap::<String, Object>::new();
    for (key, version, latest) in versions(&world.s3, &world.bucket).await? {
        let get = world.s3.get_object().bucket(&world.bucket).key(&key).version_id(&version).send().await?;
        let mut headers: BTreeMap<_, _> = get.metadata().cloned().unwrap_or_default().into_iter().collect();
        headers.insert("content-type".into(), get.content_type().unwrap_or_default().to_owned());
        headers.insert("content-encoding".into(), get.content_encoding().unwrap_or_default().to_owned());
        let mut text = Vec::new();
        MultiGzDecoder::new(&get.body.collect().await?.into_bytes()[..]).read_to_end(&mut text)?;
        if key.contains("/web/") {
            let collected = objects.entry("collected".into());
            let collected = collected.or_insert_with(|| Object { text: vec![], headers, versions: 1 });
            let mut names: Vec<String> = [
                String::from_utf8(collected.text.clone())?.lines().map(str::to_owned).collect(),
                names(&text)?,
            ]
            .concat();
            names.sort();
            collected.text = names.join("\n").into_bytes();
            continue;
        }
        let object = objects.entry(key).or_insert_with(|| Object {
            text: vec![],
            headers: BTreeMap::new(),
            versions: 0,
        });
        object.versions += 1;
        if latest {
            (object.text, object.headers) = (text, headers);
        }
    }
    Ok(objects)
}

fn names(lines: &[u8]) -> Result<Vec<String>> {
    let events = serde_json::Deserializer::from_slice(lines).into_iter::<Value>();
    events.map(|event| Ok(event?["event"].as_str().context("an event has a name")?.to_owned())).collect()
}

/// The items of a table, without what is random or tells the time.
async fn shapes(world: &World, table: &str) -> Result<Vec<String>> {
    until(async || {
        let items = items(world, table).await?;
        // A run closes after its regulations.
        if items.iter().any(|item| item["pk"]["S"] == "LOCK") {
            return Ok(Continue("a run holds the lock"));
        }
        // How far the phases of a run came is evidence, too.
        let mut shapes: Vec<String> =
            items.iter().map(shape).filter(|shape| !shape.starts_with("PROGRESS")).collect();
        shapes.sort();
        Ok(Break(shapes))
    })
    .await
}

fn shape(item: &Value) -> String {
    // Each world signs with a key of its own.
    let is_key = item["pk"]["S"] == "SIGNING_KEY";
    let key = |name: &str| match item[name]["S"].as_str().unwrap_or_default() {
        _ if is_key && name == "sk" => "*".to_owned(),
        text => plain(text),
    };
    let fields: Vec<&String> = item.as_object().into_iter().flat_map(|item| item.keys()).collect();
    format!("{} {} {fields:?}", key("pk"), key("sk"))
}

/// A text with a star for each run of hexadecimal digits that is long enough to be random, or that tells the time.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for part in text.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let hex = part.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        let random = hex.len() >= 8 || hex.bytes().any(|byte| byte.is_ascii_digit());
        plain.push_str(if random && !text.contains(PERSON) { "*" } else { hex });
        plain.push_str(&part[hex.len()..]);
    }
    plain
}
