//! People in all three places, and what must hold once the three are forgotten.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::api::destinations;
use crate::archive::Archive;
use crate::census::Census;
use crate::people::{THREE, everyone};
use crate::warehouse::{self, Holdings};
use crate::world::World;

/// What stood where before anybody was forgotten.
pub struct Scenario {
    people: Vec<String>,
    lines: Census,
    rows: Holdings,
}

impl Scenario {
    /// Fills archive, warehouse and Braze.
    ///
    /// # Errors
    /// When one of them does not take it, or one of the three would not be in it.
    pub async fn set(world: &World) -> Result<Self> {
        Self::with_events(world, 400).await
    }

    /// The same, with so many events in each of the archive's eight objects.
    ///
    /// # Errors
    /// When one of them does not take it, or one of the three would not be in it.
    pub async fn with_events(world: &World, events: usize) -> Result<Self> {
        let people = everyone(200);
        let sources = &["web", "ios"];
        let archive = Archive { sources, days: 2, files: 2, events, people: people.clone(), seed: 1 };
        archive.upload(&world.s3, &world.bucket).await?;
        warehouse::fill(&world.warehouse, &people, 500).await?;
        world.braze.world().users.extend(people.clone());
        let lines = Census::take(&world.s3, &world.bucket, &THREE).await?;
        let rows = Holdings::take(&world.warehouse, &THREE).await?;
        ensure!(lines.of.values().all(|lines| *lines > 0), "one of the three has no line: {:?}", lines.of);
        ensure!(rows.total() > 0, "the three have no rows");
        Ok(Self { people, lines, rows })
    }

    /// How many lines the three had, in all versions.
    pub fn lines_of_the_three(&self) -> u64 {
        self.lines.theirs()
    }

    /// How many rows the three had.
    pub fn rows_of_the_three(&self) -> i64 {
        self.rows.total()
    }

    /// The three are nowhere, and nobody else notices.
    ///
    /// # Panics
    /// If not.
    ///
    /// # Errors
    /// When a place cannot be read.
    pub async fn assert_forgotten(&self, world: &World) -> Result<()> {
        self.assert_archive_clean(world).await?;
        self.assert_warehouse_clean(world).await?;
        let braze = world.braze.world();
        assert_eq!(braze.users.len(), self.people.len() - THREE.len(), "only the three left Braze");
        assert!(THREE.iter().all(|id| !braze.users.contains(*id)), "the three left Braze");
        Ok(())
    }

    /// The archive holds nothing of the three, and everyone else's lines byte for byte.
    ///
    /// # Panics
    /// If not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn assert_archive_clean(&self, world: &World) -> Result<()> {
        let left = Census::take(&world.s3, &world.bucket, &THREE).await?;
        assert_eq!(left.theirs(), 0, "lines of the three, in all versions: {:?}", left.of);
        assert_eq!(left.rest, self.lines.rest, "everyone else's lines, byte for byte");
        Ok(())
    }

    /// The warehouse holds nothing of the three, and everyone else's rows.
    ///
    /// # Panics
    /// If not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn assert_warehouse_clean(&self, world: &World) -> Result<()> {
        let left = Holdings::take(&world.warehouse, &THREE).await?;
        assert_eq!(left.total(), 0, "rows of the three: {:?}", left.theirs);
        assert_eq!(left.rest, self.rows.rest, "everyone else's rows");
        Ok(())
    }
}

/// Asks to forget the three, waits, and answers the regulation as it ended.
///
/// # Errors
/// When it does not end.
pub async fn forget_the_three(world: &World) -> Result<Value> {
    let id = world.stack.api.erase(&THREE).await?;
    world.stack.api.wait(&id, |_| ()).await
}

/// Retries a regulation, waits, and answers it as it ended.
///
/// # Errors
/// When it does not end.
pub async fn retry(world: &World, regulation: &Value) -> Result<Value> {
    let id = regulation["id"].as_str().context("a regulation has an id")?;
    world.stack.api.post(&format!("/regulations/{id}/retry"), &Value::Null).await?;
    world.stack.api.wait(id, |_| ()).await
}

/// The status and the message of a destination's task.
pub fn task(regulation: &Value, name: &str) -> (String, String) {
    let task = destinations(regulation).into_iter().find(|task| task["name"] == name).unwrap_or_default();
    let text = |field: &str| task[field].as_str().unwrap_or_default().to_owned();
    (text("taskStatus"), text("errString"))
}
