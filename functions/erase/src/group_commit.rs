//! A regulation's turn among those that wait at the same warehouse: who gets the lead deletes the rows of all.
//!
//! 1. The lead is taken, if it is free. Whoever does not get it comes back later.
//! 2. The leader chooses its crew from the list and keeps it with its task, before any statement begins.
//! 3. It deletes the rows of the whole crew, and notes with each, itself included, in which tables that was done.
//! 4. Whoever finds such a note with its own entry goes on alone with what is left. What a table has against one
//!    regulation's rows thus fails that regulation only.

use std::collections::BTreeSet;
use std::time::Instant;

use app::task_step::Request;
use destinations::warehouse::Table;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use model::failure::Result;
use model::group_commit::{GroupMember, GroupOutcome, choose};
use model::id::RegulationId;
use model::subject::Subject;
use model::task::Task;
use store::Store;
use warehouses::erasure::{Erasure, ErasureProgress};
use warehouses::{Engine, Ids};

/// How many regulations' subjects are read at once.
const READS: usize = 16;

/// What a regulation that has rows to be deleted does next.
pub enum Turn {
    /// It deletes the rows of its crew.
    Leads,
    /// Another one leads: it comes back after so many seconds.
    Waits(u32),
    /// It goes on alone, if anything is left.
    Alone,
}

/// A source's own part of a warehouse is another scope than the whole.
fn shares(task: &Task, progress: &ErasureProgress) -> bool {
    task.part.is_none() && progress.may_share()
}

/// One regulation at one warehouse.
#[derive(Clone, Copy)]
pub struct Company<'a> {
    pub store: &'a Store,
    pub request: &'a Request,
}

impl Company<'_> {
    /// In how many seconds to look again, as long as another one leads. Asks the warehouse nothing, since even a look
    /// may be billed there.
    pub async fn waits(self, task: &Task, progress: &mut ErasureProgress) -> Result<Option<u32>> {
        let Request { regulation_id: id, destination_id: destination, .. } = self.request;
        if !shares(task, progress) {
            return Ok(None);
        }
        let leader = self.store.leader(destination, Timestamp::now()).await?;
        if leader.is_none_or(|leader| leader == *id) {
            return Ok(None);
        }
        let entry = self.store.enlisted(destination, id).await?;
        Ok(entry.filter(|entry| entry.outcome.is_none()).map(|_| progress.wait()))
    }

    /// Whose turn it is. For who is connected: nobody waits for a leader who cannot even reach the warehouse.
    pub async fn turn(
        self,
        task: &mut Task,
        progress: &mut ErasureProgress,
        subjects: &[Subject],
    ) -> Result<Turn> {
        if !shares(task, progress) {
            return Ok(Turn::Alone);
        }
        let (store, now) = (self.store, Timestamp::now());
        let Request { regulation_id: id, attempt, destination_id: destination } = self.request;
        // Whoever leads notes what it did before it gives the lead back: read after it was taken, the note is there.
        let leads = store.take_lead(destination, id, now).await?;
        let entry = store.enlisted(destination, id).await?.filter(|entry| entry.attempt >= *attempt);
        if let Some(outcome) = entry.as_ref().and_then(|entry| entry.outcome.as_ref()) {
            progress.settle(outcome);
            store.give_lead_back(destination, id).await?;
            return Ok(Turn::Alone);
        }
        if entry.is_none() {
            let member = GroupMember::new(id.clone(), *attempt, now, progress.pending().clone(), subjects);
            store.enlist(destination, &member).await?;
        }
        if !leads {
            return Ok(Turn::Waits(progress.wait()));
        }
        if progress.leads().is_none() {
            let crew = choose(id, store.all_enlisted(destination).await?);
            progress.lead(&crew, now);
            task.progress = serde_json::to_value(&*progress).unwrap_or_default();
            store.save_task(id, task).await?;
        }
        Ok(Turn::Leads)
    }

    /// Goes on with the deletion of the crew's rows. Answers in how many seconds to go on, or nothing at the end.
    pub async fn lead<E: Engine>(
        self,
        progress: &mut ErasureProgress,
        engine: &mut E,
        tables: &[Table],
        until: Instant,
    ) -> Result<Option<u32>> {
        let Some(lead) = progress.leads() else { return Ok(None) };
        let (crew, destination) = (lead.crew.clone(), &self.request.destination_id);
        let subjects = self.subjects(&crew).await?;
        let everyone: BTreeSet<&Subject> = subjects.iter().flatten().collect();
        let everyone: Vec<Subject> = everyone.into_iter().cloned().collect();
        let names: Vec<_> = crew.iter().map(|(id, attempt)| format!("{id}/{attempt}")).collect();
        // Another crew has other statements.
        let seed = format!("{destination}/{}", names.join("/"));
        let mut erasure = Erasure { engine, tables, ids: &Ids::new(&everyone), seed: &seed };
        match erasure.delete(&mut lead.work, until).await {
            Ok(None) => {}
            Ok(Some(seconds)) => return Ok(Some(seconds)),
            Err(trouble) if lead.bears(&trouble, Timestamp::now()) => return Err(trouble),
            Err(trouble) => tracing::info!(%destination, crew = crew.len(), %trouble, "each goes on alone"),
        }
        let together = subjects.iter().filter(|subjects| !subjects.is_empty()).count();
        let outcome = lead.outcome(together as u64);
        tracing::info!(%destination, crew = crew.len(), tables = outcome.tables.len(), "deleted together");
        for ((id, attempt), subjects) in crew.iter().zip(&subjects) {
            // Nothing was done for whom nobody was left.
            let nothing = GroupOutcome::default();
            let outcome = if subjects.is_empty() { &nothing } else { &outcome };
            self.store.note_outcome(destination, (id, *attempt), outcome).await?;
        }
        Ok(None)
    }

    /// Those of each regulation of a crew; nobody, where they were dropped.
    async fn subjects(self, crew: &[(RegulationId, u32)]) -> Result<Vec<Vec<Subject>>> {
        stream::iter(crew).map(|(id, _)| self.store.everyone(id)).buffered(READS).try_collect().await
    }

    /// The task has ended, well or not: others need not wait for it.
    pub async fn leave(self) -> Result<()> {
        let Request { regulation_id: id, destination_id: destination, .. } = self.request;
        self.store.strike(destination, id).await?;
        self.store.give_lead_back(destination, id).await
    }
}
