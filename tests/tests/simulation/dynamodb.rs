//! A DynamoDB in memory: the operations that the store uses, on tables whose keys are `pk` and `sk`. Every call is carried
//! out at once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::expression::{Item, holds, updated};
use crate::http::Reply;

/// The attribute by which an index sorts.
const INDEXES: [(&str, &str); 4] = [
    ("byDate", "createdAt"),
    ("underWay", "waitsSince"),
    ("byDeadline", "dueBy"),
    ("byScope", "suppressedAt"),
];

/// Why a call is refused.
pub struct Refusal {
    pub code: &'static str,
    pub more: Value,
}

#[derive(Default, Clone)]
pub struct DynamoDb {
    /// A DynamoDB that breaks its promise: every condition holds.
    pub ignores_conditions: bool,
    tables: BTreeMap<String, BTreeMap<(String, String), Item>>,
}

fn key(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().expect("a key is a text").to_owned();
    (text("pk"), text("sk"))
}

/// A write of one item: whether its condition holds, and what it leaves.
struct Written {
    key: (String, String),
    table: String,
    before: Option<Item>,
    after: Option<Item>,
    held: bool,
}

impl DynamoDb {
    pub fn call(&mut self, operation: &str, request: &Value) -> Reply {
        match self.answer(operation, request) {
            Ok(answer) => Reply::json(200, &answer),
            Err(Refusal { code, more }) => {
                let mut body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}") });
                body["message"] = json!("simulated");
                body.as_object_mut()
                    .expect("an object")
                    .extend(more.as_object().cloned().unwrap_or_default());
                Reply::json(400, &body)
            }
        }
    }

    /// An item, as the tests look at it.
    pub fn item(&self, table: &str, pk: &str, sk: &str) -> Option<&Item> {
        self.tables.get(table)?.get(&(pk.to_owned(), sk.to_owned()))
    }

    /// All items of a table.
    pub fn items(&self, table: &str) -> impl Iterator<Item = &Item> {
        self.tables.get(table).into_iter().flat_map(BTreeMap::values)
    }

    pub fn answer(&mut self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        match operation {
            "GetItem" => {
                let found = self.found(request["TableName"].as_str().expect("a table"), &request["Key"]);
                Ok(found.map_or(json!({}), |item| json!({ "Item": item })))
            }
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                let write = self.prepared(operation, request);
                if !write.held {
                    let old = request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
                    let more = write.before.filter(|_| old).map_or(json!({}), |item| json!({ "Item": item }));
                    return Err(Refusal { code: "ConditionalCheckFailedException", more });
                }
                let answer = returned(request, &write);
                self.write(write);
                Ok(answer)
            }
            "TransactWriteItems" => self.transact(request),
            "BatchGetItem" => {
                let mut responses = json!({});
                for (table, wanted) in request["RequestItems"].as_object().expect("tables") {
                    let keys = wanted["Keys"].as_array().expect("keys");
                    let found: Vec<_> = keys.iter().filter_map(|key| self.found(table, key)).collect();
                    responses[table] = json!(found);
                }
                Ok(json!({ "Responses": responses, "UnprocessedKeys": {} }))
            }
            "BatchWriteItem" => {
                for (table, writes) in request["RequestItems"].as_object().expect("tables") {
                    for write in writes.as_array().expect("writes") {
                        let of = |name| {
                            write.get("DeleteRequest").map_or(&write["PutRequest"][name], |d| &d["Key"])
                        };
                        let items = self.tables.entry(table.clone()).or_default();
                        match write.get("PutRequest") {
                            Some(put) => {
                                let item = put["Item"].as_object().cloned().expect("an item");
                                items.insert(key(of("Item")), item);
                            }
                            None => drop(items.remove(&key(of("Key")))),
                        }
                    }
                }
                Ok(json!({ "UnprocessedItems": {} }))
            }
            "Query" | "Scan" => Ok(self.query(request)),
            _ => panic!("the simulated DynamoDB does not know {operation}"),
        }
    }

    fn found(&self, table: &str, of: &Value) -> Option<Item> {
        self.tables.get(table)?.get(&key(of)).cloned()
    }

    fn prepared(&self, operation: &str, request: &Value) -> Written {
        let table = request["TableName"].as_str().expect("a table").to_owned();
        let at = if operation.starts_with("Put") { &request["Item"] } else { &request["Key"] };
        let before = self.found(&table, at);
        let condition = request["ConditionExpression"].as_str();
        let item = before.clone().unwrap_or_default();
        let held =
            self.ignores_conditions || condition.is_none_or(|condition| holds(condition, &item, request));
        let after = match operation.split_at(3).0 {
            "Put" => at.as_object().cloned(),
            "Upd" => {
                let mut item = item;
                item.extend(at.as_object().cloned().expect("a key"));
                Some(match request["UpdateExpression"].as_str() {
                    Some(update) if held => updated(update, &item, request),
                    _ => item,
                })
            }
            "Con" => before.clone(),
            _ => None,
        };
        Written { key: key(at), table, before, after, held }
    }

    fn write(&mut self, write: Written) {
        let items = self.tables.entry(write.table).or_default();
        match write.after {
            Some(item) => drop(items.insert(write.key, item)),
            None => drop(items.remove(&write.key)),
        }
    }

    /// All writes or none.
    fn transact(&mut self, request: &Value) -> Result<Value, Refusal> {
        let actions = request["TransactItems"].as_array().expect("actions");
        let action = |action: &Value| {
            let (name, request) = action.as_object().and_then(|one| one.iter().next()).expect("one action");
            self.prepared(name, request)
        };
        let writes: Vec<_> = actions.iter().map(action).collect();
        if writes.iter().any(|write| !write.held) {
            let reason = |write: &Written| match write.held {
                true => json!({ "Code": "None" }),
                false => json!({ "Code": "ConditionalCheckFailed", "Message": "simulated" }),
            };
            let reasons: Vec<_> = writes.iter().map(reason).collect();
            let more = json!({ "CancellationReasons": reasons });
            return Err(Refusal { code: "TransactionCanceledException", more });
        }
        writes.into_iter().for_each(|write| self.write(write));
        Ok(json!({}))
    }

    fn query(&self, request: &Value) -> Value {
        let index = request["IndexName"].as_str();
        let sorted = index.map(|name| INDEXES.iter().find(|(index, _)| *index == name).expect("an index").1);
        let matches =
            |name: &str, item: &Item| request[name].as_str().is_none_or(|text| holds(text, item, request));
        let mut items: Vec<&Item> = self
            .items(request["TableName"].as_str().expect("a table"))
            .filter(|item| sorted.is_none_or(|by| item.contains_key(by)))
            .filter(|item| matches("KeyConditionExpression", item))
            .collect();
        let by = |item: &&Item| sorted.map(|by| item[by]["S"].as_str().map(str::to_owned));
        items.sort_by_key(by);
        if request["ScanIndexForward"] == false {
            items.reverse();
        }
        if let Some(start) = request.get("ExclusiveStartKey") {
            let at = items.iter().position(|item| item["pk"] == start["pk"] && item["sk"] == start["sk"]);
            items.drain(..at.map_or(0, |at| at + 1));
        }
        let limit = request["Limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
        let scanned = items.len().min(limit);
        let last = (items.len() > limit).then(|| {
            let last = items[limit - 1];
            json!({ "pk": last["pk"], "sk": last["sk"] })
        });
        items.truncate(limit);
        items.retain(|item| matches("FilterExpression", item));
        let mut answer = json!({ "Items": items, "Count": items.len(), "ScannedCount": scanned });
        if let Some(last) = last {
            answer["LastEvaluatedKey"] = last;
        }
        answer
    }
}

fn returned(request: &Value, write: &Written) -> Value {
    let after = write.after.clone().unwrap_or_default();
    match request["ReturnValues"].as_str() {
        None | Some("NONE") => json!({}),
        Some("ALL_NEW") => json!({ "Attributes": after }),
        Some("UPDATED_NEW") => {
            let before = write.before.clone().unwrap_or_default();
            let changed: Item = after
                .into_iter()
                .filter(|(name, value)| {
                    !["pk", "sk"].contains(&name.as_str()) && before.get(name) != Some(value)
                })
                .collect();
            json!({ "Attributes": changed })
        }
        Some(other) => panic!("{other} is not known"),
    }
}
