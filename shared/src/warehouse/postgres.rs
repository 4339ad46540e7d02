//! Postgres, through its own protocol.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Column, PostgresSettings, Tls, ids_of};
use crate::failure::{Failure, Result};
use crate::subject::Subject;

/// How many rows one statement deletes at most: locks stay short on big tables.
const BATCH: i64 = 10_000;

/// Rows by table, as `schema.table`.
pub type Rows = BTreeMap<String, u64>;

/// A connection to one Postgres destination.
pub struct Postgres {
    client: Client,
    columns: Vec<Column>,
}

impl Postgres {
    /// Connects and finds the identifier columns in scope.
    ///
    /// # Errors
    /// `Transient`, if the server is away; `Permanent`, if it refuses the role, the database or a schema.
    pub async fn connect(settings: &PostgresSettings, password: &str) -> Result<Self> {
        let mut config = Config::new();
        config
            .host(&settings.host)
            .port(settings.port)
            .dbname(&settings.database)
            .user(&settings.user)
            .password(password)
            .application_name("lethe")
            .connect_timeout(Duration::from_secs(10))
            .options("-c statement_timeout=300000 -c lock_timeout=30000");
        let client = match settings.tls {
            Tls::Disable => drive(config.connect(NoTls).await),
            Tls::Require => drive(config.connect(tls(settings)?).await),
        }?;
        let columns = columns(&client, &settings.schemas).await?;
        Ok(Self { client, columns })
    }

    /// Counts the subjects' rows per table; tables without any are listed with 0.
    ///
    /// # Errors
    /// As the database says.
    pub async fn find(&self, subjects: &[Subject]) -> Result<Rows> {
        let mut rows = Rows::new();
        for table in self.tables(subjects) {
            let sql = format!("SELECT count(*) FROM {} WHERE {}", table.sql, table.condition);
            let row = self.client.query_one(&sql, &table.parameters()).await.map_err(|e| failure(&e))?;
            rows.insert(table.name, row.get::<_, i64>(0).unsigned_abs());
        }
        Ok(rows)
    }

    /// Deletes the subjects' rows, a batch a statement, and answers how many went per table and whether it got
    /// to the end before `until`.
    ///
    /// # Errors
    /// As the database says; what was deleted stays deleted.
    pub async fn forget(&self, subjects: &[Subject], until: Instant) -> Result<(Rows, bool)> {
        let mut rows = Rows::new();
        for table in self.tables(subjects) {
            let Table { sql: name, condition, .. } = &table;
            let sql = format!(
                "DELETE FROM {name} WHERE (tableoid, ctid) IN \
                 (SELECT tableoid, ctid FROM {name} WHERE {condition} LIMIT {BATCH})"
            );
            loop {
                if Instant::now() >= until {
                    return Ok((rows, false));
                }
                let gone = self.client.execute(&sql, &table.parameters()).await.map_err(|e| failure(&e))?;
                *rows.entry(table.name.clone()).or_default() += gone;
                if gone < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        Ok((rows, true))
    }

    /// The tables in scope with what finds the subjects' rows in them. All columns of a table are looked at in
    /// one statement, so that a row is counted once.
    fn tables<'a>(&self, subjects: &'a [Subject]) -> Vec<Table<'a>> {
        let mut tables: Vec<Table<'a>> = Vec::new();
        for column in &self.columns {
            let Some(kind) = column.holds() else { continue };
            let ids = ids_of(subjects, kind);
            if ids.is_empty() {
                continue;
            }
            if tables.last().is_none_or(|table| table.name != column.place()) {
                tables.push(Table::of(column));
            }
            if let Some(table) = tables.last_mut() {
                table.add(column, ids);
            }
        }
        tables
    }
}

