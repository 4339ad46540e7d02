//! The figures of `make cost` are those of a small case: one regulation of eight people, an archive of 60 objects, of which 24 hold
//! one of them.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;
use tests::process::{Dir, root};
use tests::scenario::task;

use crate::archives::{forget, key, line, world};

const OBJECTS: usize = 60;
const HIT: usize = 24;
const PEOPLE: [&str; 8] = ["ada-1", "ada-2", "ada-3", "ada-4", "ada-5", "ada-6", "ada-7", "ada-8"];

#[tokio::test]
async fn what_is_computed_is_what_a_small_case_uses() -> Result<()> {
    let world = world().await?;
    for n in 0..OBJECTS {
        let hit = if n < HIT { line(PEOPLE[n % PEOPLE.len()], n) } else { String::new() };
        world.put(&key(&format!("{n:02}.jsonl")), format!("{hit}{}", line("bob", n)).as_bytes()).await?;
    }
    let before: Value = world.stack.used().await?;
    let regulation = forget(&world, &PEOPLE).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let mut used = world.stack.used().await?;
    for (name, many) in used.as_object_mut().into_iter().flatten() {
        *many = (many.as_u64().unwrap_or(0) - before[name].as_u64().unwrap_or(0)).into();
    }
    let dir = Dir::new("cost")?;
    fs::write(dir.join("calls.json"), used.to_string())?;
    let said = Command::new(root().join(".venv/bin/python"))
        .arg(root().join("infra/local/cost.py"))
        .arg(root().join("infra/local/cost.json"))
        .args(["--small".as_ref(), dir.join("calls.json").as_os_str()])
        .args([OBJECTS, HIT, PEOPLE.len()].map(|number| number.to_string()))
        .output()?;
    assert!(
        said.status.success(),
        "{used:#}\n{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    Ok(())
}
