//! Purges one local file with the engine that purges archives, and prints the evidence: a way to try it on one's own
//! data before deploying anything.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use engine::format::{self, LocalFile, Report};
use engine::matching::{Matcher, SubjectSet};
use model::rules::Rules;
use model::subject::{Subject, SubjectType};

const HELP: &str = "\
Removes the records of some people from a file, and says what it did.

    purge-file [--strict] IN IDS OUT [KEYS]

IN      JSON (one object per line or otherwise) or delimited text, plain or compressed; Parquet; Avro. Told by its
        bytes. Stays as it is.
IDS     a text file with one identifier per line. Blank lines are ignored.
OUT     where to write what is left. Must not exist, or may be - to only count.
KEYS    where identifiers stand, as paths joined by commas: userId,context.traits.email
        Without it Segment's rules hold: userId, anonymousId, and previousId of alias calls.
        A file ending in .json is read as an archive's rules. Each identifier is looked for as every kind (USER_ID,
        EMAIL, …) that the rules name.

--strict  parses every line in full: slower, and counts every line that is no JSON object.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("purge-file: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    let strict = arguments.iter().any(|argument| argument == "--strict");
    arguments.retain(|argument| argument != "--strict");
    let (input, ids, output, keys) = match arguments.as_slice() {
        [input, ids, output] => (input, ids, output, ""),
        [input, ids, output, keys] => (input, ids, output, keys.as_str()),
        _ => return Err(format!("wants IN IDS OUT [KEYS]\n\n{HELP}")),
    };
    let rules = read_rules(keys)?;
    let subjects = read_ids(Path::new(ids), &rules)?;
    let matcher = Matcher::new(&rules, &subjects);
    let matcher = if strict { matcher.strict() } else { matcher };
    let object = LocalFile::open(Path::new(input)).map_err(|error| format!("{input}: {error}"))?;

    let started = Instant::now();
    let report = if output == "-" {
        format::scan(&object, &matcher).map_err(|error| format!("{input}: {error}"))?
    } else {
        rewrite(&object, input, Path::new(output), &matcher)?
    };
    print(&report, &subjects, kinds(&rules).count(), started.elapsed().as_secs_f64());
    if output == "-" {
        println!("written      nothing: this was a count");
    } else if report.leaves_nothing() {
        println!("written      {output}, without a record: an archive would lose the object itself");
    } else {
        println!("written      {output}");
    }
    Ok(())
}

/// Writes to a partial file first, so that an error leaves no incomplete output.
fn rewrite(object: &LocalFile, input: &str, output: &Path, matcher: &Matcher) -> Result<Report, String> {
    let says = |error: std::io::Error| format!("{}: {error}", output.display());
    if output.exists() {
        return Err(format!("{}: exists already", output.display()));
    }
    let partial = PathBuf::from(format!("{}.partial", output.display()));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&partial).map_err(says)?);
    let report = format::rewrite(object, &mut out, matcher).map_err(|error| format!("{input}: {error}"));
    let report = report.and_then(|report| {
        out.flush().map_err(says)?;
        fs::rename(&partial, output).map_err(says)?;
        Ok(report)
    });
    if report.is_err() {
        let _ = fs::remove_file(&partial);
    }
    report
}

/// Uses every line as an identifier of each kind that the rules look for: trying this out requires no knowledge of the
/// difference.
fn read_ids(path: &Path, rules: &Rules) -> Result<SubjectSet, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut seen = HashSet::new();
    let (mut blank, mut double) = (0, 0);
    let ids: Vec<&str> = text
        .lines()
        .filter(|id| {
            blank += usize::from(id.trim().is_empty());
            double += usize::from(!id.trim().is_empty() && !seen.insert(*id));
            !id.trim().is_empty()
        })
        .collect();
    if ids.is_empty() {
        return Err(format!("{}: holds no identifier", path.display()));
    }
    if blank > 0 {
        println!("note         {blank} blank lines among the identifiers ignored");
    }
    if double > 0 {
        println!("note         {double} identifiers given more than once");
    }
    Ok(kinds(rules).flat_map(|kind| ids.iter().map(move |&id| Subject { kind, id: id.into() })).collect())
}

/// The kinds of identifier that a line may be: no hash, since values would all have to be hashed for it.
fn kinds(rules: &Rules) -> impl Iterator<Item = SubjectType> {
    rules.kinds().into_iter().filter(|kind| !matches!(kind, SubjectType::Hash(_)))
}

fn read_rules(keys: &str) -> Result<Rules, String> {
    if keys.is_empty() {
        return Ok(Rules::segment());
    }
    if keys.ends_with(".json") {
        let json = fs::read_to_string(keys).map_err(|error| format!("{keys}: {error}"))?;
        return serde_json::from_str(&json).map_err(|error| format!("{keys}: {error}"));
    }
    Rules::at_paths(keys.split(',')).map_err(|error| format!("KEYS: {error}"))
}

fn print(report: &Report, subjects: &SubjectSet, kinds: usize, seconds: f64) {
    let asked = subjects.len() / kinds;
    let found: HashSet<u32> = report.hits.keys().map(|index| index % asked as u32).collect();
    println!("format       {}", report.format);
    println!("read         {} records, {} bytes uncompressed", report.lines, report.bytes);
    println!("removed      {} records of {} of the {asked} people asked for", report.removed, found.len());
    if report.stale > 0 {
        println!(
            "dictionaries {} times one of them named somebody whom no row of its row group names: made anew",
            report.stale
        );
    }
    println!("unreadable   {} kept lines are no records (blank ones too)", report.unreadable);
    if report.suspect > 0 {
        println!("SUSPECT      {} of these hold an identifier: look at them", report.suspect);
    }
    if report.opaque > 0 {
        println!(
            "OPAQUE       {} kept records hold a value in an identifier's place that cannot be compared",
            report.opaque
        );
    }
    if report.shared > 0 {
        println!(
            "SHARED       {} kept records name somebody beside others in an array, and no owner of the whole record",
            report.shared
        );
    }
    println!("took         {seconds:.2} s, {:.0} MB/s", report.bytes as f64 / 1e6 / seconds);
    if let Some(peak) = peak_memory() {
        println!("peak memory  {peak}");
    }
}

/// The peak memory that the kernel reports (Linux).
fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().to_owned())
}
