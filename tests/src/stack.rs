//! The template, deployed to the local AWS: packaged once, deployed as often as there are stacks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::api::Api;
use crate::aws::{Endpoint, texts};
use crate::process::root;

/// The bucket in the local AWS that holds the functions' zips.
const ARTIFACTS: &str = "artifacts";
/// The key there of the template.
const TEMPLATE: &str = "template.json";

/// The template with every local path replaced by what was uploaded to one local AWS.
#[derive(Debug, Clone)]
pub struct Package {
    aws: Endpoint,
    template: String,
}

impl Package {
    /// Zips the functions that `cargo build` made, and uploads them with the state machines.
    ///
    /// `dir` becomes a small copy of the checkout, with `infra/` and `target/lambda/*/bootstrap.zip` where the
    /// template looks for them: what `make build` made for AWS stays as it is.
    ///
    /// # Errors
    /// When a function is not built, or the template is wrong.
    pub async fn make(aws: Endpoint, dir: &Path) -> Result<Self> {
        stage(dir)?;
        let source = dir.join("infra/template.yaml");
        let packaged = dir.join(format!("packaged-{}.json", aws.port));
        aws.s3().create_bucket().bucket(ARTIFACTS).send().await?;
        aws.cli(&[
            "cloudformation",
            "package",
            "--template-file",
            &source.to_string_lossy(),
            "--s3-bucket",
            ARTIFACTS,
            "--output-template-file",
            &packaged.to_string_lossy(),
            // MiniStack reads the template anew for every stack: it takes a second to read YAML.
            "--use-json",
        ])
        .await?;
        // The template is longer than a call may carry.
        let body = fs::read(&packaged)?.into();
        aws.s3().put_object().bucket(ARTIFACTS).key(TEMPLATE).body(body).send().await?;
        Ok(Self { aws, template: format!("{}/{ARTIFACTS}/{TEMPLATE}", aws.url()) })
    }

    /// Deploys a stack of its own.
    ///
    /// # Errors
    /// What CloudFormation says.
    pub async fn deploy(&self, name: &str, parameters: &[(&str, &str)]) -> Result<Stack> {
        // As many purge at once as this machine has cores.
        let cores = available_parallelism()?.get().max(2).to_string();
        let parameters = parameters.iter().copied().chain([("PurgeConcurrency", cores.as_str())]);
        let mut fields = vec![
            ("TemplateURL".to_owned(), self.template.as_str()),
            ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM"),
            ("Capabilities.member.2".to_owned(), "CAPABILITY_AUTO_EXPAND"),
        ];
        for (number, (name, value)) in (1..).zip(parameters) {
            fields.push((format!("Parameters.member.{number}.ParameterKey"), name));
            fields.push((format!("Parameters.member.{number}.ParameterValue"), value));
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.aws.create_stack(name, &fields).await?;
        let stack = Stack::find(self.aws, name).await?;
        stack.let_browsers_in().await?;
        Ok(stack)
    }
}

/// A deployed stack.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub aws: Endpoint,
    /// What the template puts out.
    pub outputs: BTreeMap<String, String>,
    /// Its public API.
    pub api: Api,
}

impl Stack {
    /// A stack that is there.
    ///
    /// # Errors
    /// When it is not.
    pub async fn find(aws: Endpoint, name: &str) -> Result<Self> {
        let described = aws.cloudformation("DescribeStacks", &[("StackName", name)]).await?;
        let outputs = texts(&described, "OutputKey").into_iter().zip(texts(&described, "OutputValue"));
        let outputs = outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let secret = output(&outputs, "AdminTokenSecret")?;
        let secret = aws
            .call("secretsmanager", "secretsmanager.GetSecretValue", json!({ "SecretId": secret }))
            .await?;
        let token = secret["SecretString"].as_str().context("the admin token has no value")?;
        let api = Api::new(output(&outputs, "ApiId")?, aws.port, token)?;
        Ok(Self { name: name.to_owned(), aws, outputs, api })
    }

