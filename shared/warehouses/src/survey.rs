//! Looks at a warehouse and changes nothing: whether it can be reached and which columns would be matched (`check`),
//! and how many rows would be deleted (`count`).

use std::collections::BTreeSet;
use std::time::Instant;

use serde::Serialize;

use crate::erasure::{Erasure, ErasureProgress};
use crate::{Engine, Ids, Inspection, Statement, Verb, kinds};
use destinations::warehouse::{Column, Table};
use model::failure::{Failure, Result};
use model::subject::{Subject, SubjectType};

/// What a survey of a warehouse found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// The tables in scope.
    pub tables: Vec<Found>,
    /// The kinds of identifier in their columns.
    pub kinds: BTreeSet<SubjectType>,
    /// The subjects' rows in all tables; set by `count` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Bytes that one count of all tables, or the deletion of what was counted, would be billed for; where bytes
    /// are billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_bytes: Option<u64>,
    /// Bytes that were billed for this look, where bytes are billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed_bytes: Option<u64>,
    /// Remarks on the tables for the operator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Survey {
    /// Whether every table in scope could be looked at.
    pub fn is_whole(&self) -> bool {
        self.tables.iter().all(|table| table.error.is_none())
    }

    /// A summary for people.
    pub fn message(&self) -> String {
        let tables = self.tables.len();
        let errors: Vec<_> = self
            .tables
            .iter()
            .filter_map(|found| Some(format!("{}: {}", found.table, found.error.as_ref()?)))
            .collect();
        match (self.rows, errors.is_empty()) {
            (_, false) => errors.join("; "),
            (Some(rows), true) => format!("{rows} rows in {tables} tables"),
            (None, true) => {
                let remarks: String = self.remarks.iter().map(|remark| format!("; {remark}")).collect();
                format!("{tables} tables with identifiers are in scope{remarks}")
            }
        }
    }
}

/// A table in scope.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The table's name, as `schema.table`.
    pub table: String,
    /// The columns that are matched, with the kind of identifier in each.
    pub columns: Vec<String>,
    /// The subjects' rows; set by `count` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Why its rows cannot be counted or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Found {
    fn new(table: &Table) -> Self {
        let column = |c: &Column| format!("{} ({}, {})", c.name, c.data_type, c.holds.as_str());
        Self {
            table: table.place(),
            columns: table.columns.iter().map(column).collect(),
            rows: None,
            error: None,
        }
    }
}

/// Connects, lists the tables in scope and the columns that would be matched, and what a count would cost. An
/// id that nobody has proves that each statement would be accepted, where that costs nothing.
///
/// # Errors
/// `Transient`, if the warehouse cannot be reached; `Permanent`, if it refuses the role or a statement.
pub async fn check<E: Engine>(engine: &mut E, subjects: &[Subject]) -> Result<Survey> {
    let tables = engine.discover().await?;
    let Inspection { remarks, mut refusals } = engine.inspect(&tables).await?;
    if tables.is_empty() {
        let nobody = "no base table in scope has a column that identifies people: correct the destination's schemas or name columns";
        let remarks: String = remarks.iter().map(|remark| format!("; {remark}")).collect();
        return Err(Failure::permanent(format!("{nobody}{remarks}")));
    }
    let (mut estimated_bytes, ids) = (None, &Ids::new(subjects, &tables));
    for tables in tables.chunks(E::TABLES_PER_COUNT) {
        let statement = Statement { verb: Verb::Count, tables, ids, seed: "check" };
        if let Some(bytes) = engine.estimate(&statement).await? {
            *estimated_bytes.get_or_insert(0) += bytes;
        }
    }
    let found = |table: &Table| Found { error: refusals.remove(&table.place()), ..Found::new(table) };
    let kinds = kinds(&tables);
    let tables = tables.iter().map(found).collect();
    Ok(Survey { tables, kinds, estimated_bytes, remarks, ..Survey::default() })
}

/// Counts the subjects' rows per table, and what their deletion would cost.
///
/// # Errors
/// `Transient`, if the warehouse cannot be reached or the count is not done by `until`; `Permanent`, if it refuses the
/// role.
pub async fn count<E: Engine>(
    engine: &mut E,
    subjects: &[Subject],
    seed: &str,
    until: Instant,
) -> Result<Survey> {
    let tables = engine.discover().await?;
    let ids = &Ids::new(subjects, &tables);
    let mut progress = ErasureProgress::default();
    let mut erasure = Erasure { engine, tables: &tables, ids, seed };
    while erasure.count(&mut progress, until).await?.is_some() {
        if Instant::now() >= until {
            return Err(Failure::transient("counting takes longer than a call may last"));
        }
    }
    let rows = Some(progress.counts().values().sum());
    let mut survey = Survey { rows, kinds: kinds(&tables), ..Survey::default() };
    for table in tables.iter() {
        let place = table.place();
        let rows = progress.counts().get(&place).copied();
        let error = progress.refused().get(&place).cloned();
        if rows.is_some_and(|rows| rows > 0) {
            let statement = Statement { verb: Verb::Delete, tables: std::slice::from_ref(table), ids, seed };
            if let Some(bytes) = engine.estimate(&statement).await? {
                *survey.estimated_bytes.get_or_insert(0) += bytes;
            }
        }
        survey.tables.push(Found { rows, error, ..Found::new(table) });
    }
    survey.billed_bytes = (progress.bytes() > 0).then_some(progress.bytes());
    survey.remarks = engine.inspect(&tables).await?.remarks;
    Ok(survey)
}
