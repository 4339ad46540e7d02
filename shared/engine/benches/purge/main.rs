//! Measures how fast the engine is, as ratios to references in the same run. Writes `target/bench/purge.json` and
//! `purge.svg`, and prints a table.
//!
//! 1. `data` makes events; `measure` times all contenders in interleaved rounds, by time on the core.
//! 2. Scans are compared with the C decoder libdeflate alone; rewrites with zlib-rs compressing alone; a Parquet file
//!    with one row group hit with one whose groups are all hit; whole purges with the tools that people use.
//! 3. Peak memory is that of a child process that does a single thing with a large object.
//!
//! `LETHE_BENCH_MB` (default 128, minimum 64) makes it longer or shorter, `LETHE_BENCH_ROUNDS` (default and minimum 11)
//! more reliable. DuckDB and isa-l take part if Python has them: `make bench` installs them.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at the first surprise"
)]

mod chart;
mod data;
mod measure;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use engine::filter::{self, IndexKey, Questions};
use engine::format::{self, LocalFile};
use engine::matching::{Matcher, SubjectSet};
use measure::Contender;
use model::rules::Rules;
use model::subject::Subject;
use serde::Serialize;

/// One comparison. `ratio` is `ours / reference`, or the inverse where less is better: a higher ratio is always better.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    ours: f64,
    reference: f64,
    ratio: f64,
    at_least: Option<f64>,
    unit: &'static str,
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, child, what, path] = arguments.as_slice()
        && child == "--child"
    {
        return one_thing(what, Path::new(path));
    }
    let number =
        |name: &str, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (megabytes, rounds) = (number("LETHE_BENCH_MB", 128), number("LETHE_BENCH_ROUNDS", measure::ROUNDS));
    // With fewer lines, the user of one line in 100,000 would not occur.
    let (megabytes, rounds) = (megabytes.max(64), rounds.max(measure::ROUNDS));
    let folder = bench_folder();
    let work = folder.join("work");
    fs::create_dir_all(&work).unwrap();

    let plain = data::lines(megabytes << 20);
    let packed = Bytes::from(data::gzip(plain.as_bytes(), 6));
    println!(
        "{} lines, {} MB, {:.1} times smaller as gzip",
        plain.lines().count(),
        plain.len() / 1_000_000,
        plain.len() as f64 / packed.len() as f64
    );
    println!("{}; {rounds} rounds, medians of time on the core", flags());
    let mut rows = Vec::new();
    scans(&mut rows, &plain, &packed, rounds, &work);
    rewrites(&mut rows, &plain, &packed, rounds);
    parquet_files(&mut rows, rounds);
    second_run(&mut rows, &packed);
    tools(&mut rows, &plain, &packed, &work);
    memory(&mut rows, &plain, &packed, &work);
    report(&rows, &folder);
    fs::remove_dir_all(&work).unwrap();
}

/// How this program was built.
fn flags() -> String {
    let flags = option_env!("CARGO_ENCODED_RUSTFLAGS").or(option_env!("RUSTFLAGS")).unwrap_or_default();
    let flags = if flags.is_empty() { "default flags".to_owned() } else { flags.replace('\x1f', " ") };
    let wide = if cfg!(target_feature = "avx2") { ", AVX2 taken for granted" } else { "" };
    let checked = if cfg!(debug_assertions) { ", with debug assertions" } else { "" };
    format!("built for {} with {flags}{wide}{checked}", env::consts::ARCH)
}

/// `target/bench` of the workspace.
fn bench_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
}

const KEYS: [&[&str]; 2] = [&["userId"], &["userId", "anonymousId", "context.traits.email"]];

fn matcher(keys: &[&str], ids: Vec<String>) -> Matcher {
    let rules: Vec<_> =
        keys.iter().map(|path| serde_json::json!({"path": path, "type": "USER_ID"})).collect();
    let rules: Rules = serde_json::from_value(rules.into()).unwrap();
    Matcher::new(&rules, &SubjectSet::new(ids.into_iter().map(Subject::user)))
}

fn speed(bytes: usize, seconds: f64) -> f64 {
    bytes as f64 / 1e6 / seconds
}

