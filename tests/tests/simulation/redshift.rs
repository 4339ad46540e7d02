//! Redshift's Data API in memory: one table of rows, each somebody's. A statement runs when it is sent, whatever becomes of
//! its sender; one with a token that is known already is the same one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::Reply;

#[derive(Default)]
pub struct Redshift {
    /// A Redshift that breaks its promise.
    pub counts_nothing: bool,
    /// Whose each row is.
    pub rows: Vec<String>,
    /// The identifiers of each session.
    sessions: BTreeMap<String, Vec<String>>,
    /// The result of each statement: rows of text, and how many rows it concerned.
    statements: BTreeMap<String, (Vec<Vec<Value>>, usize)>,
    tokens: BTreeMap<String, String>,
    number: u64,
}

impl Redshift {
    pub fn answer(&mut self, operation: &str, body: &Value) -> Reply {
        let id = body["Id"].as_str().unwrap_or_default();
        match operation {
            "ExecuteStatement" => {
                let token = body["ClientToken"].as_str().map(str::to_owned);
                if let Some(known) = token.as_ref().and_then(|token| self.tokens.get(token)) {
                    return Reply::json(200, &json!({ "Id": known, "SessionId": body["SessionId"] }));
                }
                self.number += 1;
                let id = format!("statement-{}", self.number);
                let session =
                    body["SessionId"].as_str().map_or(format!("session-{}", self.number), str::to_owned);
                let result = self.run(body["Sql"].as_str().expect("SQL"), &session, body);
                self.statements.insert(id.clone(), result);
                self.tokens.extend(token.map(|token| (token, id.clone())));
                Reply::json(200, &json!({ "Id": id, "SessionId": session }))
            }
            "DescribeStatement" => {
                let (rows, concerned) = &self.statements[id];
                let has = !rows.is_empty();
                Reply::json(
                    200,
                    &json!({ "Id": id, "Status": "FINISHED", "ResultRows": concerned, "HasResultSet": has }),
                )
            }
            "GetStatementResult" => Reply::json(200, &json!({ "Records": self.statements[id].0 })),
            _ => panic!("the simulated Redshift does not know {operation}"),
        }
    }

    fn run(&mut self, sql: &str, session: &str, body: &Value) -> (Vec<Vec<Value>>, usize) {
        let text = |text: &str| json!({ "stringValue": text });
        let ids = self.sessions.entry(session.to_owned()).or_default();
        let of = |ids: &[String], rows: &[String]| rows.iter().filter(|row| ids.contains(row)).count();
        if sql.starts_with("SELECT DISTINCT table_schema") {
            (vec![vec![text("web")]], 1)
        } else if sql.starts_with("SELECT c.table_schema") {
            (vec![["web", "tracks", "user_id", "character varying"].map(text).to_vec()], 1)
        } else if sql.starts_with("CREATE TEMP TABLE") {
            (Vec::new(), 0)
        } else if sql.starts_with("INSERT INTO lethe_") {
            let given = body["Parameters"][0]["value"].as_str().expect("identifiers");
            ids.extend(serde_json::from_str::<Vec<String>>(given).expect("JSON"));
            (Vec::new(), 0)
        } else if sql.starts_with("SELECT 0 AS t, COUNT(*)") {
            let count = if self.counts_nothing { 0 } else { of(ids, &self.rows) };
            (vec![vec![json!({ "longValue": 0 }), json!({ "longValue": count })]], 1)
        } else if sql.starts_with("DELETE FROM \"web\".\"tracks\"") {
            let count = of(ids, &self.rows);
            self.rows.retain(|row| !ids.contains(row));
            (Vec::new(), count)
        } else {
            panic!("the simulated Redshift does not know {sql}")
        }
    }
}
