//! The local AWS: one MiniStack process, which runs the functions' binaries as processes of its own and refuses them what AWS
//! would refuse (`tests/strict`).

use std::fs;
use std::ops::ControlFlow::{Break, Continue};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use serde_json::Value;

use crate::process::{Dir, Process, Spec, free_port, root};
use crate::progress::until_every;
use crate::stack::programs;

/// The local AWS's region.
pub const REGION: &str = "us-east-1";
/// The local AWS's account.
pub const ACCOUNT: &str = "000000000000";

/// A running MiniStack, stopped when dropped.
pub struct Aws {
    _process: Process,
    /// Where it listens.
    pub endpoint: Endpoint,
}

impl Aws {
    /// Starts one on a free port, with nothing in it.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(log: &Path) -> Result<Self> {
        let program = root().join(".venv/bin/python");
        if !program.exists() {
            bail!("{} is missing: run `make up` or `make test`, which set it up", program.display());
        }
        let uses = programs()?.with_file_name("strict");
        fs::create_dir_all(&uses)?;
        let dir = Dir::new("aws")?;
        let port = free_port()?;
        let endpoint = Endpoint { port };
        let mut command = Command::new(program);
        command.arg(root().join("tests/strict"));
        command.env("STRICT_USES", uses.join(format!("{}-{port}.jsonl", std::process::id())));
        command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1").env("TMPDIR", &*dir);
        command.env("S3_DATA_DIR", dir.join("s3")).env("STATE_DIR", dir.join("state"));
        // The functions inherit what follows.
        command.env("RUST_BACKTRACE", "0");
        endpoint.give_to(&mut command);
        let process = Process::start(Spec { command, dir, log, stop: "TERM", user: None })?;
        let http = endpoint.http();
        let health = format!("{}/_ministack/health", endpoint.url());
        process
            .wait("The local AWS", async || {
                http.get(&health).send().await.is_ok_and(|reply| reply.status().is_success())
            })
            .await?;
        Ok(Self { _process: process, endpoint })
    }
}

/// Where a local AWS listens, and how to speak to it.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Endpoint {
    /// Its URL.
    pub fn url(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The URL of an HTTP API, as curl and browsers take it.
    pub fn api(self, id: &str) -> String {
        format!("http://{id}.execute-api.localhost:{}", self.port)
    }

    /// The environment that sends the AWS tools and SDKs here, and nowhere else: no profile of the user's,
    /// no proxy.
    pub fn env(self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_DEFAULT_REGION", REGION.into()),
            ("AWS_REGION", REGION.into()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_PAGER", String::new()),
            ("NO_PROXY", "127.0.0.1,localhost,.localhost".into()),
        ]
    }

    /// Sends a program of AWS here, by its environment.
    pub fn give_to(self, command: &mut Command) {
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        {
            command.env_remove(name);
        }
        command.envs(self.env());
    }

    /// A client of plain HTTP.
    pub fn http(self) -> reqwest::Client {
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap_or_default()
    }

    /// A client of S3.
    pub fn s3(self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "local"))
            .endpoint_url(self.url())
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Runs the AWS command line and answers what it prints.
    ///
    /// # Errors
    /// What it prints when it fails.
    pub async fn cli(self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(root().join(".venv/bin/aws"));
        self.give_to(&mut command);
        command.args(args);
        let output =
            tokio::process::Command::from(command).output().await.context("cannot run .venv/bin/aws")?;
        if !output.status.success() {
            bail!("aws {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Calls CloudFormation, which speaks AWS's query protocol: for this the command line takes seconds, and waits for
    /// five more at a time. Answers the XML; see [`texts`].
    ///
    /// # Errors
    /// CloudFormation's error.
    pub async fn cloudformation(self, action: &str, fields: &[(&str, &str)]) -> Result<String> {
        // The serializer may not be held while the call is waited for: it cannot go from thread to thread.
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", "2010-05-15")
            .extend_pairs(fields)
            .finish();
        let reply = self
            .http()
            .post(self.url())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", authorization("cloudformation"))
            .body(form)
            .send()
            .await?;
        let (status, text) = (reply.status(), reply.text().await?);
        if !status.is_success() {
            bail!("{action} answered {status}: {text}");
        }
        Ok(text)
    }

    /// Makes a stack, and waits for it. `fields` say its template and parameters.
    ///
    /// # Errors
    /// What CloudFormation says.
    pub async fn create_stack(self, name: &str, fields: &[(&str, &str)]) -> Result<()> {
        let stack = [("StackName", name)];
        self.cloudformation("CreateStack", &[&stack, fields].concat()).await?;
        until_every(Duration::from_millis(100), async || {
            let described = self.cloudformation("DescribeStacks", &stack).await?;
            let status = texts(&described, "StackStatus").first().copied().unwrap_or_default();
            if status == "CREATE_COMPLETE" {
                return Ok(Break(()));
            }
            let events = self.cloudformation("DescribeStackEvents", &stack).await?;
            ensure!(
                status == "CREATE_IN_PROGRESS",
                "{name} is {status}: {:?}",
                texts(&events, "ResourceStatusReason")
            );
            Ok(Continue(texts(&events, "EventId").len()))
        })
        .await
    }

    /// What a stack's resources are called in its template, and what they were named.
    ///
    /// # Errors
    /// What CloudFormation says.
    pub async fn resources(self, stack: &str) -> Result<Vec<(String, String)>> {
        let described = self.cloudformation("DescribeStackResources", &[("StackName", stack)]).await?;
        let names =
            texts(&described, "LogicalResourceId").into_iter().zip(texts(&described, "PhysicalResourceId"));
        Ok(names.map(|(id, name)| (id.to_owned(), name.to_owned())).collect())
    }

    /// Calls a service that speaks AWS's JSON protocol, such as `("secretsmanager", "secretsmanager.GetSecretValue")`
    /// or `("states", "AWSStepFunctions.GetExecutionHistory")`: an SDK for each would double the build.
    ///
    /// # Errors
    /// The service's error.
    pub async fn call(self, service: &str, target: &str, body: Value) -> Result<Value> {
        let reply = self
            .http()
            .post(self.url())
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", authorization(service))
            .body(body.to_string())
            .send()
            .await?;
        let status = reply.status();
        let text = reply.text().await?;
        if !status.is_success() {
            bail!("{target} answered {status}: {text}");
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }
}

/// MiniStack reads the service and the region here; it does not check signatures.
fn authorization(service: &str) -> String {
    let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

/// The texts of all elements of one name in an XML document.
pub fn texts<'a>(xml: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    xml.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0)).collect()
}