fn scans(rows: &mut Vec<Row>, plain: &str, packed: &Bytes, rounds: usize, work: &Path) {
    let mut whole = vec![0; plain.len()];
    let c = || libdeflater::Decompressor::new().gzip_decompress(packed, &mut whole).unwrap() as u64;
    let mut contenders = vec![Contender { name: "libdeflate", work: Box::new(c) }];
    contenders.push(Contender { name: "zlib-rs", work: Box::new(|| inflate(packed)) });
    let mut names = Vec::new();
    for (keys, at_least) in KEYS.into_iter().zip([0.72, 0.67]) {
        for count in [1, 100, 10_000, 100_000] {
            let matcher = matcher(keys, data::ids(count, None));
            let scan = move || format::scan(packed, &matcher).unwrap().lines;
            contenders.push(Contender { name: "scan", work: Box::new(scan) });
            names.push((
                format!("scan, {} key(s), {count} id(s) / libdeflate alone", keys.len()),
                Some(at_least),
            ));
        }
    }
    let collecting = matcher(KEYS[0], data::ids(10_000, None));
    let key = IndexKey::new(b"bench");
    let scan = move || filter::scan(packed, &collecting, &key).unwrap().0.lines;
    contenders.push(Contender { name: "scan and index", work: Box::new(scan) });
    names.push(("scan that makes a filter, 1 key / libdeflate alone".to_owned(), None));

    let times = measure::interleaved(&mut contenders, rounds);
    let mut row = |name, at, at_least| {
        let (ours, reference) = (speed(plain.len(), times.seconds(at)), speed(plain.len(), times.seconds(0)));
        rows.push(Row { name, ours, reference, ratio: times.ratio(at, 0), at_least, unit: "MB/s" });
    };
    row("zlib-rs alone / libdeflate alone".to_owned(), 1, None);
    for (at, (name, at_least)) in names.into_iter().enumerate() {
        row(name, at + 2, at_least);
    }
    let libdeflate = speed(plain.len(), times.seconds(0));
    match isal(packed, rounds, work) {
        Some(seconds) => {
            let (name, ours) =
                ("isa-l through Python / libdeflate alone".to_owned(), speed(plain.len(), seconds));
            let ratio = ours / libdeflate;
            rows.push(Row { name, ours, reference: libdeflate, ratio, at_least: None, unit: "MB/s" });
        }
        None => println!("note: no isa-l for Python here, so no comparison with it"),
    }
}

/// The median seconds of isa-l inflating, as it times itself in Python.
fn isal(packed: &[u8], rounds: usize, work: &Path) -> Option<f64> {
    let path = work.join("isal.gz");
    fs::write(&path, packed).unwrap();
    let mut command = Command::new(python());
    let output = command.args(["-c", ISAL, &rounds.to_string()]).arg(&path).stderr(Stdio::null()).output();
    String::from_utf8(output.ok()?.stdout).ok()?.trim().parse().ok()
}

fn inflate(packed: &[u8]) -> u64 {
    let mut inflate = flate2::Decompress::new_gzip(15);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let from = inflate.total_in() as usize;
        let status = inflate.decompress(&packed[from..], &mut buffer, flate2::FlushDecompress::None).unwrap();
        if status == flate2::Status::StreamEnd {
            return inflate.total_out();
        }
    }
}

fn rewrites(rows: &mut Vec<Row>, plain: &str, packed: &Bytes, rounds: usize) {
    let mut contenders = vec![Contender {
        name: "zlib-rs -6",
        work: Box::new(|| data::gzip(plain.as_bytes(), 6).len() as u64),
    }];
    for hot in 0..data::HOT.len() {
        let matcher = matcher(KEYS[0], data::ids(10_000, Some(hot)));
        let work = move || {
            let mut out = Vec::new();
            let report = format::rewrite(packed, &mut out, &matcher).unwrap();
            assert!(report.removed > 0);
            out.len() as u64
        };
        contenders.push(Contender { name: "rewrite", work: Box::new(work) });
    }
    let times = measure::interleaved(&mut contenders, rounds);
    let reference = speed(plain.len(), times.seconds(0));
    for (at, (rate, _)) in (1..).zip(&data::HOT) {
        let (ours, ratio) = (speed(plain.len(), times.seconds(at)), times.ratio(at, 0));
        let name = format!("rewrite, {rate} of lines go / zlib-rs -6 alone");
        rows.push(Row { name, ours, reference, ratio, at_least: Some(0.9), unit: "MB/s" });
    }
}

