//! The regulations that wait at a warehouse for their rows to be deleted, and the leader's lease there, in the table
//! `runs`.

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::{Store, number, text, to_item, unless_refused, value};
use model::failure::{Failure, Result};
use model::group_commit::{GroupMember, GroupOutcome};
use model::id::{DestinationId, RegulationId};

const GROUP: &str = "GROUP#";
const LEASE: &str = "LEASE";

/// How long a lease lasts after its leader took or renewed it: an invocation (15 minutes), the longest wait for a
/// statement before the next (5 minutes), and a margin. Two leaders do no harm; they only do some work twice.
const LEASE_LASTS: SignedDuration = SignedDuration::from_mins(25);

impl Store {
    /// Puts a regulation on a destination's list. The entry of the same attempt stays as it is.
    ///
    /// # Errors
    /// `Transient`, if its task there has ended meanwhile, so that nothing would take it off again, or if DynamoDB
    /// throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn enlist(&self, destination: &DestinationId, member: &GroupMember) -> Result<()> {
        let put = Put::builder()
            .table_name(&self.tables.runs)
            .set_item(Some(to_item(&pk(destination), member.regulation_id.as_str(), member)?))
            .condition_expression("attribute_not_exists(pk) OR attempt < :attempt")
            .expression_attribute_values(":attempt", number(member.attempt.into()));
        self.put_while_open(destination, &member.regulation_id, put).await.map(drop)
    }

    /// Puts an item, if a regulation's task at a destination has not ended. Returns whether the item's own condition
    /// held.
    async fn put_while_open(
        &self,
        destination: &DestinationId,
        id: &RegulationId,
        put: PutBuilder,
    ) -> Result<bool> {
        let put = put.build().map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
        let check = self.while_open(id, destination)?;
        let items = vec![
            TransactWriteItem::builder().condition_check(check).build(),
            TransactWriteItem::builder().put(put).build(),
        ];
        match self.together(items).await? {
            None => Ok(true),
            Some(0) => Err(Failure::transient("its task has ended meanwhile")),
            Some(_) => Ok(false),
        }
    }

    /// A regulation's entry in a destination's list.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn enlisted(
        &self,
        destination: &DestinationId,
        id: &RegulationId,
    ) -> Result<Option<GroupMember>> {
        self.get(&self.tables.runs, (&pk(destination), id.as_str())).await
    }

    /// A destination's list.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn all_enlisted(&self, destination: &DestinationId) -> Result<Vec<GroupMember>> {
        self.all(&self.tables.runs, &pk(destination), "reg_").await
    }

    /// Notes what a group did for a regulation, unless that is noted already or the regulation has begun another
    /// attempt.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn note_outcome(
        &self,
        destination: &DestinationId,
        (id, attempt): (&RegulationId, u32),
        outcome: &GroupOutcome,
    ) -> Result<()> {
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.runs)
            .key("pk", text(&pk(destination)))
            .key("sk", text(id.as_str()))
            .update_expression("SET outcome = :outcome")
            .condition_expression("attempt = :attempt AND attribute_not_exists(outcome)")
            .expression_attribute_values(":attempt", number(attempt.into()))
            .expression_attribute_values(":outcome", value(outcome)?);
        unless_refused(request.send().await)
    }

    /// The regulation that holds the lease at a destination.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn leader(&self, destination: &DestinationId, now: Timestamp) -> Result<Option<RegulationId>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Lease {
            regulation_id: RegulationId,
            leased_until: i64,
        }
        let lease: Option<Lease> = self.get(&self.tables.runs, (&pk(destination), LEASE)).await?;
        let holds = |lease: &Lease| lease.leased_until >= now.as_second();
        Ok(lease.filter(holds).map(|lease| lease.regulation_id))
    }

    /// Takes the lease at a destination, or renews it. Returns whether this regulation holds it now.
    ///
    /// # Errors
    /// As [`Store::enlist`].
    pub async fn take_lease(
        &self,
        destination: &DestinationId,
        id: &RegulationId,
        now: Timestamp,
    ) -> Result<bool> {
        let second = |at: Timestamp| AttributeValue::N(at.as_second().to_string());
        let put = Put::builder()
            .table_name(&self.tables.runs)
            .item("pk", text(&pk(destination)))
            .item("sk", text(LEASE))
            .item("regulationId", text(id.as_str()))
            .item("leasedUntil", second(now + LEASE_LASTS))
            .condition_expression("attribute_not_exists(pk) OR regulationId = :id OR leasedUntil < :now")
            .expression_attribute_values(":id", text(id.as_str()))
            .expression_attribute_values(":now", second(now));
        self.put_while_open(destination, id, put).await
    }

    /// Releases the lease, if this regulation holds it.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn release_lease(&self, destination: &DestinationId, id: &RegulationId) -> Result<()> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.tables.runs)
            .key("pk", text(&pk(destination)))
            .key("sk", text(LEASE))
            .condition_expression("regulationId = :id")
            .expression_attribute_values(":id", text(id.as_str()));
        unless_refused(request.send().await)
    }

    /// Takes a regulation off a destination's list and releases its lease: its task there has ended.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn leave(&self, destination: &DestinationId, id: &RegulationId) -> Result<()> {
        self.delete(&self.tables.runs, (&pk(destination), id.as_str())).await?;
        self.release_lease(destination, id).await
    }
}

fn pk(destination: &DestinationId) -> String {
    format!("{GROUP}{destination}")
}
