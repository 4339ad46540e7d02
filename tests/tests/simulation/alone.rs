//! The real purge of archives, with the real SDK, on an S3 in memory that fails, crashes and is written to by others,
//! by seed. What must hold, in every schedule:
//!
//! 1. *Sealed means gone*: after a run that read everything and found nothing left, no version of any object holds the
//!    person.
//! 2. *Nobody else's line is missing*: every key's current version is what its last other writer wants it to be.
//! 3. *It can always end*: once nobody disturbs any more, a run or two seal.
//!
//! A seed that fails prints its schedule, call by call, and repeats exactly. `SEEDS=10000` runs that many
//! (`make simulate`). Objects are smaller than a part of an upload: uploads in parts are not simulated.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use archive::Archive;
use archive::filters::Filters;
use archive::ledger::Ledger;
use archive::purge::{Left, Purge};
use archive::run_plan::{Checkpoint, Entry, KeyOutcome};
use aws::bucket::Bucket;
use engine::filter::IndexKey;
use engine::matching::{Matcher, SubjectSet};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use lambda::clock;
use model::id::{DestinationId, RunId};
use model::rules::Rules;
use model::subject::Subject;

use crate::dice::Dice;
use crate::network::S3;
use crate::s3::{ARCHIVE, Mutant};
use crate::variable;

/// How many seeds are played at a time.
const TOGETHER: usize = 50;

const PERSON: &str = "planted-person";

/// One company's archive, and a run at a time over it.
struct Simulation {
    s3: S3,
    archive: DestinationId,
    dice: Dice,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Find,
    Forget,
    Verify,
}

impl Simulation {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        // The code under test waits between its retries: on this clock, no time.
        clock::simulate(Timestamp::from_second(1_795_000_000).expect("a time"));
        let (s3, mut dice) = (S3::new(seed, mutant), Dice(seed ^ 0x5eed));
        {
            let mut world = s3.world();
            for object in 0..1 + dice.roll(3) {
                let key = format!("segment-logs/web/1793577600000/{object}.jsonl");
                for _ in 0..1 + dice.roll(3) {
                    let content = (dice.roll(6) > 0).then(|| content(&mut dice));
                    world.objects.put(ARCHIVE, &key, content);
                }
                let wanted =
                    world.objects.current(&key).map(without_the_person).filter(|content| !content.is_empty());
                world.wanted.insert(key, wanted);
            }
        }
        Self { s3, archive: DestinationId::new(), dice }
    }

    /// One run from its listing to its seal; whether it may be sealed.
    async fn run(&mut self) -> bool {
        let run = RunId::new();
        let Some(entries) = self.list().await else { return false };
        let found = self.phase(Phase::Find, &run, &entries, &BTreeMap::new()).await;
        let hit = found.values().filter(|outcome| outcome.is_hit());
        let hit: Vec<_> = hit.map(|o| Entry { key: o.key.clone(), versions: o.clean() }).collect();
        let forgot = self.phase(Phase::Forget, &run, &hit, &BTreeMap::new()).await;
        let verified = self.phase(Phase::Verify, &run, &hit, &forgot).await;
        let residuals = found.values().chain(forgot.values()).chain(verified.values());
        residuals.map(|outcome| outcome.residuals.len()).sum::<usize>() == 0
            && verified.values().all(|outcome| !outcome.is_hit())
    }

    async fn list(&mut self) -> Option<Vec<Entry>> {
        loop {
            let mut listing = Archive::new(self.s3.client(), ARCHIVE.to_owned(), None).list("");
            let (mut entries, mut failed) = (Vec::new(), false);
            loop {
                match listing.next().await {
                    Ok(Some(page)) => entries.extend(page),
                    Ok(None) => break,
                    Err(_) => {
                        failed = true;
                        break;
                    }
                }
            }
            match (self.s3.restart(), failed) {
                (true, _) => {}
                (false, true) => return None,
                (false, false) => return Some(entries),
            }
        }
    }

    /// Every entry of a phase, an invocation at a time. What an invocation did is kept when it ends; one that crashes is
    /// begun again with what was kept before.
    async fn phase(
        &mut self,
        phase: Phase,
        run: &RunId,
        entries: &[Entry],
        forgot: &BTreeMap<String, KeyOutcome>,
    ) -> BTreeMap<String, KeyOutcome> {
        let mut outcomes = BTreeMap::new();
        for entry in entries {
            let (mut from, mut invocations) = (Checkpoint::new(&entry.key), 0);
            let outcome = loop {
                invocations += 1;
                // Some invocations have no time: what can pause, pauses.
                let hurried = invocations < 3 && self.dice.roll(4) == 0;
                let purge = self.purge(run, hurried);
                let left = match phase {
                    Phase::Find => purge.find(entry, from.clone()).await,
                    Phase::Forget => purge.forget(entry, from.clone()).await,
                    Phase::Verify => {
                        let written = forgot.get(&entry.key).and_then(|outcome| outcome.written.as_ref());
                        purge.verify(entry, from.clone(), written).await
                    }
                };
                match left {
                    _ if self.s3.restart() => {}
                    Left::Done(outcome) => break outcome,
                    Left::Checkpoint(checkpoint) => from = *checkpoint,
                }
            };
            outcomes.insert(entry.key.clone(), outcome);
        }
        outcomes
    }

    fn purge(&self, run: &RunId, hurried: bool) -> Purge {
        let (client, rules) = (self.s3.client(), Rules::segment());
        let files = Bucket::new(client.clone(), "lethe".to_owned());
        let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user(PERSON)]));
        let key = IndexKey::new(&[7; 32]);
        Purge {
            archive: Archive::new(client, ARCHIVE.to_owned(), None),
            filters: Filters::new(files.clone(), self.archive.clone(), rules, &matcher, key),
            ledger: Ledger::new(files, run.clone()),
            matcher,
            until: Instant::now() + if hurried { Duration::ZERO } else { Duration::from_secs(3_600) },
        }
    }

    /// A fault with the schedule that led to it.
    fn told(&self, fault: &str) -> String {
        format!("{fault}\n  {}", self.s3.world().schedule.join("\n  "))
    }

    /// What is wrong with the world now, if it is sealed.
    fn fault(&self, sealed: bool) -> Option<String> {
        let world = self.s3.world();
        for ((bucket, key), versions) in &world.objects.all {
            let holds = |content: &Vec<u8>| String::from_utf8_lossy(content).contains(PERSON);
            let left = versions.iter().filter_map(|version| version.content.as_ref()).any(holds);
            if sealed && bucket == ARCHIVE && left {
                return Some(format!("sealed, and the person is in {key}"));
            }
        }
        for (key, wanted) in &world.wanted {
            let current =
                world.objects.current(key).map(without_the_person).filter(|content| !content.is_empty());
            if current != *wanted {
                return Some(format!("somebody else's lines in {key} are not what they were"));
            }
        }
        None
    }
}

