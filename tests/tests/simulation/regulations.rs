//! A regulation's whole life beside recorders that write, runs that purge, another writer, withdrawals, retries, an operator
//! who stops executions, and the schedule: the real functions, in the order that a seed chooses. What must hold:
//!
//! 1. *Sealed means gone*: from the moment at which a regulation is `FINISHED`, no version of any object of the archive
//!    holds the person, whatever comes afterwards.
//! 2. *Nobody else is missing*: neither an event that came in nor a line that another wrote.
//! 3. *It can always end*: once nobody disturbs any more, every regulation ends, and no lock, lease or wait is left.
//! 4. *It is told truthfully*: who was asked to be suppressed is; who was withdrawn is not; a certificate exists exactly for
//!    what was carried out; what was there is `CONFIRMED`.

use jiff::SignedDuration;
use serde_json::json;

use crate::installation::{Installation, PERSON, RECORD_ENDS, has_environment};
use crate::life::Life;
use crate::seeds::{Fault, Figures, find, play_all, repeat};
use crate::turnstile::Trouble;

/// A step of the protocol that is left out. With it the simulation must find a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mutant {
    /// A run lists at once, whoever may still be writing.
    ListsAtOnce,
    /// DynamoDB ignores conditions.
    NoConditions,
}

/// After so many steps nobody disturbs any more.
const CALM: u64 = 2_500;
/// After so many it has to have ended.
const END: u64 = 12_000;

impl Life {
    /// Beside one archive.
    pub async fn new(seed: u64, trouble: Trouble, mutant: Option<Mutant>) -> Self {
        let ends = if mutant == Some(Mutant::ListsAtOnce) { SignedDuration::ZERO } else { RECORD_ENDS };
        let installation = Installation::new(seed, trouble, ends, false).await;
        installation.turnstile.gate().world.tables.ignores_conditions = mutant == Some(Mutant::NoConditions);
        Self::around(installation)
    }
}

/// Plays a seed.
async fn play(seed: u64, mutant: Option<Mutant>) -> Result<Figures, Fault> {
    let [faults, crashes, ghosts, expiries] = [30, 4, 3, 2].map(|most| (seed % most) as u32);
    let trouble = Trouble { faults, crashes, ghosts, expiries };
    let mut life = Life::new(seed, trouble, mutant).await;
    life.installation.purge_delay = SignedDuration::from_secs([0, 30, 600][(seed / 7 % 3) as usize]);
    if (seed / 3).is_multiple_of(4) {
        life.installation.let_resolve().await.expect("the calm installation takes everything");
    }
    let turnstile = life.installation.turnstile.clone();
    turnstile.watch(play_out(&life)).await
}

async fn play_out(life: &Life) -> Result<(), String> {
    let turnstile = &life.installation.turnstile;
    for object in ["a", "b"] {
        life.object(object, true);
        if turnstile.roll(2) == 0 {
            life.object(object, turnstile.roll(2) == 0);
        }
    }
    cast(life);
    while !life.is_at_rest() {
        if turnstile.steps() == CALM {
            turnstile.calm_down();
        }
        if turnstile.steps() > END || !turnstile.step().await {
            return Err("it does not end".to_owned());
        }
        life.installation.begin_executions();
        if let Some(key) = life.left().filter(|_| life.is_sealed()) {
            return Err(format!("sealed, and the person is in {key}"));
        }
    }
    life.fault_at_rest().await.map_or(Ok(()), Err)
}

/// Everybody who acts.
pub fn cast(life: &Life) {
    let turnstile = &life.installation.turnstile;
    for recorder in ["first", "second"] {
        turnstile.spawn(format!("{recorder} deliveries"), life.clone().deliver());
    }
    turnstile.spawn("schedule", life.clone().tick());
    life.acts(2);
    let here = life.clone();
    turnstile.spawn("visitors", async move {
        let turnstile = &here.installation.turnstile;
        for event in 0..4 + turnstile.roll(6) {
            turnstile.turn("comes").await;
            let who = if turnstile.roll(2) == 0 { PERSON } else { "bob" };
            here.event(who, &format!("{who}-{event}"));
            turnstile.wait(turnstile.roll(3) * 60, "stays away").await;
        }
        if turnstile.roll(2) == 0 {
            turnstile.turn("writes").await;
            here.object("b", false);
        }
        here.acts(-1);
    });
    let here = life.clone();
    turnstile.spawn("people", async move {
        let turnstile = &here.installation.turnstile;
        let requests = 1 + turnstile.roll(2);
        for request in 0..requests {
            turnstile.wait(turnstile.roll(200), "thinks").await;
            let mut regulation = here.installation.regulation("SUPPRESS_WITH_DELETE");
            let grace = [0, 0, 300][turnstile.roll(3) as usize];
            regulation.grace_until =
                (grace > 0).then(|| regulation.created_at + SignedDuration::from_secs(grace));
            here.ask(&regulation, PERSON).await;
            turnstile.spawn("client", here.clone().follow(regulation.clone()));
            // Of two requests one may be taken back.
            if requests > 1 && (request == 0) == (turnstile.roll(2) == 0) && turnstile.roll(2) == 0 {
                turnstile.turn("regrets").await;
                here.call("DELETE", json!({ "id": regulation.id })).await;
                break;
            }
        }
        here.acts(-1);
    });
    if turnstile.roll(3) == 0 {
        let here = life.clone();
        turnstile.spawn("operator", async move {
            here.installation.turnstile.wait(here.installation.turnstile.roll(900), "waits").await;
            let running = here.installation.turnstile.running();
            if let Some(task) =
                running.get(here.installation.turnstile.roll(running.len().max(1) as u64) as usize)
            {
                here.installation.stop_execution(*task);
            }
        });
    }
}

#[test]
fn a_regulation_ends_truthfully_in_every_order_that_a_seed_chooses() {
    if has_environment("regulations::a_regulation_ends_truthfully_in_every_order_that_a_seed_chooses") {
        play_all("regulations", 40, |seed| play(seed, None));
    }
}

#[test]
fn a_seed_repeats_exactly() {
    if has_environment("regulations::a_seed_repeats_exactly") {
        repeat(3, |seed| play(seed, None));
    }
}

#[test]
fn a_table_that_ignores_conditions_is_found_out() {
    if has_environment("regulations::a_table_that_ignores_conditions_is_found_out") {
        find("NoConditions", 200, |seed| play(seed, Some(Mutant::NoConditions)));
    }
}