fn parquet_files(rows: &mut Vec<Row>, rounds: usize) {
    let matcher = matcher(KEYS[0], data::ids(10_000, Some(0)));
    let files = [false, true].map(|all_hit| Bytes::from(data::parquet(40_000, all_hit)));
    let mut contenders: Vec<Contender<'_>> = files
        .iter()
        .map(|file| {
            let work = || {
                let mut out = Vec::new();
                format::rewrite(file, &mut out, &matcher).unwrap();
                out.len() as u64
            };
            Contender { name: "parquet", work: Box::new(work) }
        })
        .collect();
    let times = measure::interleaved(&mut contenders, rounds);
    let (ours, reference) = (times.seconds(0) * 1e3, times.seconds(1) * 1e3);
    let name = "Parquet, 1 row group of 10 hit / every group rewritten".to_owned();
    rows.push(Row { name, ours, reference, ratio: times.ratio(0, 1), at_least: Some(5.0), unit: "ms" });
}

/// What a second run for an absent user reads of the same object: its filter, as stored in S3.
fn second_run(rows: &mut Vec<Row>, packed: &Bytes) {
    let (matcher, key) = (matcher(KEYS[0], data::ids(1, None)), IndexKey::new(b"bench"));
    let (_, filter) = filter::scan(packed, &matcher, &key).unwrap();
    let (filter, rules) = (filter.unwrap(), Rules::at_paths(KEYS[0].iter().copied()).unwrap());
    assert!(!filter.may_contain(&Questions::new(&matcher, &key)), "the object is not read again");
    let source = filter::FilterSource { etag: "e", version: Some("v"), rules: &rules };
    // The filter is stored with the number of lines before it.
    let read = size_of::<u64>() + filter.seal(&source, &key).len();
    let (ours, reference) = (read as f64 / 1e3, packed.len() as f64 / 1e3);
    let (name, ratio) =
        ("second run, absent user: 1 % of the first's bytes / read".to_owned(), reference / ours / 100.0);
    rows.push(Row { name, ours, reference, ratio, at_least: Some(1.0), unit: "KB" });
}

/// The Python that `make bench` has set up, or else the system's.
fn python() -> String {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    if own.exists() { own.to_string_lossy().into_owned() } else { "python3".to_owned() }
}

const ISAL: &str = "
import sys, time
from isal import isal_zlib
data, times = open(sys.argv[2], 'rb').read(), []
size = len(isal_zlib.decompress(data, wbits=31))
for _ in range(int(sys.argv[1])):
    start = time.thread_time()
    isal_zlib.decompress(data, wbits=31, bufsize=size)
    times.append(time.thread_time() - start)