fn content(dice: &mut Dice) -> Vec<u8> {
    let line = |dice: &mut Dice, n| {
        let user = if dice.roll(4) == 0 { PERSON.to_owned() } else { format!("other{}", dice.roll(9)) };
        format!("{{\"userId\":\"{user}\",\"n\":{n}}}\n")
    };
    (0..1 + dice.roll(6)).map(|n| line(dice, n)).collect::<String>().into_bytes()
}

fn without_the_person(content: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(content).expect("text");
    text.lines()
        .filter(|line| !line.contains(PERSON))
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .into_bytes()
}

/// Plays a seed. Answers how many runs it took to seal.
async fn play(seed: u64, mutant: Option<Mutant>) -> Result<usize, String> {
    let mut simulation = Simulation::new(seed, mutant);
    for runs in 1..=6 {
        // In the end everything calms down; then a run must seal.
        if runs > 4 {
            simulation.s3.world().calm_down();
        }
        let sealed = simulation.run().await;
        if let Some(fault) = simulation.fault(sealed) {
            return Err(simulation.told(&fault));
        }
        if sealed {
            return Ok(runs);
        }
    }
    Err(simulation.told("it does not end"))
}

#[tokio::test]
async fn sealed_means_gone_whatever_fails_and_whoever_writes() {
    let (first, count) = (variable("SEED").unwrap_or(0), variable("SEEDS").unwrap_or(340));
    let mut runs = BTreeMap::<usize, u64>::new();
    // Side by side, since the code under test waits between its retries; no seed knows of another.
    let all = stream::iter(first..first + count).map(async |seed| (seed, play(seed, None).await));
    let mut played = pin!(all.buffer_unordered(TOGETHER));
    while let Some((seed, result)) = played.next().await {
        match result {
            Ok(needed) => *runs.entry(needed).or_default() += 1,
            Err(fault) => panic!("SEED={seed} SEEDS=1: {fault}"),
        }
    }
    println!("{count} seeds, violations 0; runs until sealed: {runs:?}");
    assert!(runs.values().sum::<u64>() == count);
    assert!(count < 100 || runs.keys().any(|needed| *needed > 1), "nothing was ever disturbed: {runs:?}");
}

#[tokio::test]
async fn an_s3_that_breaks_a_promise_is_found_out() {
    for mutant in [Mutant::NoConditions, Mutant::VersionsStay, Mutant::CurrentOnly] {
        let mut found = None;
        for first in (0..300).step_by(TOGETHER) {
            let seeds = first..first + TOGETHER as u64;
            let faults = join_all(seeds.clone().map(|seed| play(seed, Some(mutant)))).await;
            found = seeds.zip(faults).find(|(_, played)| played.is_err());
            if found.is_some() {
                break;
            }
        }
        let (seed, _) = found.unwrap_or_else(|| panic!("{mutant:?} goes unseen"));
        println!("{mutant:?}: found with seed {seed}");
    }
}
