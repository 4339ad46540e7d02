//! `make demo`: three people disappear from an archive, a warehouse and a SaaS tool, with a certificate at the
//! end. Every number shown is counted by code that shares nothing with the code that deletes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::Value;
use tests::api::destinations;
use tests::archive::{Archive, empty};
use tests::census::Census;
use tests::people::{THREE, everyone};
use tests::warehouse::Holdings;
use tests::{certificate, warehouse};

use crate::screen::{Board, Progress, done, number, step};
use crate::up::{BUCKET, DATABASE, Local, up};

/// Everything that holds data about people.
struct World {
    archive: Census,
    warehouse: Holdings,
    braze: BTreeSet<String>,
}

pub async fn demo() -> Result<()> {
    let since = Instant::now();
    println!("\nLethe: three people ask to be forgotten\n");
    let local = up().await?;
    fill(&local).await?;

    let before = World::take(&local).await?;
    before.print();

    let id = local.stack.api.erase(&THREE).await?;
    println!("\nForget {}: POST /regulations answered {id}\n", THREE.join(", "));
    let regulation = watch(&local, &id).await?;

    let after = World::take(&local).await?;
    let mut faults = compare(&before, &after);
    if regulation["overallStatus"] != "FINISHED" {
        faults.push(format!("the regulation is {}, not FINISHED", regulation["overallStatus"]));
    }
    faults.extend(proof(&local, &id).await?);
    if !faults.is_empty() {
        bail!(
            "This is not right:\n    {}\n\n  Logs: .local/logs. Regulation: {regulation:#}",
            faults.join("\n    ")
        );
    }
    println!("\nDone in {:.0} s. Everything is still up:", since.elapsed().as_secs_f64());
    local.print_next();
    Ok(())
}

/// Puts people into the archive, the warehouse and Braze. What an earlier demo left there goes.
async fn fill(local: &Local) -> Result<()> {
    let people = everyone(4_000);
    let archive = Archive {
        sources: &["web", "ios"],
        days: 4,
        files: 3,
        events: 9_000,
        people: people.clone(),
        seed: 7,
    };
    let since = step("Archive");
    let s3 = local.ports.aws.s3();
    empty(&s3, BUCKET).await?;
    archive.upload(&s3, BUCKET).await?;
    done(since, &format!("{} events, 2 sources, 4 days", number(archive.len() as u64)));

    let since = step("Warehouse");
    warehouse::fill(&local.ports.postgres.connect(DATABASE).await?, &people, 20_000).await?;
    done(since, "2 schemas, 18 tables, 2 views");

    let since = step("Braze users");
    let users: BTreeSet<&String> = people.iter().collect();
    braze(local)
        .put(format!("{}/fake/users", local.ports.braze))
        .json(&users)
        .send()
        .await?
        .error_for_status()?;
    done(since, &format!("{} users", number(users.len() as u64)));
    Ok(())
}

fn braze(local: &Local) -> Client {
    local.ports.aws.http()
}

