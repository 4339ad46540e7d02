//! Settings and secrets that point where they must not: each is refused when a destination is connected or changed.

use jiff::Timestamp;
use model::destination::{Destination, Secrets};
use model::failure::Result;
use serde_json::{Value, json};

use crate::{DestinationChange, NewDestination, secrets_go_to};

fn connect(vendor: &str, settings: Value, secrets: Value) -> Result<(Destination, Secrets)> {
    let request = json!({ "name": "Place", "vendor": vendor, "settings": settings, "secrets": secrets });
    let request: NewDestination = serde_json::from_value(request).expect("a request");
    request.accept(false, Timestamp::UNIX_EPOCH)
}

fn change(destination: &Destination, change: Value) -> Result<Option<Secrets>> {
    let change: DestinationChange = serde_json::from_value(change).expect("a change");
    change.apply(&mut destination.clone(), false, Timestamp::UNIX_EPOCH)
}

/// The configuration of a workload identity federation as `gcloud iam workload-identity-pools create-cred-config
/// --aws` writes it, with changes.
fn federation(changes: Value) -> Value {
    let mut json = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aws",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url":
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken",
        "credential_source": {
            "environment_id": "aws1",
            "region_url": "http://169.254.169.254/latest/meta-data/placement/availability-zone",
            "url": "http://169.254.169.254/latest/meta-data/iam/security-credentials",
            "regional_cred_verification_url":
                "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
            "imdsv2_session_token_url": "http://169.254.169.254/latest/api/token"
        }
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        json[name] = value.clone();
    }
    json
}