    /// The environment variables that the template gives to a function.
    ///
    /// # Errors
    /// When the template has no function of that name: `purge` is `PurgeFunction` there.
    pub async fn environment(&self, function: &str) -> Result<Vec<(String, String)>> {
        let url = self.configuration(function).await?;
        let found: Value = self.aws.http().get(url).send().await?.json().await?;
        let variables = found["Environment"]["Variables"].as_object().into_iter().flatten();
        Ok(variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
    }

    /// Invokes a function and answers what it answers.
    ///
    /// # Errors
    /// When it cannot be reached, or its answer is no JSON.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let name = self.resource(&logical(function)).await?;
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.aws.url());
        Ok(self
            .aws
            .http()
            .post(url)
            .timeout(Duration::from_secs(120))
            .json(event)
            .send()
            .await?
            .json()
            .await?)
    }

    /// Gives a function other values for some of its environment variables, or more of them.
    ///
    /// # Errors
    /// What Lambda answers.
    pub async fn configure(&self, function: &str, change: &[(&str, &str)]) -> Result<()> {
        let variables = self.environment(function).await?.into_iter();
        let mut variables: BTreeMap<String, String> = variables.collect();
        variables.extend(change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment = json!({ "Environment": { "Variables": variables } }).to_string();
        let url = self.configuration(function).await?;
        self.aws.http().put(url).body(environment).send().await?.error_for_status()?;
        self.publish(function).await
    }

    /// Has the state machines call a function as it is now: they call a version of each, as it was deployed.
    async fn publish(&self, function: &str) -> Result<()> {
        let name = self.resource(&logical(function)).await?;
        let url = format!("{}/2015-03-31/functions/{name}/versions", self.aws.url());
        let published: Value =
            self.aws.http().post(url).json(&json!({})).send().await?.error_for_status()?.json().await?;
        let version = published["FunctionArn"].as_str().context("a version has an ARN")?;
        let (any, _) = version.rsplit_once(':').context("an ARN ends with the version")?;
        let any = format!("{any}:");
        for machine in ["DeletionStateMachine", "PurgeRunStateMachine"] {
            let arn = self.resource(machine).await?;
            let of = json!({ "stateMachineArn": arn });
            let known = self.aws.call("states", "AWSStepFunctions.DescribeStateMachine", of).await?;
            let definition = known["definition"].as_str().context("a definition")?;
            let parts: Vec<&str> = definition
                .split(&any)
                .map(|part| part.trim_start_matches(|it: char| it.is_ascii_digit()))
                .collect();
            let definition = parts.join(version);
            let update = json!({ "stateMachineArn": arn, "definition": definition });
            self.aws.call("states", "AWSStepFunctions.UpdateStateMachine", update).await?;
        }
        Ok(())
    }

    /// Where Lambda keeps a function's configuration.
    async fn configuration(&self, function: &str) -> Result<String> {
        let name = self.resource(&logical(function)).await?;
        Ok(format!("{}/2015-03-31/functions/{name}/configuration", self.aws.url()))
    }

    /// Deletes it, but for the data that it keeps.
    ///
    /// Its functions go first, by Lambda's own API: MiniStack lets the processes of a function live on when CloudFormation
    /// deletes it, and hundreds of them would slow down every other stack.
    ///
    /// # Errors
    /// When Lambda or CloudFormation refuses.
    pub async fn delete(&self) -> Result<()> {
        for (id, name) in self.aws.resources(&self.name).await? {
            if id.ends_with("Function") {
                let url = format!("{}/2015-03-31/functions/{name}", self.aws.url());
                self.aws.http().delete(url).send().await?.error_for_status()?;
            }
        }
        self.aws.cloudformation("DeleteStack", &[("StackName", &self.name)]).await.map(drop)
    }

    /// MiniStack keeps the tracking API's `CorsConfiguration` by the template's names, and looks for it by those of API
    /// Gateway's own API.
    async fn let_browsers_in(&self) -> Result<()> {
        let url = format!("{}/v2/apis/{}", self.aws.url(), self.output("CollectApiId")?);
        let api: Value = self.aws.http().get(&url).send().await?.json().await?;
        let kept =
            api["corsConfiguration"].as_object().context("the tracking API takes nothing of browsers")?;
        let named = |name: &str| format!("{}{}", name[..1].to_lowercase(), &name[1..]);
        let cors: BTreeMap<String, &Value> = kept.iter().map(|(name, value)| (named(name), value)).collect();
        let change = json!({ "corsConfiguration": cors }).to_string();
        self.aws.http().patch(url).body(change).send().await?.error_for_status()?;
        Ok(())
    }

    /// Everything that its functions logged.
    ///
    /// # Errors
    /// What CloudWatch Logs answers.
    pub async fn logs(&self) -> Result<String> {
        // How MiniStack names the groups of a template.
        let prefix = json!({ "logGroupNamePrefix": format!("/aws/cloudformation/{}/", self.name) });
        let groups = self.aws.call("logs", "Logs_20140328.DescribeLogGroups", prefix).await?;
        let mut all = String::new();
        for group in groups["logGroups"].as_array().into_iter().flatten() {
            let body = json!({ "logGroupName": group["logGroupName"], "limit": 10_000 });
            let events = self.aws.call("logs", "Logs_20140328.FilterLogEvents", body).await?;
            for event in events["events"].as_array().into_iter().flatten() {
                all.push_str(event["message"].as_str().unwrap_or_default());
                all.push('\n');
            }
        }
        Ok(all)
    }

    /// The executions of the state machine that an output names, by their ARNs.
    ///
    /// # Errors
    /// What Step Functions answers.
    pub async fn executions(&self, machine: &str) -> Result<Vec<String>> {
        let body = json!({ "stateMachineArn": self.output(machine)? });
        let list = self.aws.call("states", "AWSStepFunctions.ListExecutions", body).await?;
        let arns = list["executions"].as_array().into_iter().flatten();
        Ok(arns.filter_map(|execution| execution["executionArn"].as_str().map(str::to_owned)).collect())
    }

    /// The physical name of a resource of the template: a function's name, a queue's URL.
    ///
    /// # Errors
    /// When the template has no such resource.
    pub async fn resource(&self, id: &str) -> Result<String> {
        let of = [("StackName", self.name.as_str()), ("LogicalResourceId", id)];
        let found = self.aws.cloudformation("DescribeStackResource", &of).await?;
        let names = texts(&found, "PhysicalResourceId");
        Ok((*names.first().with_context(|| format!("the stack has no {id}"))?).to_owned())
    }

    /// One of the template's outputs.
    ///
    /// # Errors
    /// When the template has no such output.
    pub fn output(&self, name: &str) -> Result<&str> {
        output(&self.outputs, name)
    }
}