/// A table in scope: its name in evidence and in SQL, and the condition that finds the subjects' rows.
struct Table<'a> {
    name: String,
    sql: String,
    condition: String,
    ids: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    fn of(column: &Column) -> Self {
        let sql = format!("{}.{}", quote(&column.schema), quote(&column.table));
        Self { name: column.place(), sql, condition: String::new(), ids: Vec::new() }
    }

    /// Text is compared as it is, so that an index serves; any other type by its text.
    fn add(&mut self, column: &Column, ids: Vec<&'a str>) {
        let known = self.ids.iter().position(|known| *known == ids);
        let parameter = known.unwrap_or(self.ids.len()) + 1;
        if known.is_none() {
            self.ids.push(ids);
        }
        let cast = match column.data_type.as_str() {
            "text" | "character varying" => "",
            _ => "::text",
        };
        let or = if self.condition.is_empty() { "" } else { " OR " };
        let _ = write!(self.condition, "{or}{}{cast} = ANY(${parameter}::text[])", quote(&column.name));
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.ids.iter().map(|ids| ids as &(dyn ToSql + Sync)).collect()
    }
}

/// Base and partitioned tables only: rows are never deleted through a view, and partitions go with their parent.
const COLUMNS: &str = "
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL)
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY 1, 2, 3";

async fn columns(client: &Client, schemas: &[String]) -> Result<Vec<Column>> {
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY($1)";
    let known: Vec<String> =
        client.query(sql, &[&schemas]).await.map_err(|e| failure(&e))?.iter().map(|row| row.get(0)).collect();
    if let Some(missing) = schemas.iter().find(|schema| !known.contains(schema)) {
        return Err(Failure::permanent(format!("Postgres has no schema {missing}: correct the destination")));
    }
    let rows = client.query(COLUMNS, &[&schemas]).await.map_err(|e| failure(&e))?;
    let columns = rows.iter().map(|row| Column {
        schema: row.get::<_, String>(0),
        table: row.get(1),
        name: row.get(2),
        data_type: row.get(3),
    });
    Ok(columns.filter(|column| column.holds().is_some()).collect())
}

/// Quotes a name for SQL.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Lets the connection run in the background for as long as its client lives.
fn drive<S, T>(connected: Result<(Client, tokio_postgres::Connection<S, T>), Error>) -> Result<Client>
where
    tokio_postgres::Connection<S, T>: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (client, connection) = connected.map_err(|e| failure(&e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = %failure(&error), "the connection to Postgres ended");
        }
    });
    Ok(client)
}

fn tls(settings: &PostgresSettings) -> Result<MakeRustlsConnect> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = &settings.ca_certificate {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            certificate
                .ok()
                .and_then(|certificate| roots.add(certificate).ok())
                .ok_or_else(|| Failure::permanent("settings.caCertificate is not a PEM certificate"))?;
        }
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Says a Postgres error without its message, which may quote values: the SQLSTATE tells enough.
fn failure(error: &Error) -> Failure {
    let Some(state) = error.code() else {
        return Failure::transient("Postgres cannot be reached or broke off");
    };
    let code = state.code();
    match &code[..2] {
        // Connection exceptions, insufficient resources, operator intervention, rollback (deadlock and such).
        "08" | "53" | "57" | "40" => Failure::transient(format!("Postgres is not ready (SQLSTATE {code})")),
        _ if *state == SqlState::LOCK_NOT_AVAILABLE => {
            Failure::transient(format!("a table in Postgres is locked (SQLSTATE {code})"))
        }
        "28" => Failure::permanent(format!(
            "Postgres refused the role or its password (SQLSTATE {code}): correct the destination and retry"
        )),
        "42" => Failure::permanent(format!(
            "Postgres refused the statement (SQLSTATE {code}): grant the role SELECT and DELETE and retry"
        )),
        "23" => Failure::permanent(format!(
            "a foreign key forbids the deletion (SQLSTATE {code}): nothing is cascaded; remove the reference"
        )),
        _ => Failure::permanent(format!("Postgres answered SQLSTATE {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(quote(r#"We"ird"#), r#""We""ird""#);
        assert_eq!(quote("select"), r#""select""#);
    }
}
