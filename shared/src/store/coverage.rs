//! Carries a regulation out at the door: whom it covers, and what is noted about them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Store, failure, to_item};
use crate::destination::Kind;
use crate::failure::Result;
use crate::person::Scope;
use crate::regulation::{Regulation, Suppression};

/// The part of a regulation's items that says that this is done.
const COVERED: &str = "COVERED";

/// Whom a regulation covers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Covered {
    /// How many it names.
    pub subjects: u64,
    /// How many other ids of theirs are covered with them.
    pub linked: u64,
    /// How many of their other ids are others', too, and left alone.
    pub shared: u64,
}

impl Store {
    /// Suppresses whom a regulation covers, or lifts that, and notes who is to be erased. The suppression comes
    /// first: whoever brings an id of theirs in after that finds them suppressed. Done once: repeated later, it could undo what another regulation said since.
    ///
    /// # Errors
    /// As DynamoDB says; call again.
    pub async fn cover(&self, regulation: &Regulation, now: Timestamp) -> Result<Covered> {
        let (id, kind) = (&regulation.id, regulation.regulation_type);
        if let Some(covered) = self.get(&self.tables.regulations, (id.as_str(), COVERED)).await? {
            return Ok(covered);
        }
        let subjects = self.subjects(id).await?;
        let scope = Scope::Workspace;
        let change = Change { scope: &scope, at: now, by: Some(id), reason: None, by_link: false };
        if kind.suppression() == Some(Suppression::Add) {
            self.suppress(&subjects, &change).await?;
        }
        let linked = self.linked(&subjects).await?;
        match kind.suppression() {
            Some(Suppression::Add) => {
                self.suppress(&linked.subjects, &Change { by_link: true, ..change }).await?;
            }
            Some(Suppression::Remove) => {
                self.unsuppress(&[&subjects[..], &linked.subjects[..]].concat(), &scope).await?;
            }
            None => {}
        }
        if kind.erases_from(Kind::Archive) {
            self.mark_erased(&[&subjects[..], &linked.subjects[..]].concat(), now).await?;
        }
        let covered = Covered {
            subjects: subjects.len() as u64,
            linked: linked.subjects.len() as u64,
            shared: linked.shared,
        };
        self.keep_linked(id, linked.subjects).await?;
        let item = to_item(id.as_str(), COVERED, &covered)?;
        let request = self.client.put_item().table_name(&self.tables.regulations).set_item(Some(item));
        request.send().await.map_err(|e| failure(&e))?;
        Ok(covered)
    }
}
