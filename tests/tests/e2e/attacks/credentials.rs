//! A token that may only connect destinations tries to make Lethe send secrets away, or call into its own network.

use std::io::ErrorKind;
use std::net::TcpListener;

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::world::World;

/// A server of the attacker: it only notes whether it was called.
struct Thief {
    listener: TcpListener,
    url: String,
}

impl Thief {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    fn was_called(&self) -> bool {
        !matches!(self.listener.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

async fn refused(world: &World, method: Method, path: &str, body: &Value, field: &str) -> Result<()> {
    let (status, answer) = world.stack.api.send(method, path, Some(body)).await?;
    // Of settings, the error names which.
    let told = answer["errors"][0]["field"].as_str().and_then(|told| told.split('.').next());
    ensure!((status.as_u16(), told) == (422, Some(field)), "{status}: {answer}");
    Ok(())
}

/// The id of a destination of the world.
async fn id_of(world: &World, name: &str) -> Result<String> {
    let all = world.stack.api.get("/destinations").await?;
    let found = all["data"]["destinations"].as_array().into_iter().flatten().find(|one| one["name"] == name);
    Ok(found.and_then(|one| one["id"].as_str()).unwrap_or_default().to_owned())
}

/// The environment of a function holds its role's keys. It left with the token request of a federation that reads it as a
/// file.
#[tokio::test]
async fn files_and_keys_do_not_leave_by_a_google_credential() -> Result<()> {
    let (world, thief) = (World::new().await?, Thief::start()?);
    for source in [
        json!({ "file": "/proc/self/environ" }),
        json!({ "url": "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next" }),
        json!({ "executable": { "command": "/usr/bin/env" } }),
    ] {
        let credentials = json!({
            "type": "external_account", "audience": "a", "token_url": thief.url,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": source,
        });
        let body = json!({
            "name": "Exit", "vendor": "bigquery",
            "settings": { "project": "p", "location": "EU", "datasets": ["d"] },
            "secrets": { "credentials": credentials.to_string() },
        });
        refused(&world, Method::POST, "/destinations", &body, "secrets").await?;
    }
    ensure!(id_of(&world, "Exit").await?.is_empty() && !thief.was_called());
    Ok(())
}

#[tokio::test]
async fn a_stored_secret_does_not_follow_a_changed_host() -> Result<()> {
    let (world, thief) = (World::new().await?, Thief::start()?);
    let port = thief.listener.local_addr()?.port();
    for (name, settings) in [
        ("Braze", json!({ "endpoint": thief.url })),
        ("Warehouse", json!({ "port": port })),
        ("Warehouse", json!({ "host": "localhost" })),
        ("Warehouse", json!({ "tls": null })),
        ("Warehouse", json!({ "user": "postgres" })),
    ] {
        let path = format!("/destinations/{}", id_of(&world, name).await?);
        let before = world.stack.api.get(&path).await?;
        refused(&world, Method::PATCH, &path, &json!({ "settings": settings }), "secrets").await?;
        ensure!(world.stack.api.get(&path).await? == before, "{name} was changed");
        world.stack.api.post(&format!("{path}/check"), &json!({})).await?;
    }
    ensure!(!thief.was_called(), "a secret was sent");
    Ok(())
}

/// The world's own destinations are on this machine: a deployed stack, which they become here, leaves them alone.
#[tokio::test]
async fn a_deployed_stack_reaches_neither_itself_nor_its_metadata() -> Result<()> {
    let world = World::new().await?;
    for function in ["intake", "erase", "forward"] {
        world.stack.configure(function, &[("DESTINATION_ENDPOINTS", "vendor")]).await?;
    }
    for url in [
        "https://example.com:x@127.0.0.1",
        "https://127.1/",
        "https://[::ffff:169.254.169.254]/",
        "https://localhost/",
    ] {
        let body = json!({ "name": "Hook", "vendor": "webhook", "settings": { "url": url },
                           "secrets": { "sharedSecret": "s" } });
        refused(&world, Method::POST, "/destinations", &body, "settings").await?;
    }
    for host in ["/var/run/postgresql", "127.0.0.1", "localhost", "169.254.169.254"] {
        let body = json!({ "name": "Db", "vendor": "postgres", "secrets": { "password": "p" },
                           "settings": { "host": host, "database": "d", "user": "u", "schemas": ["web"] } });
        refused(&world, Method::POST, "/destinations", &body, "settings").await?;
    }
    let calls = world.braze.world().calls;
    for name in ["Braze", "Warehouse"] {
        let path = format!("/destinations/{}/check", id_of(&world, name).await?);
        let found = world.stack.api.post(&path, &json!({})).await?;
        ensure!(found["data"]["ok"] == false, "{name}: {found}");
    }
    ensure!(world.braze.world().calls == calls, "Braze was called");
    Ok(())
}

/// Who mistakes a field must not find the password in the audit trail, nor in the answer.
#[tokio::test]
async fn what_was_sent_is_not_repeated() -> Result<()> {
    let world = World::new().await?;
    for settings in [
        json!({ "host": "h", "database": "d", "user": "u", "schemas": ["web"], "tls": "MyPassw0rd" }),
        json!({ "host": "h", "database": "d", "user": "u", "schemas": ["web"], "MyPassw0rd": "x" }),
        json!({ "host": "h", "database": "d", "user": "u", "schemas": ["web"], "exceptTables": ["MyPassw0rd"] }),
    ] {
        let body = json!({ "name": "Db", "vendor": "postgres", "settings": settings, "secrets": { "password": "p" } });
        let (status, answer) = world.stack.api.send(Method::POST, "/destinations", Some(&body)).await?;
        ensure!(status.as_u16() == 422 && !answer.to_string().contains("MyPassw0rd"), "{answer}");
    }
    let trail = world.stack.api.get("/audit").await?;
    ensure!(!trail.to_string().contains("MyPassw0rd"), "{trail}");
    Ok(())
}