/// Shows each destination's task until the regulation is closed.
async fn watch(local: &Local, id: &str) -> Result<Value> {
    let begun = Instant::now();
    let mut board = Board::default();
    let mut ended: Vec<Option<Duration>> = Vec::new();
    let regulation = local
        .stack
        .api
        .wait(id, |regulation| {
            let tasks = destinations(regulation);
            ended.resize(tasks.len(), None);
            let lines = tasks.iter().zip(&mut ended).map(|(task, ended)| {
                if !task["finishedAt"].is_null() {
                    ended.get_or_insert(begun.elapsed());
                }
                Progress {
                    name: text(task, "name"),
                    status: text(task, "taskStatus"),
                    ended: *ended,
                    result: result(task),
                }
            });
            board.show(lines.collect(), begun.elapsed());
        })
        .await?;
    println!(
        "\n  {:<16} {:<14} {:>5.1} s",
        "The regulation",
        text(&regulation, "overallStatus"),
        begun.elapsed().as_secs_f64()
    );
    Ok(regulation)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// What a destination says it did, in a few words.
fn result(task: &Value) -> String {
    for why in ["errString", "message"] {
        if !text(task, why).is_empty() {
            return text(task, why);
        }
    }
    let said = [("find", "found "), ("forward", ""), ("verify", "left ")].map(|(step, words)| {
        let counts = counts(&task["evidence"][step]["counts"]);
        if counts.is_empty() { counts } else { format!("{words}{counts}") }
    });
    said.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
}

/// `{"lines": 5, "objects": 2}` → `5 lines, 2 objects`; rows per table → `5 rows in 2 tables`.
fn counts(counts: &Value) -> String {
    let Some(counts) = counts.as_object() else { return String::new() };
    let amount = |value: &Value| number(value.as_u64().unwrap_or(0));
    if !counts.is_empty() && counts.keys().all(|name| name.contains('.')) {
        let rows: u64 = counts.values().filter_map(Value::as_u64).sum();
        return format!("{} rows in {} tables", number(rows), counts.len());
    }
    let said = counts.iter().map(|(name, value)| format!("{} {}", amount(value), words(name)));
    said.collect::<Vec<_>>().join(", ")
}

/// `objectsRewritten` → `objects rewritten`.
fn words(name: &str) -> String {
    name.chars().flat_map(|c| c.is_uppercase().then_some(' ').into_iter().chain(c.to_lowercase())).collect()
}

impl World {
    async fn take(local: &Local) -> Result<Self> {
        let postgres = local.ports.postgres.connect(DATABASE).await?;
        let users = braze(local).get(format!("{}/fake/users", local.ports.braze)).send().await?;
        Ok(Self {
            archive: Census::take(&local.ports.aws.s3(), BUCKET, &THREE).await?,
            warehouse: Holdings::take(&postgres, &THREE).await?,
            braze: users.json().await?,
        })
    }

    fn print(&self) {
        println!("\nBefore: what is theirs, among everyone's\n");
        for id in THREE {
            println!("  {:<16} {:>7} lines in the archive", id, number(self.archive.of[id]));
        }
        println!(
            "  {:<16} {:>7} lines in {} versions of {} objects; {} rows; {} users of Braze",
            "everyone",
            number(self.archive.lines),
            self.archive.versions,
            self.archive.rest.len(),
            number(self.warehouse.total() + self.warehouse.rest.values().map(|(rows, _)| rows).sum::<i64>()),
            number(self.braze.len() as u64)
        );
    }

    /// How many of the three Braze knows.
    fn users(&self) -> u64 {
        THREE.iter().filter(|id| self.braze.contains(**id)).count() as u64
    }

    fn other_users(&self) -> Vec<&String> {
        self.braze.iter().filter(|id| !THREE.contains(&id.as_str())).collect()
    }
}

/// Shows what is left, and answers what is wrong with it.
fn compare(before: &World, after: &World) -> Vec<String> {
    let mut faults = Vec::new();
    println!("\n  {:<16} {:>7} {:>7}   everyone else's", "", "before", "after");
    let mut row = |name: &str, before: u64, after: u64, same: bool, what: String| {
        let verdict = if same { "the same" } else { "CHANGED" };
        println!("  {name:<16} {:>7} {:>7}   {verdict}: {what}", number(before), number(after));
        if before == 0 {
            faults.push(format!("{name}: there was nothing to delete"));
        }
        if after > 0 {
            faults.push(format!("{name}: {after} of theirs are still there"));
        }
        if !same {
            faults.push(format!("{name}: other people's data changed"));
        }
    };
    row(
        "Archive lines",
        before.archive.theirs(),
        after.archive.theirs(),
        before.archive.rest == after.archive.rest,
        format!("{} objects, byte for byte", before.archive.rest.len()),
    );
    let rest = &before.warehouse.rest;
    row(
        "Warehouse rows",
        u64::try_from(before.warehouse.total()).unwrap_or(0),
        u64::try_from(after.warehouse.total()).unwrap_or(0),
        *rest == after.warehouse.rest,
        format!("{} rows in {} tables", number(rest.values().map(|(rows, _)| rows).sum::<i64>()), rest.len()),
    );
    row(
        "Braze users",
        before.users(),
        after.users(),
        before.other_users() == after.other_users(),
        format!("{} users", number(after.other_users().len() as u64)),
    );
    faults
}

/// Shows the suppressions and the certificate, and answers what is wrong with them.
async fn proof(local: &Local, id: &str) -> Result<Vec<String>> {
    let api = &local.stack.api;
    let mut faults = Vec::new();
    let suppressed = api.get("/suppressions").await?["data"]["suppressed"].to_string();
    let missing: Vec<&str> =
        THREE.into_iter().filter(|id| !suppressed.contains(&format!("\"{id}\""))).collect();
    if missing.is_empty() {
        println!("\n  Suppressed       {}", THREE.join(", "));
    } else {
        faults.push(format!("not suppressed: {}", missing.join(", ")));
    }
    let answer = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = answer["data"]["certificate"].as_str().context("there is no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    println!("  Certificate      signature checked offline against the published key (ES256)\n");
    show_certificate(&claims);
    println!("\n  {}… ({} characters)", jws.chars().take(88).collect::<String>(), jws.len());
    println!("  curl -H \"Authorization: Bearer $LETHE_TOKEN\" $LETHE_URL/regulations/{id}/certificate");
    if let Some(named) = THREE.iter().find(|id| claims.to_string().contains(&format!("\"{id}\""))) {
        faults.push(format!("the certificate names {named}"));
    }
    Ok(faults)
}

/// What the certificate says, a line for each piece of evidence.
fn show_certificate(claims: &Value) {
    let list = |name: &str| claims[name].as_array().cloned().unwrap_or_default();
    let destinations = list("destinations");
    for subject in list("subjects") {
        println!("    subject    {}", subject.as_str().unwrap_or_default());
    }
    for evidence in list("evidence") {
        let at = destinations.iter().find(|it| it["id"] == evidence["destinationId"] && !it["id"].is_null());
        let at = at.map(|it| text(it, "name")).unwrap_or_default();
        let hash: String = text(&evidence, "hash").chars().take(8).collect();
        println!("    {:<10} {at:<16} {:<44} #{hash}", text(&evidence, "step"), counts(&evidence["counts"]));
    }
}
