//! The arrows go one way: what is pure knows no AWS, no HTTP and no runtime.

use std::fs;
use std::path::{Path, PathBuf};

const PURE: &[&str] = &[
    "archive/manifest.rs",
    "batch",
    "certificate.rs",
    "destination/cloud",
    "destination/mod.rs",
    "evidence.rs",
    "failure.rs",
    "format",
    "id.rs",
    "index.rs",
    "json.rs",
    "matching",
    "part.rs",
    "person.rs",
    "regulation",
    "shape.rs",
    "source",
    "status.rs",
    "subject.rs",
    "task.rs",
    "tracking",
    "token.rs",
    "warehouse/crew.rs",
    "warehouse/erasure/company.rs",
    "warehouse/mod.rs",
];

const IMPURE: &[&str] =
    &["aws_", "crate::aws", "crate::store", "lambda_", "reqwest", "tokio", "Timestamp::now"];

#[test]
fn pure_modules_know_no_aws_no_http_and_no_clock() {
    for place in PURE {
        let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place));
        assert!(!files.is_empty(), "{place} is gone: correct the list");
        for file in files {
            let code = fs::read_to_string(&file).expect("source files can be read");
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for impure in IMPURE {
                    assert!(!line.contains(impure), "{} knows {impure}: {line}", file.display());
                }
            }
        }
    }
}

fn sources(path: &Path) -> Vec<PathBuf> {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().flat_map(|entry| sources(&entry.path())).collect(),
        Err(_) if path.exists() => vec![path.to_owned()],
        Err(_) => Vec::new(),
    }
}
