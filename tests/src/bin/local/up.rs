//! `make up` and `make down`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tests::archive;
use tests::destinations;
use tests::process::root;
use tests::stack::{Package, Stack, functions, programs};
use tests::vendors::braze;

use crate::screen::{done, step};
use crate::serve::{Ports, dir, lock};

/// The stack's name.
pub const STACK: &str = "lethe";
/// The archive's bucket.
pub const BUCKET: &str = "events-archive";
/// The source whose write key is in the environment.
pub const SOURCE: &str = "web";
/// How long the local stack may take to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// The warehouse's database.
pub const DATABASE: &str = "warehouse";

/// A running local stack.
pub struct Local {
    pub ports: Ports,
    pub stack: Stack,
}

impl Local {
    /// What to try next.
    pub fn print_next(&self) {
        println!(
            "
  Console    {0}/console      its token: LETHE_TOKEN in .local/stack.env
  API        {0}
  Settings   . .local/stack.env

  Ask it     . .local/stack.env; curl -H \"Authorization: Bearer $LETHE_TOKEN\" $LETHE_URL/destinations
  Demo       make demo
  Stop       make down
",
            self.stack.api.url
        );
    }
}

/// Starts everything, or finds it running.
pub async fn up() -> Result<Local> {
    let code = fingerprint()?;
    if is_running()? {
        if let (Some(ports), Ok(deployed)) = (Ports::read(), fs::read_to_string(dir().join("deployed"))) {
            if deployed == code {
                let stack = Stack::find(ports.aws, STACK).await?;
                println!("  Already up.");
                return Ok(Local { ports, stack });
            }
            println!("  The code has changed since the stack was started: starting it again.");
        }
        stop().await?;
    }
    let since = step("Local AWS, Postgres, Braze");
    let ports = start().await?;
    done(since, "MiniStack, a real Postgres, a fake Braze");

    let since = step("Stack");
    let package = Package::make(ports.aws, &programs()?.join("package")).await?;
    // Local stacks wait seconds, not an hour, for more regulations to purge together.
    let stack = package
        .deploy(
            STACK,
            &[
                ("PurgeDelay", "3"),
                ("RecordWindow", "1"),
                // A run waits as long before it lists; here it is one clock, and nothing goes on without its program.
                ("RecordTimeout", "5"),
                ("RecordMargin", "0"),
                ("DestinationEndpoints", "any"),
                ("ArchiveBuckets", BUCKET),
            ],
        )
        .await?;
    done(since, &format!("infra/template.yaml, with {} functions", functions()?.len()));

    let since = step("Destinations");
    let local = Local { ports, stack };
    add_destinations(&local).await?;
    write_env(&local).await?;
    fs::write(dir().join("deployed"), code)?;
    done(since, "an archive, a warehouse, Braze");
    Ok(local)
}

/// Stops everything and removes its data.
pub async fn down() -> Result<()> {
    if is_running()? {
        stop().await?;
        println!("  Stopped, and its data removed.");
    } else {
        println!("  Nothing is running.");
    }
    match fs::remove_dir_all(dir()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("cannot remove .local")
        }
        _ => Ok(()),
    }
}

fn is_running() -> Result<bool> {
    Ok(lock()?.try_lock().is_err())
}

async fn stop() -> Result<()> {
    end(|| Ports::read().and_then(|ports| Pid::from_raw(ports.pid)), is_running, PATIENCE).await?;
    for file in ["ports.json", "deployed", "stack.env"] {
        let _ = fs::remove_file(dir().join(file));
    }
    Ok(())
}

