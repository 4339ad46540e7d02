//! Twin worlds: the same seeded stream of events, once with a person in it and once without. After the person is erased,
//! the first world must equal the second, in which the person never came: the uncompressed bytes of text, the rows of
//! Parquet, and no trace of the identifier in any raw byte (dictionaries, statistics, page indexes, bloom filters).

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use engine::format::rewrite;
use engine::matching::{Matcher, SubjectSet};
use flate2::Compression as Level;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use model::rules::Rules;
use model::subject::Subject;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// The person. No other text in either world resembles this.
const PERSON: &str = "planted-person-7f3a";
const SEEDS: u64 = 60;

/// An event: its user, and its number in the stream.
type Event = (String, i64);

/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): the same seed makes the same world.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// A stream with the person's events, and the same stream without them. Neither is empty.
fn worlds(seed: u64) -> (Vec<Event>, Vec<Event>) {
    let mut dice = Dice(seed);
    let (count, share) = (1 + dice.roll(400) as i64, 1 + dice.roll(20));
    let mut with: Vec<Event> = (0..count)
        .map(|n| match dice.roll(share) {
            0 => (PERSON.to_owned(), n),
            _ => (format!("somebody-{}", dice.roll(50)), n),
        })
        .collect();
    with.push(("somebody-else".to_owned(), count));
    let without = with.iter().filter(|(user, _)| user != PERSON).cloned().collect();
    (with, without)
}

fn json_lines(events: &[Event]) -> Vec<u8> {
    let line = |(user, n): &Event| {
        // Escapes change an identifier's spelling, not its meaning.
        let spelled = if n % 3 == 0 { user.replacen('p', "\\u0070", 1) } else { user.clone() };
        format!("{{\"type\":\"track\", \"userId\":\"{spelled}\",\"properties\":{{\"n\":{n}}}}}\n")
    };
    events.iter().map(line).collect::<String>().into_bytes()
}

/// An object over several lines.
fn pretty(event: &Event) -> String {
    format!("{{\n  \"userId\": \"{}\",\n  \"n\": {}\n}}", event.0, event.1)
}

fn json_array(events: &[Event]) -> Vec<u8> {
    let elements: Vec<String> = events.iter().map(pretty).collect();
    format!("[\n{}\n]\n", elements.join(",\n")).into_bytes()
}

fn json_array_line(events: &[Event]) -> Vec<u8> {
    let elements: Vec<String> =
        events.iter().map(|(user, n)| format!("{{\"userId\":\"{user}\",\"n\":{n}}}")).collect();
    format!("[{}]", elements.join(", ")).into_bytes()
}

fn json_behind_each_other(events: &[Event]) -> Vec<u8> {
    events
        .iter()
        .map(|(user, n)| format!("{{\"userId\":\"{user}\",\"n\":{n}}}"))
        .collect::<String>()
        .into_bytes()
}

fn json_pretty(events: &[Event]) -> Vec<u8> {
    events.iter().map(|event| pretty(event) + "\n").collect::<String>().into_bytes()
}

fn csv(events: &[Event]) -> Vec<u8> {
    let rows = events.iter().map(|(user, n)| format!("{n},\"{user}\",\"a \"\"b\"\"\nc\"\n"));
    std::iter::once("n,userId,note\n".to_owned()).chain(rows).collect::<String>().into_bytes()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Level::fast());
    out.write_all(plain).expect("memory takes all");
    out.finish().expect("memory takes all")
}

fn gzip_members(plain: &[u8]) -> Vec<u8> {
    plain.chunks(700).flat_map(gzip).collect()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut plain).expect("good gzip");
    plain
}

fn zstandard(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 1).expect("memory takes all")
}

fn unzstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).expect("good zstd")
}

fn bz(plain: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(plain).expect("memory takes all");
    out.finish().expect("memory takes all")
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), Level::fast());
    out.write_all(plain).expect("memory takes all");
    out.finish().expect("memory takes all")
}

fn snappy(plain: &[u8]) -> Vec<u8> {
    let mut out = snap::write::FrameEncoder::new(Vec::new());
    out.write_all(plain).expect("memory takes all");
    out.into_inner().expect("memory takes all")
}

fn whole(mut reader: impl Read) -> Vec<u8> {
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).expect("good data");
    plain
}

