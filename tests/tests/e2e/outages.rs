//! Vendors, databases and objects that misbehave: everything else is done, the status names what failed and
//! why, nothing is lost, and a retry once the cause is gone completes it.

use std::io::{Read, Write};
use std::time::Duration;

use anyhow::Result;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tests::archive::PREFIX;
use tests::process::free_port;
use tests::scenario::{Scenario, forget_the_three, retry, task};
use tests::vendors::Fault;
use tests::world::{Options, World};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::alarms::alarms;

#[tokio::test]
async fn a_vendor_that_refuses_fails_alone_and_a_retry_completes_it() -> Result<()> {
    let world = World::with(Options { retry_window: Some(3), ..Options::default() }).await?;
    let scenario = Scenario::set(&world).await?;
    world.braze.world().faults.extend([Fault::Unauthorized; 3]);
    let mut regulation = forget_the_three(&world).await?;
    assert_eq!(regulation["overallStatus"], "PARTIAL_SUCCESS", "{regulation:#}");
    assert_eq!(task(&regulation, "Warehouse").0, "CONFIRMED");
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED");
    let (status, message) = task(&regulation, "Braze");
    assert_eq!(status, "FAILED");
    assert!(message.contains("401") && message.contains("retry"), "{message}");
    assert!(alarms(&world.stack, 0).await?.contains("FailedTasksAlarm"));
    scenario.assert_archive_clean(&world).await?;
    scenario.assert_warehouse_clean(&world).await?;

    // Troubles that do not pass within the retry window.
    for (fault, said) in [(Fault::ServerError, "500"), (Fault::Garbage, "does not document")] {
        world.braze.world().faults = [fault; 50].into();
        regulation = retry(&world, &regulation).await?;
        assert_eq!(regulation["overallStatus"], "PARTIAL_SUCCESS", "{regulation:#}");
        assert!(task(&regulation, "Braze").1.contains(said), "{regulation:#}");
    }

    world.braze.world().faults.clear();
    let done = retry(&world, &regulation).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    assert_eq!(task(&done, "Braze").0, "ACCEPTED");
    scenario.assert_forgotten(&world).await
}

#[tokio::test]
async fn passing_trouble_is_waited_for() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    let silence = Fault::Hang(Duration::from_secs(12));
    let faults = [Fault::RateLimited(1), Fault::ServerError, Fault::Garbage, silence];
    world.braze.world().faults.extend(faults);
    let regulation = forget_the_three(&world).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    assert_eq!(world.braze.world().calls, faults.len() + 1);
    scenario.assert_forgotten(&world).await
}

#[tokio::test]
async fn a_database_that_is_down_fails_alone_and_a_retry_completes_it() -> Result<()> {
    let port = free_port()?;
    let world =
        World::with(Options { retry_window: Some(3), postgres_port: Some(port), ..Options::default() })
            .await?;
    let scenario = Scenario::set(&world).await?;
    let regulation = forget_the_three(&world).await?;
    assert_eq!(regulation["overallStatus"], "PARTIAL_SUCCESS", "{regulation:#}");
    let (status, message) = task(&regulation, "Warehouse");
    assert_eq!(status, "FAILED");
    assert!(message.contains("cannot be reached"), "{message}");
    assert_eq!(task(&regulation, "Braze").0, "ACCEPTED");
    scenario.assert_archive_clean(&world).await?;

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let real = world.postgres;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", real)).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    // It answers, but a table of it stays locked.
    world.warehouse.batch_execute("BEGIN; LOCK TABLE web.tracks IN SHARE MODE").await?;
    let regulation = retry(&world, &regulation).await?;
    world.warehouse.batch_execute("COMMIT").await?;
    let (status, message) = task(&regulation, "Warehouse");
    assert_eq!(status, "FAILED");
    assert!(message.contains("web.tracks"), "{message}");

    let done = retry(&world, &regulation).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    assert_eq!(world.braze.world().asked.len(), 3, "what was done is not done again");
    scenario.assert_forgotten(&world).await
}

#[tokio::test]
async fn a_corrupt_object_is_named_and_left_alone_and_the_others_are_purged() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"{\"userId\":\"u1\"}\n{\"userId\":\"other\"}\n")?;
    let whole = gzip.finish()?;
    let (key, broken) = (format!("{PREFIX}web/1767225600000/broken.gz"), &whole[..whole.len() - 6]);
    world.put(&key, broken).await?;

    let regulation = forget_the_three(&world).await?;
    assert_eq!(regulation["overallStatus"], "PARTIAL_SUCCESS", "{regulation:#}");
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "FAILED");
    assert!(message.contains(&key) && message.contains("corrupt"), "{message}");
    assert_eq!(world.get(&key).await?, broken, "it stays as it was");
    world.remove(&key).await?;
    scenario.assert_forgotten(&world).await?;

    world.put(&key, &whole).await?;
    let done = retry(&world, &regulation).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    assert_eq!(task(&done, "Events archive").0, "CONFIRMED");
    let mut text = String::new();
    MultiGzDecoder::new(world.get(&key).await?.as_slice()).read_to_string(&mut text)?;
    assert_eq!(text, "{\"userId\":\"other\"}\n");
    Ok(())
}