/// Asks a process to end, and makes it end if it has not after `patience`: what it started ends with it.
async fn end(
    pid: impl Fn() -> Option<Pid>,
    is_running: impl Fn() -> Result<bool>,
    patience: Duration,
) -> Result<()> {
    let begin = Instant::now();
    let mut sent = None;
    while is_running()? {
        let signal = if begin.elapsed() < patience { Signal::TERM } else { Signal::KILL };
        // Between its start and its ports there is no process id yet.
        if let (true, Some(pid)) = (sent != Some(signal), pid()) {
            kill_process(pid, signal).context("cannot stop the local stack")?;
            sent = Some(signal);
        }
        ensure!(begin.elapsed() < 6 * patience, "the local stack does not stop; see .local/logs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Starts the process that serves, and waits for what it serves.
async fn start() -> Result<Ports> {
    let _ = fs::remove_file(dir().join("ports.json"));
    fs::create_dir_all(dir().join("logs"))?;
    let log = dir().join("logs/serve.log");
    let output = File::create(&log)?;
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()?;
    loop {
        if let Some(ports) = Ports::read() {
            return Ok(ports);
        }
        if server.try_wait()?.is_some() {
            bail!("{}", fs::read_to_string(&log)?.trim());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Tells Lethe where the events go, through its public API.
async fn add_destinations(local: &Local) -> Result<()> {
    archive::create_bucket(&local.ports.aws.s3(), BUCKET).await?;
    local.ports.postgres.create(DATABASE).await?;
    for destination in [
        destinations::archive(BUCKET, 0.5),
        destinations::warehouse(local.ports.postgres.port, DATABASE),
        braze::destination(&local.ports.braze),
    ] {
        local.stack.api.add_destination(&destination).await?;
    }
    Ok(())
}

/// Makes a source and answers its write key.
async fn add_source(local: &Local, id: &str) -> Result<String> {
    let made = local.stack.api.post("/sources", &json!({ "name": id, "id": id })).await?;
    Ok(made["data"]["writeKey"].as_str().context("a source without a write key")?.to_owned())
}

/// Writes what scripts and people need: `. .local/stack.env`.
async fn write_env(local: &Local) -> Result<()> {
    let mut variables: Vec<(String, String)> = vec![
        ("LETHE_URL".into(), local.stack.api.url.clone()),
        ("LETHE_TOKEN".into(), local.stack.api.token.clone()),
        ("COLLECT_URL".into(), local.ports.aws.api(local.stack.output("CollectApiId")?)),
        ("WRITE_KEY".into(), add_source(local, SOURCE).await?),
        ("POSTGRES_URL".into(), local.ports.postgres.url(DATABASE)),
        ("BRAZE_URL".into(), local.ports.braze.clone()),
        ("ARCHIVE_BUCKET".into(), BUCKET.into()),
    ];
    variables.extend(local.ports.aws.env().into_iter().map(|(name, value)| (name.to_owned(), value)));
    variables.extend(
        local.stack.outputs.iter().map(|(name, value)| (format!("LETHE_{}", snake(name)), value.clone())),
    );
    fs::write(dir().join("stack.env"), shell(&variables)?)?;
    // And each function's own, for `make watch`.
    for name in functions()? {
        let variables = local.stack.environment(&name).await?;
        fs::write(dir().join(format!("{name}.env")), shell(&variables)?)?;
    }
    Ok(())
}

fn shell(variables: &[(String, String)]) -> Result<String> {
    let mut lines = String::new();
    for (name, value) in variables {
        writeln!(lines, "export {name}='{}'", value.replace('\'', r"'\''"))?;
    }
    Ok(lines)
}

/// `LetheBucket` → `LETHE_BUCKET`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_uppercase());
    }
    snake
}

/// What a stack is made of: changes when a function, the template or a state machine does.
fn fingerprint() -> Result<String> {
    let mut files: Vec<_> =
        functions()?.iter().map(|name| Ok(programs()?.join(name))).collect::<Result<_>>()?;
    for entry in fs::read_dir(root().join("infra"))? {
        files.push(entry?.path());
    }
    files.sort();
    let mut fingerprint = String::new();
    for file in files {
        let meta = fs::metadata(&file).with_context(|| format!("{} is missing", file.display()))?;
        let changed = meta.modified()?.duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
        writeln!(fingerprint, "{} {} {changed}", file.display(), meta.len())?;
    }
    Ok(fingerprint)
}

// Not `tests`, which is this package.
#[cfg(test)]
mod ending {
    use super::*;

    /// As a process that is stopped (`SIGSTOP`), or too busy to hear.
    #[tokio::test]
    async fn what_does_not_end_when_it_is_asked_to_is_ended() -> Result<()> {
        let mut deaf =
            Command::new("sh").args(["-c", "trap '' TERM; while :; do sleep 0.1; done"]).spawn()?;
        let pid = Pid::from_raw(i32::try_from(deaf.id())?);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let is_running = || Ok(!fs::read_to_string(format!("/proc/{}/stat", deaf.id()))?.contains(") Z"));
        end(|| pid, is_running, Duration::from_millis(500)).await?;
        assert!(!deaf.wait()?.success());
        Ok(())
    }
}
