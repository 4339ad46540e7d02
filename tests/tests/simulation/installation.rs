//! An installation behind the turnstile: its tables, one archive, one source and, if wanted, one warehouse; and the
//! functions, which are the real ones.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use app::admission;
use app::worker::Event;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use engine::filter::IndexKey;
use jiff::{SignedDuration, Timestamp};
use lambda::clock;
use model::failure::{Failure, Result};
use model::id::{DestinationId, RegulationId};
use model::regulation::Regulation;
use model::status::Status;
use model::subject::{PseudonymKey, Subject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{Store, Tables};

use crate::http::ENDPOINT;
use crate::s3::ARCHIVE;
use crate::turnstile::{Trouble, Turnstile};

/// Who is to be erased.
pub const PERSON: &str = "planted-person";

/// What the template sets for the functions.
const VARIABLES: [(&str, &str); 6] = [
    ("AWS_ENDPOINT_URL", ENDPOINT),
    ("SECRET_PREFIX", "secrets"),
    ("PSEUDONYM_KEY_SECRET", "pseudonyms"),
    ("SIGNING_KEY", "key"),
    ("DELETION_STATE_MACHINE", "arn:aws:states:us-east-1:0:stateMachine:deletion"),
    ("PURGE_RUN_STATE_MACHINE", "arn:aws:states:us-east-1:0:stateMachine:purge-run"),
];

/// How long `record` has, with the margin: before that time has passed since a suppression, no run lists.
pub const RECORD_ENDS: SignedDuration = SignedDuration::from_secs(130);
const RECORD_TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

/// Whether this process has the functions' environment. If not, the test of this name is run once more, with it.
pub fn has_environment(test: &str) -> bool {
    if std::env::var_os(VARIABLES[1].0).is_some() {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    again.args([test, "--exact", "--nocapture"]).envs(VARIABLES).stdout(Stdio::piped());
    let mut child = again.spawn().expect("it starts");
    let told = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // All but the functions' metrics.
    told.map_while(Result::ok).filter(|line| !line.starts_with('{')).for_each(|line| println!("{line}"));
    assert!(child.wait().expect("it ends").success(), "it has failed, as told above");
    false
}

/// A table's name.
pub fn table(of: &str) -> String {
    format!("table-{of}")
}

#[derive(Clone)]
pub struct Installation {
    pub turnstile: Turnstile,
    pub archive: DestinationId,
    pub record_ends: SignedDuration,
    pub purge_delay: SignedDuration,
    pub warehouse: Option<DestinationId>,
    tables: Rc<Tables>,
}

impl Installation {
    /// With one archive, or with one warehouse instead.
    pub async fn new(seed: u64, trouble: Trouble, record_ends: SignedDuration, warehouse: bool) -> Self {
        let tables = Tables {
            regulations: table("regulations"),
            suppressions: table("suppressions"),
            sources: table("sources"),
            destinations: table("destinations"),
            runs: table("runs"),
            access: table("access"),
        };
        let installation = Self {
            turnstile: Turnstile::new(seed, trouble),
            archive: DestinationId::new(),
            record_ends,
            purge_delay: SignedDuration::ZERO,
            warehouse: warehouse.then(DestinationId::new),
            tables: Rc::new(tables),
        };
        installation.connect().await.expect("the calm installation takes everything");
        installation
    }

    /// Connects the source and its destination.
    pub async fn connect(&self) -> Result<()> {
        let (store, before) = (self.store(&self.turnstile.config()), Timestamp::from_second(1_700_000_000));
        let before = before.expect("a time");
        let archive = json!({ "bucket": ARCHIVE, "maxShare": 1.0 });
        let warehouse = json!({ "workgroup": "w", "database": "d", "schemas": ["web"] });
        let (id, vendor, kind, settings) = match &self.warehouse {
            None => (&self.archive, "s3", "ARCHIVE", archive),
            Some(id) => (id, "redshift", "WAREHOUSE", warehouse),
        };
        let destination = of(json!({
            "id": id, "name": vendor, "vendor": vendor, "kind": kind, "settings": settings, "enabledFrom": before,
        }))?;
        store.save_destination(&destination).await?;
        let source = of(json!({
            "id": "web", "name": "Web", "writeKeys": [], "createdAt": before, "revision": 0,
            "connections": [{ "destinationId": self.archive, "from": before }], "trustedToLink": true,
        }))?;
        store.create_source(&source).await
    }

    /// Lets the archive be looked through for other identifiers.
    pub async fn let_resolve(&self) -> Result<()> {
        let store = self.look();
        let mut archive = store.destination(&self.archive).await?;
        let traits = json!([{ "path": "traits.email", "type": "EMAIL" }]);
        archive.settings.insert("resolves".to_owned(), traits);
        store.save_destination(&archive).await
    }

    pub fn store(&self, config: &SdkConfig) -> Store {
        Store::new(config, (*self.tables).clone())
    }

    /// Lethe's view, without the turnstile.
    pub fn look(&self) -> Store {
        self.store(&self.turnstile.config())
    }

    /// A regulation that somebody may ask for.
    pub fn regulation(&self, kind: &str) -> Regulation {
        of(json!({
            "id": RegulationId::new(), "regulationType": kind, "subjectType": "USER_ID", "subjectCount": 1,
            "status": "INITIALIZED", "attempt": 1, "createdAt": clock::now(),
        }))
        .expect("a regulation")
    }

    /// Invokes a function. Nothing comes back, if it dies. A ghost may do the same beside it.
    pub async fn lambda(&self, function: &'static str, payload: Value) -> Option<Result<Value>> {
        if self.turnstile.haunted() {
            drop(self.invoke(function, payload.clone()));
        }
        self.invoke(function, payload).1.await.ok()
    }

    pub fn invoke(
        &self,
        function: &'static str,
        payload: Value,
    ) -> (usize, futures::channel::oneshot::Receiver<Result<Value>>) {
        let name = payload.as_object().into_iter().flatten().filter(|(name, _)| *name != "Records");
        let name = name.filter_map(|(_, value)| value.as_str().map(str::to_owned));
        let name = [vec![function.to_owned()], name.collect()].concat().join(" ");
        let (this, timeout) = (self.clone(), (function == "record").then_some(RECORD_TIMEOUT));
        self.turnstile.invoke(
            name,
            timeout,
            |config| async move { this.serve(config, function, payload).await },
        )
    }

    /// Does what a function does, or what the API does when it is called.
    async fn serve(&self, config: SdkConfig, function: &str, payload: Value) -> Result<Value> {
        let (store, s3) = (self.store(&config), aws::bucket::client(&config));
        let bucket = |name: &str, s3: Client| aws::bucket::Bucket::new(s3, name.to_owned());
        let secrets = aws::secrets::SecretStore::from_env(&config);
        let workflow = aws::workflow::Workflow::new(&config);
        let until = Instant::now() + Duration::from_secs(3_600);
        match function {
            "suppress" => {
                let context = suppress::Context {
                    store,
                    secrets,
                    purge_delay: self.purge_delay,
                    relay_ends: SignedDuration::ZERO,
                };
                to(&suppress::suppress(&context, of(payload)?).await?)
            }
            "record" => {
                let context = record::Context { store, s3 };
                let reply = record::record(&context, of(payload)?).await;
                to(&reply.map_err(|e| Failure::permanent(e.to_string()))?)
            }
            "purge-run" => {
                let context = purge_run::Context {
                    store,
                    workflow,
                    files: bucket("lethe", s3.clone()),
                    s3,
                    pseudonyms: PseudonymKey::new(&[7; 32]),
                    purge_delay: self.purge_delay,
                    record_ends: self.record_ends,
                    list_slice: Duration::from_secs(3_600),
                    batch_objects: 2,
                };
                to(&purge_run::handle(&context, of(payload)?).await?)
            }
            "purge" => {
                // An invocation looks through one object for other identifiers.
                let looks = payload["action"] == "resolve";
                let context = purge::Context {
                    store,
                    files: bucket("lethe", s3.clone()),
                    index_key: IndexKey::new(&[7; 32]),
                    s3,
                    cores: 1,
                    slice: Duration::from_secs(if looks { 0 } else { 3_600 }),
                };
                to(&purge::handle(&context, Event::Step(of(payload)?), until).await?)
            }
            "erase" => {
                let context = erase::Context {
                    store,
                    secrets,
                    surroundings: warehouses::Surroundings { aws: config, any_endpoint: true },
                    retry_window: SignedDuration::from_hours(24),
                };
                to(&erase::handle(&context, Event::Step(of(payload)?), until).await?)
            }
            "audit" => {
                let signer = aws::signing::Signer::new(&config);
                let context = audit::Context {
                    store,
                    secrets,
                    signer,
                    certificates: bucket("audit", s3),
                    issuer: Default::default(),
                };
                to(&audit::handle(&context, of(payload)?).await?)
            }
            // By the API, whose suppression holds at once, or by the queue.
            "POST" | "batch" => {
                let regulation: Regulation = of(payload["regulation"].clone())?;
                let subjects = vec![Subject::user(payload["person"].as_str().unwrap_or(PERSON))];
                let named = subjects.iter().cloned().map(Into::into).collect();
                admission::admit(&store, &workflow, &regulation, named, 0, None).await?;
                if function == "POST" {
                    admission::hold(&store, &regulation, &subjects).await?;
                }
                Ok(Value::Null)
            }
            "DELETE" => {
                let regulation = known(&store, &payload).await?;
                Ok(json!(store.withdraw(&regulation, "admin", clock::now()).await?))
            }
            "retry" => {
                let mut regulation = known(&store, &payload).await?;
                regulation.attempt = store.begin_attempt(&regulation, clock::now()).await?;
                store.reset_failed(&regulation.id).await?;
                admission::start(&workflow, &regulation, 0).await;
                Ok(Value::Null)
            }
            _ => panic!("there is no function {function}"),
        }
    }

    /// The status of a regulation as it is stored.
    pub fn status(&self, id: &RegulationId) -> Option<Status> {
        let gate = self.turnstile.gate();
        let item = gate.world.tables.item(&table("regulations"), id.as_str(), "META")?;
        serde_json::from_value(item["status"]["S"].clone()).ok()
    }

    /// A JSON file of Lethe's own bucket.
    pub fn file(&self, key: &str) -> Option<Value> {
        let gate = self.turnstile.gate();
        let versions = gate.world.s3.all.get(&("lethe".to_owned(), key.to_owned()))?;
        serde_json::from_slice(versions.last()?.content.as_ref()?).ok()
    }

    /// Stops an execution, as an operator may.
    pub fn stop_execution(&self, task: usize) {
        let Some(name) = self.turnstile.name(task) else { return };
        self.turnstile.note(&format!("an operator stops {name}"));
        self.turnstile.kill(task, || false);
        self.turnstile.gate().world.step_functions.executions.insert(name, "ABORTED");
    }
}

async fn known(store: &Store, payload: &Value) -> Result<Regulation> {
    let found = store.regulation(&of(payload["id"].clone())?).await?;
    found.ok_or_else(|| Failure::invalid("there is no such regulation"))
}

/// A value of the domain, from its JSON.
pub fn of<T: DeserializeOwned>(json: Value) -> Result<T> {
    serde_json::from_value(json).map_err(|e| Failure::permanent(e.to_string()))
}

fn to<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Failure::permanent(e.to_string()))
}
