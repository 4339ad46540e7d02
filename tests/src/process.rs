//! A program that never outlives its owner.

use std::fs::{self, File};
use std::net::TcpListener;
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs a program until standard input closes, which happens when the owner ends, however it ends: by
/// returning, panicking, Ctrl-C or `kill -9`. Then stops the program, by `KILL` if it has not ended after ten
/// seconds, removes its directory, and ends whatever it left behind.
const GUARDIAN: &str = r#"
dir=$1 signal=$2; shift 2
"$@" </dev/null & program=$!
cat >/dev/null
kill -$signal $program
{ sleep 10; kill -KILL $program; } 2>/dev/null & wait $program
trap '' TERM; kill -TERM 0
rm -rf "$dir"; kill -KILL 0"#;

/// For how long a program may take to start, on a machine that is busy with other things.
const START: Duration = Duration::from_secs(180);

/// A program with a directory of its own.
pub struct Process {
    guardian: Child,
    log: PathBuf,
    _dir: Dir,
}

/// What to start.
pub struct Spec<'a> {
    /// The program, its arguments and its environment.
    pub command: Command,
    /// A directory for its data, removed when it stops.
    pub dir: Dir,
    /// Where its output goes.
    pub log: &'a Path,
    /// The signal that makes it stop at once: `TERM`, `QUIT`, …
    pub stop: &'a str,
    /// The user and group to run it as, if not the caller's.
    pub user: Option<u32>,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    /// When `sh` or the log file cannot be opened.
    pub fn start(spec: Spec) -> Result<Self> {
        fs::create_dir_all(spec.log.parent().context("the log has no directory")?)?;
        let log = File::create(spec.log).with_context(|| format!("cannot write {}", spec.log.display()))?;
        let mut guardian = Command::new("sh");
        guardian.args(["-c", GUARDIAN, "guardian"]).arg(&*spec.dir).arg(spec.stop);
        guardian.arg(spec.command.get_program()).args(spec.command.get_args());
        for (name, value) in spec.command.get_envs() {
            match value {
                Some(value) => guardian.env(name, value),
                None => guardian.env_remove(name),
            };
        }
        if let Some(id) = spec.user {
            guardian.uid(id).gid(id);
        }
        // A group of its own: Ctrl-C reaches the owner only, and the guardian can end the whole group.
        guardian.process_group(0).current_dir(&*spec.dir);
        guardian.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let guardian = guardian.spawn().context("cannot start sh")?;
        Ok(Self { guardian, log: spec.log.to_owned(), _dir: spec.dir })
    }

    /// The program's own id.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pid(&self) -> Result<u32> {
        let guardian = self.guardian.id();
        let children = fs::read_to_string(format!("/proc/{guardian}/task/{guardian}/children"))?;
        // The guardian starts it first.
        let first = children.split_whitespace().next().context("the program does not run")?;
        Ok(first.parse()?)
    }

    /// Whether the program has ended by itself.
    fn has_ended(&self) -> bool {
        let guardian = self.guardian.id();
        let children = fs::read_to_string(format!("/proc/{guardian}/task/{guardian}/children"));
        let children = children.unwrap_or_default();
        let names: Vec<_> = children.split_whitespace().filter_map(running).collect();
        // The guardian starts the program first, then the `cat` that waits for the owner.
        names == ["cat"]
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// When the program ends, or after three minutes, with the end of the program's log.
    pub async fn wait(&self, name: &str, ready: impl AsyncFn() -> bool) -> Result<()> {
        let end = Instant::now() + START;
        while !ready().await {
            if self.has_ended() || Instant::now() > end {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                let tail: String = tail.into_iter().rev().map(|line| format!("\n  {line}")).collect();
                bail!("{name} did not start; {} ends with:{tail}", self.log.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// The name of a process; none, if it has ended.
fn running(pid: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = |name| status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim()));
    (!line("State:")?.starts_with(['Z', 'X'])).then(|| line("Name:").unwrap_or_default().to_owned())
}

/// A directory for a program's data, removed when dropped. It lies outside the checkout, which may lie below a
/// directory that another user cannot enter.
#[derive(Debug)]
pub struct Dir(PathBuf);

impl Dir {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let dir = std::env::temp_dir().join(format!("lethe-{name}-{:08x}", fastrand::u32(..)));
        fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Deref for Dir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A TCP port that is free now.
///
/// # Errors
/// When the system gives none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The checkout's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap_or_else(|_| "..".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let dir = Dir::new("process").unwrap();
        let log = std::env::temp_dir().join(format!("lethe-process-{:08x}.log", fastrand::u32(..)));
        Process::start(Spec { command, dir, log: &log, stop: "TERM", user: None }).unwrap()
    }

    #[tokio::test]
    async fn a_program_that_ends_early_is_not_waited_for_and_its_last_words_are_told() {
        let begun = Instant::now();
        let process = start("echo 'the document is no OpenAPI' >&2; exit 3");
        let failure = process.wait("Prism", async || false).await.unwrap_err().to_string();
        assert!(failure.contains("Prism did not start") && failure.contains("is no OpenAPI"), "{failure}");
        assert!(begun.elapsed() < START / 3, "{:?}", begun.elapsed());
        fs::remove_file(&process.log).unwrap();
    }

    #[tokio::test]
    async fn a_program_that_runs_has_not_ended() {
        let process = start("sleep 60");
        let begun = Instant::now();
        process.wait("a sleeper", async || begun.elapsed() > Duration::from_millis(500)).await.unwrap();
        assert!(!process.has_ended());
        fs::remove_file(&process.log).unwrap();
    }
}
