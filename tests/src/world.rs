//! What a test starts from: a stack of its own, with a bucket, a database and a Braze that nobody else uses.
//!
//! The tests of a program share one Postgres and a few local AWSs, one per core: each is one Python process and uses one core
//! at most. They start with the first world and end with the program.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use tokio::sync::OnceCell;
use tokio_postgres::Client;

use crate::aws::Aws;
use crate::destinations;
use crate::postgres::Postgres;
use crate::process::root;
use crate::queue::redeliver_after;
use crate::redshift::targets;
use crate::s3::S3;
use crate::stack::{Package, Stack, programs};
use crate::vendors::Fake;
use crate::vendors::braze::BRAZE;

/// What all tests share.
struct Machine {
    postgres: Postgres,
    clouds: Vec<Cloud>,
}

/// A local AWS to which stacks are deployed.
struct Cloud {
    package: Package,
    /// How many worlds are in it.
    worlds: AtomicUsize,
    // Last, so that it ends last.
    _aws: Aws,
}

static MACHINE: OnceCell<Machine> = OnceCell::const_new();
static WORLDS: AtomicU16 = AtomicU16::new(1);

/// The most local AWSs that are started.
const CLOUDS: usize = 4;

/// How a world differs from the usual one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// For how many seconds what is away is tried again; long enough for every passing trouble if left out.
    pub retry_window: Option<u32>,
    /// Another port on which Lethe finds Postgres.
    pub postgres_port: Option<u16>,
    /// Which share of the archive a run may remove unconfirmed; all of it, since test archives are small, if
    /// left out.
    pub max_share: Option<f64>,
    /// The archive says nothing about that.
    pub default_share: bool,
    /// For how many seconds a regulation waits for others; one, since tests cannot wait, if left out.
    pub purge_delay: Option<u32>,
    /// How many seconds the record function has, which a purge run waits for; one, since most tests send no events, if
    /// left out.
    pub record_timeout: Option<u32>,
}

/// One test's world.
pub struct World {
    /// The deployed template.
    pub stack: Stack,
    /// A client of the archives.
    pub s3: aws_sdk_s3::Client,
    /// The archive's bucket, versioned and empty.
    pub bucket: String,
    /// The warehouse's database, empty.
    pub warehouse: Client,
    /// A Braze without users.
    pub braze: Fake,
    /// The port on which Postgres really listens.
    pub postgres: u16,
    _end: End,
}

/// Deletes a test's stack when the test ends: its idle functions, timers and queues would take from the others. The test
/// fails if AWS would have refused one of its functions something, even if the function made nothing of it.
struct End {
    stack: Stack,
    _place: Place,
}

/// A world's place in one of the local AWSs.
struct Place(&'static Cloud);

impl Place {
    /// A place where the fewest worlds are.
    fn take(machine: &'static Machine) -> Result<Self> {
        let worlds = |cloud: &&Cloud| cloud.worlds.load(Ordering::Relaxed);
        let cloud = machine.clouds.iter().min_by_key(worlds).context("a machine has a core")?;
        cloud.worlds.fetch_add(1, Ordering::Relaxed);
        Ok(Self(cloud))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.worlds.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let stack = self.stack.clone();
        // Of its own: the test's runtime is about to end.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let refused = stack.refusals().await?;
                stack.delete().await?;
                anyhow::Ok(refused)
            })
        });
        let name = &self.stack.name;
        match thread.join() {
            Ok(Ok(refused)) if !refused.is_empty() => {
                let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
                let refused = format!("AWS refuses the functions of {name}:\n{}", refused.join("\n"));
                if std::thread::panicking() {
                    eprintln!("{refused}");
                } else {
                    panic!("{refused}");
                }
            }
            Ok(Err(error)) => eprintln!("{name} is left: {error:#}"),
            _ => {}
        }
    }
}

