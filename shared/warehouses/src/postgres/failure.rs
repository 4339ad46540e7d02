//! Postgres's errors, said without their messages, which may quote values: the SQLSTATE tells enough
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::StatementState;
use model::failure::{Failure, Result};

/// What a table says that is published for logical replication and has nothing to name a deleted row by.
pub(super) const UNIDENTIFIED: &str = "the table is published for replication without a replica identity, so Postgres \
    refuses to delete from it (SQLSTATE 55000): give it a primary key, or set REPLICA IDENTITY FULL; then retry";
/// What a server says that takes no changes.
pub(super) const READ_ONLY_SERVER: &str = "Postgres takes no changes here (SQLSTATE 25006): name the primary as \
    settings.host, not a read replica, and let the role write; then retry";

/// A statement's failure.
pub(super) struct Trouble {
    failure: Failure,
    /// Whether it concerns only this statement.
    alone: bool,
}

impl Trouble {
    pub(super) fn turn(self) -> Result<StatementState> {
        if self.alone { Ok(StatementState::Refused(self.failure)) } else { Err(self.failure) }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        trouble(&error)
    }
}

/// A failure of the connection or of a catalogue query.
pub(super) fn failure(error: &Error) -> Failure {
    trouble(error).failure
}

pub(super) fn trouble(error: &Error) -> Trouble {
    let all = |failure| Trouble { failure, alone: false };
    let one = |failure| Trouble { failure, alone: true };
    let Some(state) = error.code() else {
        return all(Failure::transient("Postgres cannot be reached or broke off"));
    };
    let code = state.code();
    if *state == SqlState::QUERY_CANCELED {
        return one(Failure::transient(format!(
            "a statement took longer than five minutes (SQLSTATE {code})"
        )));
    }
    if *state == SqlState::LOCK_NOT_AVAILABLE {
        return one(Failure::transient(format!("the table is locked (SQLSTATE {code})")));
    }
    if *state == SqlState::UNDEFINED_TABLE || *state == SqlState::UNDEFINED_COLUMN {
        return one(Failure::transient(format!("the table was just changed (SQLSTATE {code})")));
    }
    if *state == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE {
        return one(Failure::permanent(UNIDENTIFIED));
    }
    if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        return all(Failure::permanent(READ_ONLY_SERVER));
    }
    match &code[..2] {
        "40" => one(Failure::transient(format!("another transaction was in the way (SQLSTATE {code})"))),
        // Connection exceptions, insufficient resources, operator intervention.
        "08" | "53" | "57" => all(Failure::transient(format!("Postgres is not ready (SQLSTATE {code})"))),
        "28" => all(Failure::permanent(format!(
            "Postgres refused the role or its password (SQLSTATE {code}): correct the destination and retry"
        ))),
        "3D" => all(Failure::permanent(format!(
            "Postgres has no such database (SQLSTATE {code}): correct the destination and retry"
        ))),
        "42" => one(Failure::permanent(format!(
            "Postgres refused the statement (SQLSTATE {code}): grant the role USAGE on the schema, SELECT and \
             DELETE on the table, and BYPASSRLS where it has row-level security; then retry"
        ))),
        "23" => one(Failure::permanent(forbidden(code, error.as_db_error()))),
        _ => one(Failure::permanent(format!("Postgres answered SQLSTATE {code}"))),
    }
}

/// Names are not values: the message gives the referring table and its constraint.
fn forbidden(code: &str, error: Option<&DbError>) -> String {
    let part = |part: Option<&str>| part.unwrap_or("?").to_owned();
    let (schema, table) = (part(error.and_then(DbError::schema)), part(error.and_then(DbError::table)));
    let constraint = part(error.and_then(DbError::constraint));
    format!(
        "the constraint {constraint} of {schema}.{table} forbids the deletion (SQLSTATE {code}): nothing is \
         cascaded; remove those rows, or name their column in settings.columns, and retry"
    )
}
