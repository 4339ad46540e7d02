//! The subjects of a regulation, as items beside it, until they are dropped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Item, Store, text, to_item};
use model::failure::Result;
use model::id::{DestinationId, RegulationId};
use model::linking::Linked;
use model::resolved::{Resolved, ResolvedNumbers};
use model::subject::{self, Named, Subject};
use model::suppression;

pub(crate) const SUBJECTS: &str = "SUBJECTS#";
const LINKED: &str = "LINKED#";
const LEFT_OUT: &str = "LEFTOUT#";
const RESOLVED: &str = "RESOLVED#";
const RESOLVED_NUMBERS: &str = "RESOLVEDNUMBERS#";
/// The key under which regulations are listed by the time at which their subjects are to be dropped.
const DUE: &str = "DUE";

/// Bytes of identifiers per item: well below DynamoDB's 400 KB.
const CHUNK_BYTES: usize = 300_000;

#[derive(Serialize, Deserialize)]
struct Chunk {
    subjects: Vec<Named>,
}

/// When the subjects of a regulation are to be dropped. Its key sorts by time.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Due {
    sk: String,
    regulation_id: RegulationId,
}

fn due_key(at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{:012}#{id}", at.as_second())
}

impl Store {
    /// The identifiers that a regulation names, those of one person after the other; none once they are dropped.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn named(&self, id: &RegulationId) -> Result<Vec<Named>> {
        self.kept(id, SUBJECTS).await
    }

    /// The identifiers that a regulation names, whosever they are.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub async fn subjects(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        Ok(subject::subjects(&self.named(id).await?))
    }

    /// The identifiers that a regulation names and that the suppression list holds, as it holds them.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub async fn suppressible(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        Ok(suppression::of(&self.subjects(id).await?))
    }

    /// The other ids that a regulation acts on; none once they are dropped, or while the work has not begun.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn linked_subjects(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        Ok(subject::subjects(&self.kept(id, LINKED).await?))
    }

    /// The other ids that a regulation leaves out; none once they are dropped, or while the work has not begun.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn left_out_subjects(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        Ok(subject::subjects(&self.kept(id, LEFT_OUT).await?))
    }

    async fn kept(&self, id: &RegulationId, prefix: &str) -> Result<Vec<Named>> {
        let chunks: Vec<Chunk> = self.all(&self.tables.regulations, id.as_str(), prefix).await?;
        Ok(chunks.into_iter().flat_map(|chunk| chunk.subjects).collect())
    }

    /// The people whom a regulation names, each by all identifiers: those that it names and those that warehouses
    /// and archives gave for them; none once they are dropped.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub async fn individuals(&self, id: &RegulationId) -> Result<Vec<Vec<Subject>>> {
        let mut people: Vec<_> = subject::people(&self.named(id).await?).collect();
        for Named { person, subject } in self.resolved(id).await? {
            if let Some(person) = person.and_then(|number| people.get_mut(number as usize))
                && !person.contains(&subject)
            {
                person.push(subject);
            }
        }
        Ok(people)
    }

    /// The identifiers that warehouses and archives gave; none once they are dropped.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub async fn resolved_subjects(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        Ok(subject::subjects(&self.resolved(id).await?))
    }

    /// The identifiers that warehouses and archives gave, with their people's places in the regulation; none once they are
    /// dropped.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub(crate) async fn resolved(&self, id: &RegulationId) -> Result<Vec<Named>> {
        self.kept(id, RESOLVED).await
    }

    /// How many identifiers each warehouse and archive gave that has been asked.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub async fn resolved_numbers(&self, id: &RegulationId) -> Result<Vec<ResolvedNumbers>> {
        self.all(&self.tables.regulations, id.as_str(), RESOLVED_NUMBERS).await
    }

    /// Whether a warehouse or an archive has been asked for other identifiers, and what it gave is stored.
    ///
    /// # Errors
    /// As [`Store::named`].
    pub async fn is_resolved(&self, id: &RegulationId, place: &DestinationId) -> Result<bool> {
        let key = format!("{RESOLVED_NUMBERS}{place}");
        let numbers: Option<ResolvedNumbers> =
            self.get(&self.tables.regulations, (id.as_str(), &key)).await?;
        Ok(numbers.is_some())
    }

    /// Stores what a warehouse or an archive gave, then that it has been asked: its records are about to be erased, so that
    /// it could not be asked again.
    ///
    /// # Errors
    /// As [`Store::named`]. Call again.
    pub async fn keep_resolved(
        &self,
        id: &RegulationId,
        place: &DestinationId,
        resolved: Resolved,
    ) -> Result<()> {
        self.keep_resolved_by(id, place.as_str(), resolved).await
    }

    /// Stores other identifiers of people, and how many there are. `by`: what gave them.
    pub(crate) async fn keep_resolved_by(
        &self,
        id: &RegulationId,
        by: &str,
        resolved: Resolved,
    ) -> Result<()> {
        let numbers = to_item(id.as_str(), &format!("{RESOLVED_NUMBERS}{by}"), &resolved.numbers())?;
        for item in chunked(id, &format!("{RESOLVED}{by}#"), resolved.found)? {
            self.put(&self.tables.regulations, item).await?;
        }
        self.put(&self.tables.regulations, numbers).await
    }

    /// All identifiers that archives and warehouses are searched for: those of the people whom a regulation names, and
    /// their other ids.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn everyone(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        let mut all = self.individuals(id).await?.concat();
        if !all.is_empty() {
            all.extend(self.linked_subjects(id).await?);
        }
        Ok(all)
    }

    /// Stores the other ids of a regulation's subjects, those that it acts on and those that it leaves out.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn keep_linked(&self, id: &RegulationId, linked: Linked) -> Result<()> {
        for (prefix, subjects) in [(LINKED, linked.subjects), (LEFT_OUT, linked.left_out)] {
            for item in chunked(id, prefix, subjects)? {
                self.put(&self.tables.regulations, item).await?;
            }
        }
        Ok(())
    }

    /// Drops the subjects of a regulation, their other identifiers, and the notes of its tasks, which may hold vendors' ids of
    /// them. Harmless when they are gone.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn drop_subjects(&self, id: &RegulationId) -> Result<()> {
        #[derive(Deserialize)]
        struct Key {
            sk: String,
        }
        for prefix in [SUBJECTS, LINKED, LEFT_OUT, RESOLVED] {
            for key in self.all::<Key>(&self.tables.regulations, id.as_str(), prefix).await? {
                self.delete(&self.tables.regulations, (id.as_str(), &key.sk)).await?;
            }
        }
        for mut task in self.tasks(id).await?.into_iter().filter(|task| !task.progress.is_null()) {
            task.progress = Value::Null;
            self.save_task_if(id, &task, task.status).await?;
        }
        Ok(())
    }

    /// Notes when the subjects of a regulation are due to be dropped. Harmless when it is noted already.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn note_due(&self, id: &RegulationId, at: Timestamp) -> Result<()> {
        let due = Due { sk: due_key(at, id), regulation_id: id.clone() };
        let item = to_item(DUE, &due.sk, &due)?;
        self.put(&self.tables.regulations, item).await
    }

    /// Drops the subjects of regulations that are due by now and have not begun another attempt. Their evidence stays.
    /// Returns how many regulations were due.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn drop_due(&self, now: Timestamp) -> Result<usize> {
        let due = self.client.query().key_condition_expression("pk = :pk AND sk < :end");
        let due = due.expression_attribute_values(":end", text(&due_key(now, "")));
        let due: Vec<Due> = self.read_all(due, &self.tables.regulations, DUE).await?;
        for Due { sk, regulation_id } in &due {
            let regulation = self.regulation(regulation_id).await?;
            let kept_until = regulation.and_then(|regulation| regulation.identifiers_kept_until());
            if kept_until.is_some_and(|until| until <= now) {
                self.drop_subjects(regulation_id).await?;
                self.stop_clock(regulation_id).await?;
            }
            self.delete(&self.tables.regulations, (DUE, sk)).await?;
        }
        Ok(due.len())
    }
}