impl World {
    /// The usual world.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn new() -> Result<Self> {
        Self::with(Options::default()).await
    }

    /// A world to which events are sent.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn collecting() -> Result<Self> {
        Self::with(Options { record_timeout: Some(10), ..Options::default() }).await
    }

    /// A world with three destinations: `Events archive`, `Warehouse` and `Braze`.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn with(options: Options) -> Result<Self> {
        let machine = MACHINE.get_or_try_init(Machine::start).await?;
        let name = format!("test{}", WORLDS.fetch_add(1, Ordering::Relaxed));
        let (bucket, braze) = (format!("{name}-archive"), Fake::start(&BRAZE)?);
        // More archives of one test have names that begin with the first's.
        let archives = format!("{bucket},{bucket}-*");
        let redshift = targets(&format!("{name}_redshift"));
        let delay = options.purge_delay.unwrap_or(1).to_string();
        let record = options.record_timeout.unwrap_or(1).to_string();
        let window = options.retry_window.unwrap_or(3_600).to_string();
        let parameters = [
            ("PurgeDelay", delay.as_str()),
            ("RecordWindow", "1"),
            ("RecordTimeout", &record),
            // One clock, and nothing goes on without its program.
            ("RecordMargin", "0"),
            ("RetryWindow", &window),
            ("DestinationEndpoints", "any"),
            ("ArchiveBuckets", &archives),
            ("RedshiftTargets", &redshift),
        ];
        let place = Place::take(machine)?;
        let stack = place.0.package.deploy(&name, &parameters).await?;
        if let Some(seconds) = options.record_timeout {
            // What a killed recorder held comes back after 17 minutes in AWS: tests cannot wait that long.
            let queue = stack.resource("EventsQueue").await?;
            redeliver_after(&stack, &queue, 3 * seconds).await?;
        }
        let server = machine.postgres.server;
        let warehouse = server.create(&name).await?;
        let mut archive = destinations::archive(&bucket, options.max_share.unwrap_or(1.0));
        if options.default_share {
            archive["settings"].as_object_mut().map(|settings| settings.remove("maxShare"));
        }
        for destination in [
            archive,
            destinations::warehouse(options.postgres_port.unwrap_or(server.port), &name),
            braze.destination(),
        ] {
            stack.api.add_destination(&destination).await?;
        }
        let s3 = stack.aws.s3();
        crate::archive::create_bucket(&s3, &bucket).await?;
        let _end = End { stack: stack.clone(), _place: place };
        Ok(Self { stack, s3, bucket, warehouse, braze, postgres: server.port, _end })
    }

    /// Puts a proxy between the purging function and S3.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn s3_proxy(&self) -> Result<S3> {
        let proxy = S3::start(self.stack.aws)?;
        self.stack.configure("purge", &[("AWS_ENDPOINT_URL_S3", &proxy.url)]).await?;
        Ok(proxy)
    }

    /// Writes an object of the archive.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let body = bytes.to_vec().into();
        self.s3.put_object().bucket(&self.bucket).key(key).body(body).send().await?;
        Ok(())
    }

    /// The current version of an object of the archive.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>> {
        let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await?;
        Ok(object.body.collect().await?.to_vec())
    }

    /// Deletes every version of an object of the archive.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn remove(&self, key: &str) -> Result<()> {
        let versions = self.s3.list_object_versions().bucket(&self.bucket).prefix(key).send().await?;
        for version in versions.versions() {
            let delete = self.s3.delete_object().bucket(&self.bucket).key(key);
            delete.set_version_id(version.version_id.clone()).send().await?;
        }
        Ok(())
    }
}

impl Machine {
    async fn start() -> Result<Self> {
        // `cargo test` builds no functions of other packages: without this, yesterday's would be tested.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built =
            Command::new(cargo).args(["build", "--workspace", "--quiet"]).current_dir(root()).status()?;
        ensure!(built.success(), "the functions do not build");
        let logs = root().join(".local/logs");
        let postgres = Postgres::start(&logs.join("test-postgres.log")).await?;
        let mut clouds = Vec::new();
        for number in 1..=available_parallelism()?.get().min(CLOUDS) {
            clouds.push(Cloud::start(&logs.join(format!("test-aws-{number}.log"))).await?);
        }
        Ok(Self { postgres, clouds })
    }
}

impl Cloud {
    async fn start(log: &Path) -> Result<Self> {
        let aws = Aws::start(log).await?;
        let package = Package::make(aws.endpoint, &programs()?.join("package")).await?;
        Ok(Self { package, worlds: AtomicUsize::new(0), _aws: aws })
    }
}
