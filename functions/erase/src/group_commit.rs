//! A regulation's turn among those that wait at the same warehouse: the leader deletes the rows of its whole group.
//!
//! 1. A regulation takes the lease, if it is free; otherwise it follows and comes back later.
//! 2. The leader chooses its group from the list and stores it with its task, before any statement begins.
//! 3. It deletes the rows of the whole group, and notes for each member, itself included, in which tables it did.
//! 4. A regulation that finds such a note deletes alone what is left. A table that refuses one regulation's rows thus
//!    never fails another.

use std::collections::BTreeSet;
use std::time::Instant;

use app::task_step::{self, Request};
use destinations::warehouse::Table;
use futures::{StreamExt, TryStreamExt, stream};
use lambda::clock;
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

/// What a regulation with rows to delete does next.
pub enum Turn {
    /// It deletes the rows of its group.
    Leads,
    /// Another one leads: it comes back after this many seconds.
    Follows(u32),
    /// It deletes alone what is left, if anything.
    Alone,
}

/// Whether the deletion may be shared: a source's part of a warehouse is another scope than the whole.
fn shares(task: &Task, progress: &ErasureProgress) -> bool {
    task.part.is_none() && progress.may_share()
}

/// One regulation at one warehouse.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    pub store: &'a Store,
    pub request: &'a Request,
}

impl Group<'_> {
    /// The seconds until the next look, as long as another regulation leads. The warehouse is not asked: even that may
    /// be billed.
    pub async fn follows(self, task: &Task, progress: &mut ErasureProgress) -> Result<Option<u32>> {
        let Request { regulation_id: id, destination_id: destination, .. } = self.request;
        if !shares(task, progress) {
            return Ok(None);
        }
        let leader = self.store.leader(destination, clock::now()).await?;
        if leader.is_none_or(|leader| leader == *id) {
            return Ok(None);
        }
        let entry = self.store.enlisted(destination, id).await?;
        Ok(entry.filter(|entry| entry.outcome.is_none()).map(|_| progress.wait()))
    }

    /// Whether this regulation leads, follows or goes on alone. Asked once it is connected: none follows a leader that
    /// cannot reach the warehouse.
    pub async fn turn(
        self,
        task: &mut Task,
        progress: &mut ErasureProgress,
        subjects: &[Subject],
    ) -> Result<Turn> {
        if !shares(task, progress) {
            return Ok(Turn::Alone);
        }
        let (store, now) = (self.store, clock::now());
        let Request { regulation_id: id, attempt, destination_id: destination } = self.request;
        // A leader notes what it did before it releases the lease: read after the lease was taken, the note is there.
        let leads = store.take_lease(destination, id, now).await?;
        let entry = store.enlisted(destination, id).await?.filter(|entry| entry.attempt >= *attempt);
        if let Some(outcome) = entry.as_ref().and_then(|entry| entry.outcome.as_ref()) {
            progress.settle(outcome);
            store.release_lease(destination, id).await?;
            return Ok(Turn::Alone);
        }
        if entry.is_none() {
            let member = GroupMember::new(id.clone(), *attempt, now, progress.pending().clone(), subjects);
            store.enlist(destination, &member).await?;
        }
        if !leads {
            return Ok(Turn::Follows(progress.wait()));
        }
        if progress.leads().is_none() {
            let group = choose(id, store.all_enlisted(destination).await?);
            progress.lead(&group, now);
            task.progress = serde_json::to_value(&*progress).unwrap_or_default();
            task_step::keep(store, id, task).await?;
        }
        Ok(Turn::Leads)
    }

    /// Continues the deletion of the group's rows. Returns the seconds to wait before it continues, or none at the end.
    pub async fn lead<E: Engine>(
        self,
        progress: &mut ErasureProgress,
        engine: &mut E,
        tables: &[Table],
        until: Instant,
    ) -> Result<Option<u32>> {
        let Some(leadership) = progress.leads() else { return Ok(None) };
        let (members, destination) = (leadership.members.clone(), &self.request.destination_id);
        let subjects = self.subjects(&members).await?;
        let everyone: BTreeSet<&Subject> = subjects.iter().flatten().collect();
        let everyone: Vec<Subject> = everyone.into_iter().cloned().collect();
        let names: Vec<_> = members.iter().map(|(id, attempt)| format!("{id}/{attempt}")).collect();
        // Another group has other statements.
        let seed = format!("{destination}/{}", names.join("/"));
        let mut erasure = Erasure { engine, tables, ids: &Ids::new(&everyone, tables), seed: &seed };
        match erasure.delete(&mut leadership.work, until).await {
            Ok(None) => {}
            Ok(Some(seconds)) => return Ok(Some(seconds)),
            Err(trouble) if leadership.bears(&trouble, clock::now()) => return Err(trouble),
            Err(trouble) => {
                tracing::info!(%destination, group = members.len(), %trouble, "each goes on alone")
            }
        }
        let together = subjects.iter().filter(|subjects| !subjects.is_empty()).count();
        let outcome = leadership.outcome(together as u64);
        tracing::info!(%destination, group = members.len(), tables = outcome.tables.len(), "deleted together");
        for ((id, attempt), subjects) in members.iter().zip(&subjects) {
            // Nothing was done for a regulation that has no subjects left.
            let nothing = GroupOutcome::default();
            let outcome = if subjects.is_empty() { &nothing } else { &outcome };
            self.store.note_outcome(destination, (id, *attempt), outcome).await?;
        }
        Ok(None)
    }

    /// The subjects of each member; none, where they were dropped.
    async fn subjects(self, members: &[(RegulationId, u32)]) -> Result<Vec<Vec<Subject>>> {
        stream::iter(members).map(|(id, _)| self.store.everyone(id)).buffered(READS).try_collect().await
    }
}
