//! A fake Braze: a server that knows users and answers `POST /users/delete` as Braze documents it.
//!
//! <https://www.braze.com/docs/api/endpoints/user_data/post_user_delete/>: up to 50 identifiers a call, of one
//! kind only; `Authorization: Bearer` with a key that has `users.delete`; the answer counts the users *queued*.
//! Limits answer 429 with `X-RateLimit-Limit`, `-Remaining` and `-Reset`:
//! <https://www.braze.com/docs/api/api_limits/>.

use std::collections::{BTreeSet, VecDeque};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The key that it accepts.
pub const API_KEY: &str = "braze-key-with-users.delete";
const MAX_IDS: usize = 50;
const KINDS: [&str; 5] = ["external_ids", "user_aliases", "braze_ids", "email_addresses", "phone_numbers"];

/// How it can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 401: the key was revoked.
    Unauthorized,
    /// 429, free again after so many seconds.
    RateLimited(u64),
    /// 500.
    ServerError,
    /// 200 with something that is no JSON.
    Garbage,
    /// No answer for so long.
    Hang(Duration),
}

/// What it knows.
#[derive(Debug, Default)]
pub struct World {
    /// Its users, by external id.
    pub users: BTreeSet<String>,
    /// Every id it was asked to delete, in the order of the calls, known or not.
    pub asked: Vec<String>,
    /// How many calls it got, refused ones too.
    pub calls: usize,
    /// What it does on the next calls, in order, instead of its work.
    pub faults: VecDeque<Fault>,
}

type Shared = Arc<Mutex<World>>;

/// A running fake, stopped when dropped.
pub struct Braze {
    /// Where it listens.
    pub url: String,
    world: Shared,
    _stop: oneshot::Sender<()>,
}

impl Braze {
    /// Starts one on a free port. It runs on a thread of its own, since each test has its own runtime.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let world = Shared::default();
        let (stop, stopped) = oneshot::channel();
        let routes = Router::new()
            .route("/users/delete", post(delete))
            // Not Braze's: how another process (the demo) fills it and looks into it.
            .route("/fake/users", get(list).put(fill))
            .with_state(world.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = async { axum::serve(listener, routes).await } => (),
                    _ = stopped => (),
                }
            });
        });
        Ok(Self { url, world, _stop: stop })
    }

    /// What it knows now; also the place to add users and faults.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn list(State(world): State<Shared>) -> Json<BTreeSet<String>> {
    Json(lock(&world).users.clone())
}

async fn fill(State(world): State<Shared>, Json(users): Json<BTreeSet<String>>) {
    lock(&world).users = users;
}

async fn delete(
    State(world): State<Shared>,
    headers: HeaderMap,
    body: Result<Json<Value>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let fault = {
        let mut world = lock(&world);
        world.calls += 1;
        world.faults.pop_front()
    };
    if let Some(fault) = fault {
        return misbehave(fault).await;
    }
    if headers.get("authorization").is_none_or(|given| given != &format!("Bearer {API_KEY}")) {
        return misbehave(Fault::Unauthorized).await;
    }
    let Ok(Json(body)) = body else { return refuse("Unable to parse request") };
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| body.get(kind).is_some()).collect();
    let [kind] = kinds[..] else {
        return refuse(
            "Exactly one of external_ids, user_aliases, braze_ids, email_addresses or phone_numbers is required",
        );
    };
    let Some(ids) = body[kind].as_array().filter(|ids| (1..=MAX_IDS).contains(&ids.len())) else {
        return refuse("Between 1 and 50 identifiers may be given");
    };
    let mut world = lock(&world);
    let mut deleted = 0;
    for id in ids.iter().filter_map(Value::as_str) {
        world.asked.push(id.to_owned());
        deleted += usize::from(kind == "external_ids" && world.users.remove(id));
    }
    (StatusCode::CREATED, Json(json!({ "deleted": deleted, "message": "success" }))).into_response()
}

fn refuse(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response()
}

async fn misbehave(fault: Fault) -> Response {
    match fault {
        Fault::Unauthorized => {
            (StatusCode::UNAUTHORIZED, Json(json!({ "code": 401, "message": "Invalid API key" })))
                .into_response()
        }
        Fault::RateLimited(seconds) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            let headers = [
                ("X-RateLimit-Limit", "20000".to_owned()),
                ("X-RateLimit-Remaining", "0".to_owned()),
                ("X-RateLimit-Reset", (now + seconds).to_string()),
            ];
            (StatusCode::TOO_MANY_REQUESTS, headers, Json(json!({ "message": "Rate limit exceeded" })))
                .into_response()
        }
        Fault::ServerError => {
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "message": "Internal error" }))).into_response()
        }
        Fault::Garbage => (StatusCode::OK, "<html>It works!</html>").into_response(),
        Fault::Hang(time) => {
            tokio::time::sleep(time).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Client;

    use super::*;

    async fn delete(braze: &Braze, key: &str, body: Value) -> (u16, Value) {
        let request = Client::new().post(format!("{}/users/delete", braze.url)).bearer_auth(key).json(&body);
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap_or_default())
    }

    #[tokio::test]
    async fn counts_the_users_it_knows_and_refuses_what_braze_refuses() {
        let braze = Braze::start().unwrap();
        braze.world().users.extend(["u1".to_owned(), "u10".to_owned()]);
        let (status, answer) = delete(&braze, API_KEY, json!({ "external_ids": ["u1", "nobody"] })).await;
        assert_eq!((status, &answer["deleted"]), (201, &json!(1)));
        assert_eq!(braze.world().users, BTreeSet::from(["u10".to_owned()]));
        assert_eq!(braze.world().asked, ["u1", "nobody"]);

        assert_eq!(delete(&braze, "another key", json!({ "external_ids": ["u10"] })).await.0, 401);
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        assert_eq!(delete(&braze, API_KEY, json!({ "external_ids": many })).await.0, 400);
        assert_eq!(
            delete(&braze, API_KEY, json!({ "external_ids": ["u10"], "braze_ids": ["b"] })).await.0,
            400
        );
        assert_eq!(delete(&braze, API_KEY, json!({})).await.0, 400);

        braze.world().faults.extend([Fault::RateLimited(5), Fault::ServerError, Fault::Garbage]);
        for expected in [429, 500, 200] {
            assert_eq!(delete(&braze, API_KEY, json!({ "external_ids": ["u10"] })).await.0, expected);
        }
        assert!(braze.world().users.contains("u10"));
        assert_eq!(braze.world().calls, 8);
    }
}