/// A function's name in the template: `purge-run` is `PurgeRunFunction` there.
fn logical(function: &str) -> String {
    let words = function.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Function"
}

fn output<'a>(outputs: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str> {
    outputs.get(name).map(String::as_str).with_context(|| format!("infra/template.yaml has no output {name}"))
}

/// The names of the functions: one folder each.
///
/// # Errors
/// When `functions/` cannot be read.
pub fn functions() -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(root().join("functions"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Where cargo puts the programs: this one stands there too, or one folder below (a test).
///
/// # Errors
/// When this program's own path is unknown.
pub fn programs() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let dir = here.parent().context("this program stands nowhere")?;
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    Ok(dir.to_owned())
}

fn stage(dir: &Path) -> Result<()> {
    let infra = dir.join("infra");
    fs::create_dir_all(&infra)?;
    for entry in fs::read_dir(root().join("infra"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), infra.join(entry.file_name()))?;
        }
    }
    let programs = programs()?;
    for name in functions()? {
        let program = programs.join(&name);
        if !program.exists() {
            bail!("{} is missing: run `cargo build --workspace`", program.display());
        }
        let zip = dir.join("target/lambda").join(&name).join("bootstrap.zip");
        if !is_newer(&zip, &program) {
            write_zip(&program, &zip).with_context(|| format!("cannot write {}", zip.display()))?;
        }
    }
    Ok(())
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified());
    matches!((changed(file), changed(than)), (Ok(file), Ok(than)) if file > than)
}

/// The zip that Lambda wants: one executable named `bootstrap`. Weakly compressed, which is quick.
fn write_zip(program: &Path, zip: &Path) -> Result<()> {
    fs::create_dir_all(zip.parent().context("a zip stands in a folder")?)?;
    // Under another name until it is whole, since two programs may do this at once.
    let part = zip.with_extension(format!("{}.part", std::process::id()));
    let mut writer = ZipWriter::new(File::create(&part)?);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .unix_permissions(0o755);
    writer.start_file("bootstrap", options)?;
    writer.write_all(&fs::read(program)?)?;
    writer.finish()?.rewind()?;
    fs::rename(part, zip)?;
    Ok(())
}