/// The items that hold these subjects, one after the other; none, if there are no subjects.
pub(crate) fn chunked(
    id: &RegulationId,
    prefix: &str,
    subjects: impl IntoIterator<Item: Into<Named>>,
) -> Result<Vec<Item>> {
    let chunks = chunks(subjects).into_iter().enumerate().filter(|(_, subjects)| !subjects.is_empty());
    chunks
        .map(|(number, subjects)| to_item(id.as_str(), &format!("{prefix}{number:03}"), &Chunk { subjects }))
        .collect()
}

fn chunks(subjects: impl IntoIterator<Item: Into<Named>>) -> Vec<Vec<Named>> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = 0;
    for named in subjects.into_iter().map(Into::into) {
        let size = size(&named);
        bytes += size;
        if bytes > CHUNK_BYTES {
            chunks.push(Vec::new());
            bytes = size;
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(named);
        }
    }
    chunks
}

/// The bytes that an item needs for an identifier: it repeats the names of the fields and the kind.
fn size(named: &Named) -> usize {
    named.subject.id.len() + named.subject.kind.as_str().len() + 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_cut_into_items_that_dynamodb_takes_and_none_is_lost() {
        let subjects: Vec<_> = (0..5_000).map(|n| Subject::user(format!("{n:0>600}"))).collect();
        let chunks = chunks(subjects.clone());
        assert!(chunks.iter().all(|chunk| chunk.iter().map(size).sum::<usize>() <= CHUNK_BYTES));
        assert_eq!(subject::subjects(&chunks.concat()), subjects);
    }
}
