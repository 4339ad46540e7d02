//! The AWS behind the gate: S3, DynamoDB, Step Functions, Secrets Manager, KMS and Redshift's Data API, as far as the
//! functions use them. Each call is carried out at once, whole.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::config::http::HttpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::dynamodb::DynamoDb;
use crate::http::{Call, Reply};
use crate::redshift::Redshift;
use crate::s3::Objects;

/// A P-256 key as KMS gives it: the curve's own generator. Nobody verifies what it signs.
const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";
/// A signature in DER: two small numbers.
const SIGNATURE: [u8; 8] = [0x30, 6, 2, 1, 1, 2, 1, 1];

#[derive(Default)]
pub struct World {
    pub s3: Objects,
    pub tables: DynamoDb,
    pub step_functions: StepFunctions,
    pub redshift: Redshift,
    /// Every call of DynamoDB and its answer, if they are kept.
    pub kept: Option<Vec<(String, Value, Value)>>,
}

#[derive(Default)]
pub struct StepFunctions {
    /// The status of each execution, by name.
    pub executions: BTreeMap<String, &'static str>,
    /// Executions that were started and did not begin yet: the state machine, the name and the input.
    pub begun: Vec<(String, String, Value)>,
    /// Task tokens for which states wait.
    pub tokens: BTreeSet<String>,
    /// Those that were answered.
    pub answered: BTreeSet<String>,
}

impl World {
    pub fn carry_out(&mut self, request: &HttpRequest) -> Reply {
        let call = Call::of(request);
        let Some((service, operation)) =
            call.header("x-amz-target").and_then(|target| target.split_once('.'))
        else {
            return self.s3.answer(&call);
        };
        let body: Value = serde_json::from_slice(call.body).expect("JSON");
        match service {
            "DynamoDB_20120810" => self.ask(operation, body),
            "AWSStepFunctions" => self.step_functions.answer(operation, &body),
            "RedshiftData" => self.redshift.answer(operation, &body),
            "secretsmanager" => {
                let secret = if body["SecretId"] == "pseudonyms" { "0".repeat(64) } else { "{}".to_owned() };
                Reply::json(200, &json!({ "Name": body["SecretId"], "SecretString": secret }))
            }
            "TrentService" if operation == "GetPublicKey" => {
                Reply::json(200, &json!({ "KeyId": body["KeyId"], "PublicKey": PUBLIC_KEY }))
            }
            "TrentService" => Reply::json(200, &json!({ "Signature": BASE64_STANDARD.encode(SIGNATURE) })),
            _ => panic!("nobody simulates {service}"),
        }
    }
}

impl World {
    /// Asks DynamoDB.
    pub fn ask(&mut self, operation: &str, body: Value) -> Reply {
        let answer = self.tables.call(operation, &body);
        if let Some(kept) = &mut self.kept {
            let told = serde_json::from_slice(&answer.body).expect("JSON");
            kept.push((operation.to_owned(), body, told));
        }
        answer
    }
}

impl StepFunctions {
    fn answer(&mut self, operation: &str, body: &Value) -> Reply {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let known = |arn: &str| arn.rsplit_once(':').map(|(_, name)| name.to_owned()).unwrap_or_default();
        match operation {
            "StartExecution" => {
                let (machine, name) = (text("stateMachineArn"), text("name"));
                if self.executions.contains_key(&name) {
                    return failed("ExecutionAlreadyExists");
                }
                self.executions.insert(name.clone(), "RUNNING");
                let input = serde_json::from_str(&text("input")).expect("JSON");
                self.begun.push((known(&machine), name.clone(), input));
                Reply::json(200, &json!({ "executionArn": format!("{machine}:{name}"), "startDate": 1 }))
            }
            "DescribeExecution" => {
                let arn = text("executionArn");
                match self.executions.get(&known(&arn)) {
                    Some(status) => {
                        let machine = "arn:aws:states:us-east-1:0:stateMachine:any";
                        let told = json!({ "executionArn": arn, "stateMachineArn": machine, "status": status, "startDate": 1 });
                        Reply::json(200, &told)
                    }
                    None => failed("ExecutionDoesNotExist"),
                }
            }
            "ListExecutions" => {
                let wanted = body["statusFilter"].as_str();
                let all = self.executions.iter().filter(|(_, status)| wanted.is_none_or(|it| it == **status));
                let arn = text("stateMachineArn");
                let one = |(name, status): (&String, &&str)| {
                    json!({
                        "executionArn": format!("{arn}:{name}"), "stateMachineArn": arn, "name": name,
                        "status": status, "startDate": 1,
                    })
                };
                Reply::json(200, &json!({ "executions": all.map(one).collect::<Vec<_>>() }))
            }
            "SendTaskSuccess" => {
                let token = text("taskToken");
                if !self.tokens.remove(&token) {
                    return failed("TaskTimedOut");
                }
                self.answered.insert(token);
                Reply::json(200, &json!({}))
            }
            _ => panic!("the simulated Step Functions do not know {operation}"),
        }
    }
}

fn failed(code: &str) -> Reply {
    Reply::json(400, &json!({ "__type": code, "message": "simulated" }))
}

/// A call, in a line of the schedule.
pub fn label(request: &HttpRequest) -> String {
    let call = Call::of(request);
    let Some(target) = call.header("x-amz-target") else {
        let query: BTreeMap<_, _> = call.query.iter().filter(|(name, _)| *name != "x-id").collect();
        let query = if query.is_empty() { String::new() } else { format!(" {query:?}") };
        return format!("{} {}/{}{query}", call.method, call.bucket, call.key);
    };
    let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
    let key = if body["Item"].is_object() { &body["Item"] } else { &body["Key"] };
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let details = [
        text(&body["TableName"]),
        text(&key["pk"]["S"]),
        text(&key["sk"]["S"]),
        text(&body["ExpressionAttributeValues"][":pk"]["S"]),
        text(&body["UpdateExpression"]),
        text(&body["name"]),
        text(&body["taskToken"]),
        text(&body["Sql"]).chars().take(60).collect(),
    ];
    let details = details.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    format!("{} {}", target.split_once('.').map_or(target, |(_, operation)| operation), details.join(" "))
}

/// What a service answers that is asked too often, or, to a conditional write, while another one is under way.
pub fn refusal(request: &HttpRequest) -> Reply {
    let call = Call::of(request);
    match call.header("x-amz-target").and_then(|target| target.split_once('.')) {
        Some(("DynamoDB_20120810", _)) => failed("ProvisionedThroughputExceededException"),
        Some(_) => failed("ThrottlingException"),
        None if call.method == "PUT"
            && call.header("if-match").or(call.header("if-none-match")).is_some() =>
        {
            Reply::error(409, "ConditionalRequestConflict")
        }
        None => Reply::error(503, "SlowDown"),
    }
}
