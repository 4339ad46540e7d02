//! Three people's rows at one warehouse, deleted together: the leader may die, its lease runs out, a statement is sent twice,
//! a loader writes beside. What must hold:
//!
//! 1. *Sealed means gone*: from the moment at which a person's regulation is `FINISHED`, the warehouse has no row of theirs.
//! 2. *Nobody else's row is missing.*
//! 3. *It can always end*, and nobody holds a lease or a place in a group then.
//! 4. *It is told truthfully*: `CONFIRMED` where there were rows, `NO_DATA_FOUND` where there were none.

use std::cell::Cell;
use std::rc::Rc;

use model::regulation::Regulation;
use model::status::{Status, TaskStatus};

use crate::certificates;
use crate::installation::{Installation, RECORD_ENDS, has_environment, table};
use crate::life::Life;
use crate::seeds::{Fault, Figures, find, play_all, repeat};
use crate::turnstile::Trouble;

/// A warehouse that breaks a promise. With it the simulation must find a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mutant {
    /// The warehouse counts no rows.
    CountsNothing,
}

const PEOPLE: [&str; 3] = ["person-one", "person-two", "person-three"];
const CALM: u64 = 2_000;
const END: u64 = 10_000;

async fn play(seed: u64, mutant: Option<Mutant>) -> Result<Figures, Fault> {
    let [faults, crashes, ghosts] = [30, 5, 3].map(|most| (seed % most) as u32);
    let trouble = Trouble { faults, crashes, ghosts, expiries: 0 };
    let life = Life::around(Installation::new(seed, trouble, RECORD_ENDS, true).await);
    life.installation.turnstile.watch(play_out(&life, mutant)).await
}

async fn play_out(life: &Life, mutant: Option<Mutant>) -> Result<(), String> {
    let turnstile = &life.installation.turnstile;
    let mut had = Vec::new();
    {
        let counts: Vec<u64> = PEOPLE.iter().map(|_| turnstile.roll(3)).collect();
        let mut gate = turnstile.gate();
        gate.world.redshift.counts_nothing = mutant == Some(Mutant::CountsNothing);
        for (who, rows) in PEOPLE.iter().zip(counts) {
            (0..rows).for_each(|_| gate.world.redshift.rows.push((*who).to_owned()));
            had.push(rows > 0);
        }
    }
    let loaded = Rc::new(Cell::new(0));
    let regulations = cast(life, loaded.clone());
    let rows = |who: &str| turnstile.gate().world.redshift.rows.iter().filter(|row| *row == who).count();
    while !life.is_at_rest() {
        if turnstile.steps() == CALM {
            turnstile.calm_down();
        }
        if turnstile.steps() > END || !turnstile.step().await {
            return Err("it does not end".to_owned());
        }
        life.installation.begin_executions();
        for (who, regulation) in PEOPLE.iter().zip(&regulations) {
            if life.installation.status(&regulation.id) == Some(Status::Finished) && rows(who) > 0 {
                return Err(format!("sealed, and rows of {who} are left"));
            }
        }
    }
    if rows("bob") != loaded.get() {
        return Err("somebody else's rows are missing".to_owned());
    }
    let store = life.installation.look();
    for (regulation, had) in regulations.iter().zip(had) {
        for task in store.tasks(&regulation.id).await.map_err(|failure| failure.to_string())? {
            let expected = if had { TaskStatus::Confirmed } else { TaskStatus::NoDataFound };
            if task.status != expected {
                return Err(format!("{} is {:?}", regulation.id, task.status));
            }
        }
    }
    if let Some(fault) = certificates::fault(&life.installation).await {
        return Err(fault);
    }
    let gate = turnstile.gate();
    if let Some(item) = gate.world.tables.items(&table("runs")).next() {
        return Err(format!("{} is left", item["sk"]["S"]));
    }
    Ok(())
}

/// Everybody who acts. Returns the people's regulations.
fn cast(life: &Life, loaded: Rc<Cell<usize>>) -> Vec<Regulation> {
    let turnstile = &life.installation.turnstile;
    turnstile.spawn("schedule", life.clone().tick());
    life.acts(1 + PEOPLE.len() as i32);
    let here = life.clone();
    turnstile.spawn("loader", async move {
        for _ in 0..8 {
            here.installation.turnstile.wait(here.installation.turnstile.roll(200), "loads").await;
            here.installation.turnstile.gate().world.redshift.rows.push("bob".to_owned());
            loaded.set(loaded.get() + 1);
        }
        here.acts(-1);
    });
    let regulations: Vec<_> =
        PEOPLE.iter().map(|_| life.installation.regulation("DELETE_INTERNAL")).collect();
    for (who, regulation) in PEOPLE.into_iter().zip(&regulations) {
        let (here, regulation) = (life.clone(), regulation.clone());
        turnstile.spawn(format!("client of {who}"), async move {
            here.installation.turnstile.wait(here.installation.turnstile.roll(60), "thinks").await;
            here.ask(&regulation, who).await;
            here.acts(-1);
            here.clone().follow(regulation).await;
        });
    }
    regulations
}

#[test]
fn rows_are_gone_once_sealed_whoever_leads_and_whoever_dies() {
    if has_environment("rows::rows_are_gone_once_sealed_whoever_leads_and_whoever_dies") {
        play_all("rows", 20, |seed| play(seed, None));
    }
}

#[test]
fn a_seed_repeats_exactly() {
    if has_environment("rows::a_seed_repeats_exactly") {
        repeat(3, |seed| play(seed, None));
    }
}

#[test]
fn a_warehouse_that_counts_nothing_is_found_out() {
    if has_environment("rows::a_warehouse_that_counts_nothing_is_found_out") {
        find("CountsNothing", 100, |seed| play(seed, Some(Mutant::CountsNothing)));
    }
}
