//! Clients ask for more at once than this machine can do: they wait, and none of them sees an error.
//!
//! `make load` lets 50 clients ask for 1,000 regulations of 100 subjects each; beside other tests there are fewer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::warehouse::fill;
use tests::world::World;

use crate::chaos::given;

#[tokio::test]
async fn many_clients_at_once_see_no_error() -> Result<()> {
    let number = |name, usual| given(name).map_or(usual, |number| number as usize);
    let (clients, regulations) = (number("CLIENTS", 10), number("REGULATIONS", 20));
    let subjects = number("SUBJECTS", 3);
    let world = World::new().await?;
    fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let (begin, next) = (Instant::now(), AtomicUsize::new(0));
    let clients = (0..clients).map(async |_| {
        let (mut ids, mut slowest) = (Vec::new(), Duration::ZERO);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= regulations {
                return anyhow::Ok((ids, slowest));
            }
            let people: Vec<String> = (0..subjects).map(|s| format!("user-{n}-{s}")).collect();
            let body = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": people });
            let since = Instant::now();
            let (status, answer) = world.stack.api.send(Method::POST, "/regulations", Some(&body)).await?;
            slowest = slowest.max(since.elapsed());
            ensure!(status.is_success(), "{status} after {:?}: {answer}", since.elapsed());
            let id = answer["data"]["regulateId"].as_str().unwrap_or_default().to_owned();
            let since = Instant::now();
            let (status, answer) = world.stack.api.send(Method::GET, &format!("/regulations/{id}"), None).await?;
            slowest = slowest.max(since.elapsed());
            ensure!(status == StatusCode::OK, "{status} after {:?}: {answer}", since.elapsed());
            ids.push(id);
        }
    });
    let served = try_join_all(clients).await?;
    let accepted = begin.elapsed();
    let slowest = served.iter().map(|(_, slowest)| *slowest).max().unwrap_or_default();
    for id in served.iter().flat_map(|(ids, _)| ids) {
        let regulation = loop {
            // One long wait is not enough for a thousand.
            match world.stack.api.wait(id, |_| ()).await {
                Err(_) if begin.elapsed() < Duration::from_secs(3_600) => {}
                ended => break ended?,
            }
        };
        ensure!(regulation["overallStatus"] == "FINISHED", "{regulation:#}");
    }
    eprintln!(
        "{regulations} regulations of {subjects}: accepted in {accepted:.1?}, the slowest answer took {slowest:.1?}, all finished \
         after {:.1?}",
        begin.elapsed()
    );
    Ok(())
}
