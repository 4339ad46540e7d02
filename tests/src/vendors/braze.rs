//! A fake Braze.
//!
//! <https://www.braze.com/docs/api/endpoints/user_data/post_user_delete/>: up to 50 identifiers a call, of one
//! kind only; `Authorization: Bearer` with a key that has `users.delete`; the answer counts the users *queued*.
//! Limits answer 429 with `X-RateLimit-Limit`, `-Remaining` and `-Reset`:
//! <https://www.braze.com/docs/api/api_limits/>.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer};

/// The key that it accepts.
pub const API_KEY: &str = "braze-key-with-users.delete";
const MAX_IDS: usize = 50;
const KINDS: [&str; 5] = ["external_ids", "user_aliases", "braze_ids", "email_addresses", "phone_numbers"];

/// Braze.
pub const BRAZE: Vendor = Vendor {
    name: "braze",
    destination,
    key: ("authorization", "Bearer braze-key-with-users.delete"),
    open: None,
    unauthorized: || answer(401, json!({ "code": 401, "message": "Invalid API key" })),
    rate: (20_000, Duration::from_secs(60)),
    limited: |seconds, now| {
        vec![
            ("x-ratelimit-limit", "20000".into()),
            ("x-ratelimit-remaining", "0".into()),
            ("x-ratelimit-reset", (now + seconds).to_string()),
        ]
    },
    answer: delete,
};

/// A Braze at this URL.
pub fn destination(url: &str) -> Value {
    json!({ "name": "Braze", "vendor": "braze", "settings": { "endpoint": url }, "secrets": { "apiKey": API_KEY } })
}

fn delete(world: &mut World, call: &Call) -> Answer {
    if call.line() != "POST users/delete" {
        return answer(404, json!({ "message": "Not found" }));
    }
    let body = call.json();
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| body.get(kind).is_some()).collect();
    let [kind] = kinds[..] else {
        return refuse(
            "Exactly one of external_ids, user_aliases, braze_ids, email_addresses or phone_numbers is required",
        );
    };
    let Some(ids) = body[kind].as_array().filter(|ids| (1..=MAX_IDS).contains(&ids.len())) else {
        return refuse("Between 1 and 50 identifiers may be given");
    };
    let known = ids.iter().filter_map(Value::as_str).filter(|id| world.delete(id)).count();
    answer(201, json!({ "deleted": if kind == "external_ids" { known } else { 0 }, "message": "success" }))
}

fn refuse(message: &str) -> Answer {
    answer(400, json!({ "message": message }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::Method;

    use super::super::Fake;
    use super::super::tests::call;
    use super::*;

    #[tokio::test]
    async fn counts_the_users_it_knows_and_refuses_what_braze_refuses() {
        let braze = Fake::start(&BRAZE).unwrap();
        braze.world().users.extend(["u1".to_owned(), "u10".to_owned()]);
        let delete = |body| call(&braze, Method::POST, "/users/delete", body);
        let (status, answer) = delete(json!({ "external_ids": ["u1", "nobody"] })).await;
        assert_eq!((status, &answer["deleted"]), (201, &json!(1)));
        assert_eq!(braze.world().users, BTreeSet::from(["u10".to_owned()]));
        assert_eq!(braze.world().asked, ["u1", "nobody"]);

        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        assert_eq!(delete(json!({ "external_ids": many })).await.0, 400);
        assert_eq!(delete(json!({ "external_ids": ["u10"], "braze_ids": ["b"] })).await.0, 400);
        assert_eq!(delete(json!({})).await.0, 400);
        assert!(braze.world().users.contains("u10"));
    }
}