fn key(changes: Value) -> Value {
    let mut json = json!({
        "type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": "-----BEGIN …",
        "client_email": "a@p.iam.gserviceaccount.com", "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/a",
        "universe_domain": "googleapis.com"
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        json[name] = value.clone();
    }
    json
}

fn bigquery(credentials: &Value) -> Result<(Destination, Secrets)> {
    let settings = json!({ "project": "p", "location": "EU", "datasets": ["web"] });
    connect("bigquery", settings, json!({ "credentials": credentials.to_string() }))
}

#[test]
fn a_google_credential_points_at_google_and_the_functions_own_role_alone() {
    for good in [
        key(json!({})),
        federation(json!({})),
        federation(json!({ "credential_source": { "environment_id": "aws1" } })),
    ] {
        bigquery(&good).expect("Google's own");
    }
    let elsewhere = "https://evil.example/v1/token";
    let source = |source: Value| federation(json!({ "credential_source": source }));
    for bad in [
        source(json!({ "file": "/proc/self/environ" })),
        source(json!({ "url": "http://127.0.0.1:9001/", "headers": { "x": "y" } })),
        source(json!({ "executable": { "command": "/bin/sh -c env" } })),
        source(json!({ "environment_id": "aws1", "file": "/proc/self/environ" })),
        source(json!({ "environment_id": 1, "file": "/proc/self/environ" })),
        source(json!({ "environment_id": "aws1", "url": "http://169.254.170.2/v2/credentials" })),
        source(json!({ "environment_id": "aws1", "region_url": "http://evil.example/" })),
        source(json!({ "environment_id": "aws1", "imdsv2_session_token_url": "http://evil.example/" })),
        source(
            json!({ "environment_id": "aws1", "regional_cred_verification_url": "https://evil.example/" }),
        ),
        source(json!("file")),
        federation(json!({ "token_url": elsewhere })),
        federation(json!({ "token_url": "http://sts.googleapis.com/v1/token" })),
        federation(json!({ "token_url": "https://sts.googleapis.com@evil.example/v1/token" })),
        federation(json!({ "token_url": "https://sts.googleapis.com.evil.example/v1/token" })),
        federation(json!({ "token_url": "https://sts.googleapis.com:8443/v1/token" })),
        federation(json!({ "token_info_url": elsewhere })),
        federation(json!({ "service_account_impersonation_url": elsewhere })),
        federation(json!({ "universe_domain": "evil.example" })),
        federation(json!({ "subject_token_type": "urn:ietf:params:oauth:token-type:jwt" })),
        federation(json!({ "surprise": elsewhere })),
        key(json!({ "token_uri": elsewhere })),
        key(json!({ "token_uri": null })),
        key(json!({ "universe_domain": "evil.example" })),
        key(json!({ "type": "authorized_user" })),
        key(json!({ "type": "impersonated_service_account" })),
        key(json!({ "type": "anonymous" })),
        json!([]),
    ] {
        let failure = bigquery(&bad).expect_err(&format!("accepted: {bad}"));
        assert_eq!(failure.field, Some("secrets"), "{failure}");
        assert!(!failure.public.contains("evil") && !failure.public.contains("/proc"), "{failure}");
    }
    let (destination, _) = bigquery(&key(json!({}))).expect("Google's own");
    let file = source(json!({ "file": "/proc/self/environ" })).to_string();
    let failure = change(&destination, json!({ "secrets": { "credentials": file } })).expect_err("a file");
    assert_eq!(failure.field, Some("secrets"));
}

#[test]
fn the_key_of_google_analytics_points_at_google_too() {
    let settings = json!({ "propertyId": "1" });
    let with = |key: Value| json!({ "serviceAccountKey": key.to_string() });
    connect("google-analytics", settings.clone(), with(key(json!({})))).expect("Google's own");
    let bad = key(json!({ "token_uri": "https://evil.example/" }));
    assert!(connect("google-analytics", settings.clone(), with(bad)).is_err());
    assert!(connect("google-analytics", settings, with(federation(json!({})))).is_err());
}

#[test]
fn a_stored_secret_is_sent_nowhere_else_than_where_it_was_given_for() {
    let postgres = json!({ "host": "db.example.com", "database": "d", "user": "u", "schemas": ["web"] });
    let (warehouse, _) = connect("postgres", postgres, json!({ "password": "p" })).expect("good");
    for settings in [
        json!({ "host": "evil.example" }),
        json!({ "port": 6000 }),
        json!({ "user": "other" }),
        json!({ "tls": "disable" }),
        json!({ "caCertificate": "-----BEGIN CERTIFICATE-----" }),
    ] {
        let failure = change(&warehouse, json!({ "settings": settings })).expect_err("no secrets given");
        assert_eq!(failure.field, Some("secrets"), "{settings}: {failure}");
        let given = json!({ "settings": settings, "secrets": { "password": "again" } });
        change(&warehouse, given).expect("the secret again");
    }
    for settings in [json!({ "host": "db.example.com" }), json!({ "schemas": ["ios"] })] {
        change(&warehouse, json!({ "settings": settings })).expect("it goes where it went");
    }
    let key = json!({ "privateKey": "k" });
    let snowflake =
        json!({ "account": "o-a", "user": "U", "warehouse": "W", "database": "D", "schemas": ["WEB"] });
    let webhook = json!({ "url": "https://hooks.example.com/a" });
    for (vendor, settings, secrets, moved) in [
        ("snowflake", snowflake.clone(), key.clone(), json!({ "account": "evil-1" })),
        ("snowflake", snowflake, key, json!({ "user": "EVE" })),
        ("webhook", webhook, json!({ "sharedSecret": "s" }), json!({ "url": "https://evil.example/" })),
        ("iterable", json!({ "region": "us" }), json!({ "apiKey": "k" }), json!({ "region": "eu" })),
        (
            "zendesk",
            json!({ "host": "a.zendesk.com", "email": "a@b.c" }),
            json!({ "apiToken": "t" }),
            json!({ "host": "evil.zendesk.com" }),
        ),
        (
            "hubspot",
            json!({ "idProperty": "email", "host": "api.hubapi.com" }),
            json!({ "accessToken": "t" }),
            json!({ "host": null }),
        ),
    ] {
        let (destination, _) = connect(vendor, settings, secrets).expect(vendor);
        let failure = change(&destination, json!({ "settings": moved })).expect_err(vendor);
        assert_eq!(failure.field, Some("secrets"), "{vendor}: {failure}");
    }
}

/// Two changes at once leave the secrets of one with the settings of the other.
#[test]
fn secrets_know_where_they_go() {
    let settings = json!({ "host": "db.example.com", "database": "d", "user": "u", "schemas": ["web"] });
    let (warehouse, _) = connect("postgres", settings, json!({ "password": "p" })).expect("good");
    let with = |name: &str, value: Value| {
        let mut other = warehouse.clone();
        other.settings.insert(name.to_owned(), value);
        secrets_go_to(&other)
    };
    assert_eq!(with("schemas", json!(["ios"])), secrets_go_to(&warehouse));
    for (name, value) in [("host", json!("evil.example")), ("port", json!(1)), ("tls", json!("disable"))] {
        assert_ne!(with(name, value), secrets_go_to(&warehouse), "{name}");
    }
}

#[test]
fn a_webhook_is_a_public_https_host() {
    let connect = |url: &str| connect("webhook", json!({ "url": url }), json!({ "sharedSecret": "s" }));
    for good in ["https://hooks.example.com/delete?x=1", "https://hooks.example.com:8443/delete"] {
        connect(good).expect(good);
    }
    for bad in [
        "https://example.com:x@127.0.0.1",
        "https://example.com:443@127.0.0.1/",
        "https://user@hooks.example.com/",
        "https://:secret@hooks.example.com/",
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://localhost/x",
        "https://a.localhost./x",
        "https://db.internal/x",
        "https:///x",
        "nonsense",
    ] {
        let failure = connect(bad).expect_err(bad);
        assert_eq!(failure.field, Some("settings"), "{bad}: {failure}");
        assert!(!failure.public.contains("127.0.0.1"), "{failure}");
    }
}

#[test]
fn postgres_is_neither_a_socket_nor_this_machine_nor_its_metadata() {
    let connect = |host: &str| {
        let settings = json!({ "host": host, "database": "d", "user": "u", "schemas": ["web"] });
        connect("postgres", settings, json!({ "password": "p" }))
    };
    for good in ["db.example.com", "db.internal", "10.0.0.7", "fd12:3456::7", "my_db.example.com"] {
        connect(good).expect(good);
    }
    for bad in [
        "/var/run/postgresql",
        "@abstract",
        "",
        "localhost",
        "db.localhost",
        "127.0.0.1",
        "127.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "a.example.com,127.0.0.1",
        "a.example.com/x",
        "u@a.example.com",
        "a.example.com:5432",
    ] {
        let failure = connect(bad).expect_err(bad);
        assert_eq!(failure.field, Some("settings"), "{bad}: {failure}");
    }
}

#[test]
fn no_error_repeats_what_was_sent() {
    let good = json!({ "host": "db.example.com", "database": "d", "user": "u", "schemas": ["web"] });
    for (name, value) in [
        ("tls", json!("MyPassw0rd")),
        ("port", json!("MyPassw0rd")),
        ("schemas", json!("MyPassw0rd")),
        ("schemas", json!([{ "MyPassw0rd": 1 }])),
        ("exceptTables", json!(["MyPassw0rd"])),
        ("columns", json!([{ "column": "c", "type": "MyPassw0rd" }])),
        ("columns", json!([{ "column": "c", "type": "USER_ID", "MyPassw0rd": 1 }])),
        ("MyPassw0rd", json!("x")),
    ] {
        let mut settings = good.clone();
        settings[name] = value;
        let failure = connect("postgres", settings, json!({ "password": "p" })).expect_err(name);
        assert_eq!(failure.field, Some("settings"));
        assert!(!failure.public.contains("MyPassw0rd"), "{name}: {failure}");
        assert!(name == "MyPassw0rd" || failure.public.contains(name), "{name}: {failure}");
    }
    let failure =
        connect("postgres", good, json!({ "password": "p", "MyPassw0rd": "p" })).expect_err("unknown");
    assert!(!failure.public.contains("MyPassw0rd"), "{failure}");
}
