//! What is promised of every engine about regulations whose rows are deleted together.

use std::time::{Duration, Instant};

use anyhow::Result;
use destinations::warehouse::Table;
use jiff::Timestamp;
use model::evidence::Step;
use model::group_commit::GroupMember;
use model::id::RegulationId;
use model::subject::Subject;
use serde_json::Value;
use warehouses::erasure::{Erasure, ErasureProgress, Next, Report};
use warehouses::{Engine, Ids};

use crate::suite::{Double, Holdings, fill, people};

/// A warehouse and what is in scope there.
struct Connected<E> {
    engine: E,
    tables: Vec<Table>,
}

impl<E: Engine> Connected<E> {
    fn erasure<'a>(&'a mut self, ids: &'a Ids<'a>, seed: &'a str) -> Erasure<'a, E> {
        Erasure { engine: &mut self.engine, tables: &self.tables, ids, seed }
    }

    /// Goes on with one regulation until it tells something; nothing, at the end.
    async fn next(&mut self, subjects: &[Subject], progress: &mut ErasureProgress) -> Result<Option<Report>> {
        let tables = self.tables.clone();
        let ids = Ids::new(subjects, &tables);
        loop {
            match self.erasure(&ids, "own").next(progress, soon(), Timestamp::now()).await? {
                Next::Tell(report) => return Ok(Some(report)),
                Next::Later(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                Next::Done => return Ok(None),
            }
        }
    }

    /// Deletes a group's rows.
    async fn delete(&mut self, subjects: &[Subject], work: &mut ErasureProgress) -> Result<()> {
        let tables = self.tables.clone();
        let ids = Ids::new(subjects, &tables);
        while self.erasure(&ids, "group").delete(work, soon()).await?.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(900)
}

/// As many identifiers as a group may have are deleted at once: those of two regulations, and many that nobody has. Each
/// regulation tells its own rows, and counts them to zero.
pub async fn a_full_group<D: Double>(double: &D) -> Result<()> {
    fill(double).await?;
    let mut engine = double.connect().await?;
    let tables = engine.discover().await?;
    let mut connected = Connected { engine, tables };
    let everyone = people((1..=5_000).chain(10_000..55_000));
    let own = [people(1..=2_000), people(2_001..=5_000)];
    let before = Holdings::take(double, &everyone).await?;
    let (mut group, mut progress, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for subjects in &own {
        let mut new = ErasureProgress::of(Value::Null, 1);
        found.push(connected.next(subjects, &mut new).await?.expect("it tells what it found").counts);
        let tables = new.pending().clone();
        group.push(GroupMember::new(RegulationId::new(), 1, Timestamp::now(), tables, subjects));
        progress.push(new);
    }
    progress[0].lead(&group, Timestamp::now());
    let lead = progress[0].leads().expect("it leads");
    connected.delete(&everyone, &mut lead.work).await?;
    let outcome = lead.outcome(2);
    for ((subjects, progress), mut found) in own.iter().zip(&mut progress).zip(found) {
        progress.settle(&outcome);
        let forget = connected.next(subjects, progress).await?.expect("it tells what is gone");
        found.retain(|_, rows| *rows > 0);
        assert_eq!((forget.step, forget.counts), (Step::Forget, found));
        assert_eq!(forget.looked_at["regulationsTogether"], 2);
        let verify = connected.next(subjects, progress).await?.expect("it tells what is left");
        assert_eq!((verify.step, verify.counts.values().sum::<u64>()), (Step::Verify, 0));
        assert!(connected.next(subjects, progress).await?.is_none(), "that is all");
    }
    let after = Holdings::take(double, &everyone).await?;
    assert_eq!(after.theirs.values().sum::<u64>(), 0, "{:?}", after.theirs);
    assert!(after.rest == before.rest, "everyone else's rows");
    Ok(())
}