print(sorted(times)[len(times) // 2])
";

const PYTHON: &str = "
import gzip, json, sys
ids = set(open(sys.argv[2]).read().split())
with gzip.open(sys.argv[1], 'rb') as source, gzip.open(sys.argv[3], 'wb', 6) as out:
    for line in source:
        if json.loads(line).get('userId') not in ids:
            out.write(line)
";
const DUCKDB: &str = "
import duckdb, sys
duckdb.sql('SET threads = 1')
duckdb.sql(f\"\"\"COPY (SELECT * FROM read_json('{sys.argv[1]}', format = 'newline_delimited')
    WHERE userId IS NULL OR userId NOT IN (SELECT column0 FROM read_csv('{sys.argv[2]}', header = false)))
    TO '{sys.argv[3]}' (FORMAT json, COMPRESSION gzip)\"\"\")
";

/// Whole purges of a file, 10,000 identifiers, with the tools that people use.
fn tools(rows: &mut Vec<Row>, plain: &str, packed: &Bytes, work: &Path) {
    let (input, ids, out) = (work.join("in.json.gz"), work.join("ids"), work.join("out.json.gz"));
    fs::write(&input, packed).unwrap();
    fs::write(&ids, data::ids(10_000, Some(1)).join("\n") + "\n").unwrap();
    let shell = "zcat < \"$0\" | grep -v -F -f \"$1\" | gzip -6 > \"$2\"";
    let interpreter = python();
    let python = |program| (interpreter.as_str(), vec!["-c", program]);
    let commands = [
        ("zcat | grep -v -F | gzip", ("sh", vec!["-c", shell])),
        ("Python, json.loads per line", python(PYTHON)),
        ("DuckDB", python(DUCKDB)),
    ];
    let matcher = matcher(KEYS[0], data::ids(10_000, Some(1)));
    for (name, (program, arguments)) in commands {
        let run = || {
            let mut command = Command::new(program);
            command.args(&arguments).args([&input, &ids, &out]).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if name == "DuckDB"
            && !Command::new(program)
                .args(["-c", "import duckdb"])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
        {
            println!("note: no DuckDB for Python here, so no comparison with it");
            continue;
        }
        let ours = || {
            let (object, mut file) = (LocalFile::open(&input).unwrap(), fs::File::create(&out).unwrap());
            format::rewrite(&object, &mut file, &matcher).unwrap().removed
        };
        let mut contenders = [
            Contender { name: "ours", work: Box::new(ours) },
            Contender { name, work: Box::new(move || u64::from(run())) },
        ];
        let times = measure::interleaved(&mut contenders, 3);
        let (ours, reference) = (speed(plain.len(), times.seconds(0)), speed(plain.len(), times.seconds(1)));
        let name = format!("whole purge, 10,000 ids / {name}");
        rows.push(Row { name, ours, reference, ratio: times.ratio(0, 1), at_least: None, unit: "MB/s" });
    }
}

/// The single thing that a child process does.
fn one_thing(what: &str, path: &Path) {
    let object = LocalFile::open(path).unwrap();
    let matcher = matcher(KEYS[1], data::ids(10_000, Some(1)));
    let report = match what {
        "scan" => format::scan(&object, &matcher).unwrap(),
        _ => format::rewrite(&object, &mut fs::File::create(path.with_extension("out")).unwrap(), &matcher)
            .unwrap(),
    };
    assert!(report.removed > 0);
    println!("{}", measure::peak_memory().unwrap_or(f64::NAN));
}

/// Peak memory with an object of 1 GB (uncompressed).
fn memory(rows: &mut Vec<Row>, plain: &str, packed: &Bytes, work: &Path) {
    let path = work.join("large.gz");
    let mut file = fs::File::create(&path).unwrap();
    for _ in 0..(1usize << 30).div_ceil(plain.len()) {
        file.write_all(packed).unwrap();
    }
    drop(file);
    for what in ["scan", "rewrite"] {
        let child =
            Command::new(env::current_exe().unwrap()).args(["--child", what]).arg(&path).output().unwrap();
        let ours: f64 = String::from_utf8(child.stdout).unwrap().trim().parse().unwrap();
        let name = format!("peak memory, {what} of 1 GB: allowed / used");
        rows.push(Row { name, ours, reference: 64.0, ratio: 64.0 / ours, at_least: Some(1.0), unit: "MiB" });
    }
}

fn report(rows: &[Row], folder: &Path) {
    println!("\n{:58} {:>9} {:>10} {:>7} {:>9}", "", "ours", "reference", "ratio", "at least");
    for Row { name, ours, reference, ratio, at_least, unit } in rows {
        let least = at_least.map(|least| format!("{least:.2}")).unwrap_or_default();
        let short = if at_least.is_some_and(|least| *ratio < least) { "  short" } else { "" };
        println!("{name:58} {ours:9.1} {reference:10.1} {ratio:7.2} {least:>9} {unit}{short}");
    }
    fs::write(folder.join("purge.json"), serde_json::to_string_pretty(rows).unwrap()).unwrap();
    fs::write(folder.join("purge.svg"), chart::svg(rows)).unwrap();
    println!("\nwritten: target/bench/purge.json, target/bench/purge.svg");
}
