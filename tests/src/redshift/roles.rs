//! What a role must allow before Redshift does something for its owner. The local AWS knows the roles.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::CLUSTER;
use crate::aws::{ACCOUNT, Endpoint, REGION};
use crate::postgres::USER;

/// The ARN of something of its cluster.
fn arn(what: &str) -> String {
    format!("arn:aws:redshift:{REGION}:{ACCOUNT}:{what}")
}

/// What a stack is allowed of it: the parameter `RedshiftTargets`.
pub fn targets(database: &str) -> String {
    let of_cluster = [
        format!("cluster:{CLUSTER}"),
        format!("dbname:{CLUSTER}/{database}"),
        format!("dbuser:{CLUSTER}/{USER}"),
    ];
    of_cluster.map(|what| arn(&what)).join(",")
}

/// Whether the caller's role allows this: the statement on the cluster, and credentials for the database and its user.
/// <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html>
pub(super) async fn may(aws: Option<Endpoint>, headers: &HeaderMap, operation: &str, body: &Value) -> bool {
    let Some(aws) = aws else { return true };
    let signed = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = signed.split_once("Credential=").and_then(|(_, rest)| rest.split_once('/'));
    let key = key.map_or("", |(key, _)| key);
    let on = match operation {
        "ExecuteStatement" | "BatchExecuteStatement" => arn(&format!("cluster:{CLUSTER}")),
        _ => "*".to_owned(),
    };
    let mut checks = vec![json!([format!("redshift-data:{operation}"), on])];
    if let Some(database) = body["Database"].as_str() {
        let database = arn(&format!("dbname:{CLUSTER}/{database}"));
        match body["DbUser"].as_str() {
            Some(user) => {
                for resource in [database, arn(&format!("dbuser:{CLUSTER}/{user}"))] {
                    checks.push(json!(["redshift:GetClusterCredentials", resource]));
                }
            }
            None => checks.push(json!(["redshift:GetClusterCredentialsWithIAM", database])),
        }
    }
    let asked = json!({ "accessKey": key, "owner": key, "checks": checks });
    let reply = aws.http().post(format!("{}/_strict/check", aws.url())).json(&asked).send().await;
    reply.is_ok_and(|reply| reply.status().is_success())
}
