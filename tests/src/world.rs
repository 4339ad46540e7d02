//! What a test starts from: a stack of its own, with a bucket, a database and a Braze that nobody else uses.
//!
//! The local AWS and Postgres are shared by all tests of a program; they start with the first and end with the
//! program.

use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, ensure};
use tokio::sync::OnceCell;
use tokio_postgres::Client;

use crate::archive;
use crate::aws::Aws;
use crate::braze::Braze;
use crate::destinations;
use crate::postgres::Postgres;
use crate::process::root;
use crate::stack::{Package, Stack, programs};

/// What all tests share.
struct Machine {
    postgres: Postgres,
    package: Package,
    // Last, so that it ends last.
    _aws: Aws,
}

static MACHINE: OnceCell<Machine> = OnceCell::const_new();
static WORLDS: AtomicU16 = AtomicU16::new(1);

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
    pub braze: Braze,
}

impl World {
    /// A world with three destinations: `Events archive`, `Warehouse` and `Braze`.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn new() -> Result<Self> {
        let machine = MACHINE.get_or_try_init(Machine::start).await?;
        let name = format!("test{}", WORLDS.fetch_add(1, Ordering::Relaxed));
        let (bucket, braze) = (format!("{name}-archive"), Braze::start()?);
        // Tests cannot wait an hour for more regulations to purge together.
        let parameters = [("PurgeDelay", "1"), ("DestinationEndpoints", "any"), ("ArchiveBuckets", &bucket)];
        let stack = machine.package.deploy(&name, &parameters).await?;
        let warehouse = machine.postgres.server.create(&name).await?;
        for destination in [
            destinations::archive(&bucket),
            destinations::warehouse(machine.postgres.server.port, &name),
            destinations::braze(&braze.url),
        ] {
            stack.api.add_destination(&destination).await?;
        }
        let s3 = stack.aws.s3();
        archive::create_bucket(&s3, &bucket).await?;
        Ok(Self { stack, s3, bucket, warehouse, braze })
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
        let (aws_log, postgres_log) = (logs.join("test-aws.log"), logs.join("test-postgres.log"));
        let (aws, postgres) = tokio::try_join!(Aws::start(&aws_log), Postgres::start(&postgres_log))?;
        let package = Package::make(aws.endpoint, &programs()?.join("package")).await?;
        Ok(Self { postgres, package, _aws: aws })
    }
}