fn parquet(events: &[Event], codec: Compression) -> Vec<u8> {
    let schema = "message event { required int64 n; required binary userId (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_bloom_filter_enabled(true)
        .set_data_page_row_count_limit(16)
        .set_write_batch_size(16);
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).expect("a writer");
    for events in events.chunks(90) {
        let mut group = writer.next_row_group().expect("a row group");
        let mut column = group.next_column().expect("good").expect("the column n");
        let numbers: Vec<i64> = events.iter().map(|(_, n)| *n).collect();
        column.typed::<Int64Type>().write_batch(&numbers, None, None).expect("written");
        column.close().expect("closed");
        let mut column = group.next_column().expect("good").expect("the column userId");
        let users: Vec<_> = events.iter().map(|(user, _)| ByteArray::from(user.as_str())).collect();
        column.typed::<ByteArrayType>().write_batch(&users, None, None).expect("written");
        column.close().expect("closed");
        group.close().expect("closed");
    }
    writer.into_inner().expect("finished")
}

fn rows(bytes: Vec<u8>) -> Vec<u8> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).expect("good Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| format!("{}\n", row.expect("a row"))).collect::<String>().into_bytes()
}

/// The object after the person is erased from it.
fn erased(object: Vec<u8>) -> Vec<u8> {
    let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user(PERSON)]));
    let mut out = Vec::new();
    rewrite(&Bytes::from(object), &mut out, &matcher).expect("it can be rewritten");
    out
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(PERSON.len()).any(|window| window == PERSON.as_bytes())
}

/// A name, how a world is packed into an object, and what of the object must be equal in both worlds.
type Packing = (&'static str, fn(&[Event]) -> Vec<u8>, fn(Vec<u8>) -> Vec<u8>);

const PACKINGS: &[Packing] = &[
    ("JSON lines", json_lines, |bytes| bytes),
    ("JSON lines, gzip", |events| gzip(&json_lines(events)), |bytes| gunzip(&bytes)),
    ("JSON lines, gzip members", |events| gzip_members(&json_lines(events)), |bytes| gunzip(&bytes)),
    ("JSON lines, zstd", |events| zstandard(&json_lines(events)), |bytes| unzstandard(&bytes)),
    (
        "JSON lines, bzip2",
        |events| bz(&json_lines(events)),
        |bytes| whole(bzip2::read::MultiBzDecoder::new(&bytes[..])),
    ),
    (
        "JSON lines, zlib",
        |events| zlib(&json_lines(events)),
        |bytes| whole(flate2::read::ZlibDecoder::new(&bytes[..])),
    ),
    (
        "JSON lines, framed Snappy",
        |events| snappy(&json_lines(events)),
        |bytes| whole(snap::read::FrameDecoder::new(&bytes[..])),
    ),
    ("JSON array", json_array, |bytes| bytes),
    ("JSON array, gzip", |events| gzip(&json_array(events)), |bytes| gunzip(&bytes)),
    ("JSON array on one line", json_array_line, |bytes| bytes),
    ("JSON without line feeds", json_behind_each_other, |bytes| bytes),
    ("pretty-printed JSON", json_pretty, |bytes| bytes),
    ("CSV", csv, |bytes| bytes),
    ("CSV, gzip", |events| gzip(&csv(events)), |bytes| gunzip(&bytes)),
    ("Parquet", |events| parquet(events, Compression::UNCOMPRESSED), rows),
    ("Parquet, Snappy", |events| parquet(events, Compression::SNAPPY), rows),
    ("Parquet, zstd", |events| parquet(events, Compression::ZSTD(ZstdLevel::default())), rows),
];

#[test]
fn after_an_erasure_the_world_is_the_one_in_which_the_person_never_came() {
    let mut erasures = 0;
    for seed in 0..SEEDS {
        let (with, without) = worlds(seed);
        let came = with.len() != without.len();
        for (packing, pack, seen) in PACKINGS {
            let object = pack(&with);
            let after = if came { erased(object) } else { object };
            let raw = seen(after.clone());
            assert!(!holds(&after) && !holds(&raw), "seed {seed}, {packing}: a trace is left");
            assert!(raw == seen(pack(&without)), "seed {seed}, {packing}: the worlds differ");
            erasures += usize::from(came);
        }
    }
    assert!(erasures > SEEDS as usize * PACKINGS.len() / 2, "the person came to most worlds: {erasures}");
}
