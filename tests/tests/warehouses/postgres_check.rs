//! What `check` says of a Postgres that an erasure would stumble over.

use anyhow::Result;
use model::failure::FailureKind;
use serde_json::json;
use tests::postgres::PASSWORD;
use warehouses::survey;

use crate::machine;
use crate::postgres::Local;
use crate::suite::{Double, SCHEMA, erase, people};

/// A table that is published without a replica identity takes no deletion: `check` says so beforehand and the erasure
/// while it goes on with the others; partitions count as their parent.
#[tokio::test]
async fn a_published_table_without_a_replica_identity_is_named_with_the_remedy() -> Result<()> {
    let local = Local::new()
        .await?
        .setting(
            "CREATE TABLE bare (user_id text); CREATE TABLE keyed (user_id text PRIMARY KEY);
             CREATE TABLE whole (user_id text); ALTER TABLE whole REPLICA IDENTITY FULL;
             CREATE TABLE parts (user_id text) PARTITION BY LIST (user_id); CREATE TABLE part PARTITION OF parts DEFAULT;
             INSERT INTO bare VALUES ('7'); INSERT INTO keyed VALUES ('7'); INSERT INTO whole VALUES ('7');
             CREATE PUBLICATION everything FOR ALL TABLES",
        )
        .await?;
    let checked = survey::check(&mut local.connect().await?, &[]).await?;
    let refusals = checked.tables.iter().filter(|table| table.error.is_some());
    assert_eq!(refusals.map(|table| table.table.as_str()).collect::<Vec<_>>(), ["web.bare", "web.parts"]);
    let message = checked.message();
    assert!(!checked.is_whole() && message.contains("REPLICA IDENTITY FULL"), "{message}");

    let failure = erase(&local, &people([7]), "published").await.expect_err("it is refused");
    assert_eq!(failure.kind, FailureKind::Permanent);
    assert!(failure.public.contains("web.bare: the table is published"), "{failure}");
    assert_eq!(
        local.sql("SELECT (SELECT count(*) FROM web.keyed), (SELECT count(*) FROM web.whole)").await?,
        [["0", "0"]]
    );
    local.owner.batch_execute("ALTER TABLE web.bare REPLICA IDENTITY FULL").await?;
    erase(&local, &people([7]), "identified").await?;
    Ok(())
}

/// A server that takes no changes is refused before anything is counted: a replica may not have the rows yet.
#[tokio::test]
async fn a_server_that_takes_no_changes_is_named_with_the_remedy() -> Result<()> {
    let role = machine::name();
    let local = Local::new()
        .await?
        .setting(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; ALTER ROLE {role} SET default_transaction_read_only = on;
             CREATE TABLE tracks (user_id text); GRANT USAGE ON SCHEMA web TO {role}; GRANT ALL ON tracks TO {role};"
        ))
        .await?
        .with_user(&role);
    let checked = survey::check(&mut local.connect().await?, &[]).await;
    for failure in
        [checked.expect_err("read-only"), erase(&local, &people([7]), "read").await.expect_err("read-only")]
    {
        assert_eq!(failure.kind, FailureKind::Permanent);
        assert!(failure.public.contains("25006") && failure.public.contains("primary"), "{failure}");
    }
    Ok(())
}

#[tokio::test]
async fn columns_that_look_like_ids_and_are_not_covered_are_named() -> Result<()> {
    let mut local = Local::new()
        .await?
        .setting(
            "CREATE TABLE tracks (user_id text, \"context_userId\" text, member text, identity_id int, fluid text);
             CREATE TABLE orders (id int, customer_id text); CREATE TABLE audit (user_uuid uuid);
             CREATE TABLE parts (user_id text, email text) PARTITION BY LIST (user_id);
             CREATE TABLE part PARTITION OF parts DEFAULT;
             CREATE SCHEMA crm; CREATE TABLE crm.contacts (contact_id int)",
        )
        .await?;
    let remark = "looks like user ids, not covered: web.audit.user_uuid, web.orders.customer_id, web.parts.email, web.tracks.context_userId;";
    let checked = survey::check(&mut local.connect().await?, &[]).await?;
    assert!(checked.is_whole() && checked.message().contains(remark), "{}", checked.message());

    local.settings["schemas"] = json!(["crm"]);
    let failure = survey::check(&mut local.connect().await?, &[]).await.expect_err("no table");
    assert!(
        failure
            .public
            .ends_with("not covered: crm.contacts.contact_id; if they are, name them in settings.columns")
    );
    local.settings["schemas"] = json!([SCHEMA]);
    local.settings["exceptTables"] = json!(["web.audit"]);
    local.settings["columns"] = json!([
        { "column": "customer_id", "type": "USER_ID" }, { "column": "email", "type": "USER_ID" },
        { "column": "context_userId", "type": "USER_ID" },
    ]);
    let checked = survey::check(&mut local.connect().await?, &[]).await?;
    assert_eq!(checked.remarks, Vec::<String>::new());
    Ok(())
}
