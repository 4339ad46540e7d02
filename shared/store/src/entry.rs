//! Entries: what one scope says of one subject. The workspace's entry is part of the person's item; a source's entry is
//! an item of its own, and the person's item names the source.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::people::{OUT_EARLIER, OUT_FROM, OUT_UNTIL, SINCE, expiry, moment, subject_value};
use crate::{PERSON, Store, if_held, person_key, text, unless_refused};
use model::failure::Result;
use model::person::SuppressionScope;
use model::subject::Subject;

/// The most concurrent changes of the list: the index takes 1,000 a second, and more would be throttled.
pub(crate) const INDEXED: usize = 10;

pub(crate) type Values = HashMap<String, AttributeValue>;

/// A change of an entry. The expressions may use the names `#scope`, `#since`, `#from`, `#until` and `#earlier`, and the values
/// `:at`, `:subject`, `:source` and those given.
pub(crate) struct EntryChange {
    /// Updates the entry.
    pub update: String,
    /// The condition without which nothing is changed, if there is one.
    pub condition: Option<String>,
    /// Updates the person's item, if that is another item.
    pub person: String,
    pub values: Values,
}

impl EntryChange {
    /// The values that every change may use.
    pub fn values(subject: &Subject, at: Timestamp) -> Values {
        [(":at".to_owned(), moment(at)), (":subject".to_owned(), subject_value(subject))].into()
    }

    /// The values that an expression uses: DynamoDB refuses unused ones.
    fn used(&self, expression: &str) -> Values {
        let used = self.values.iter().filter(|(name, _)| expression.contains(name.as_str()));
        used.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The names that an expression uses; none, if it uses none.
fn names(expression: &str, scope: &SuppressionScope) -> Option<HashMap<String, String>> {
    let all = [
        ("#scope", "scope".to_owned()),
        ("#since", format!("{SINCE}{scope}")),
        ("#from", format!("{OUT_FROM}{scope}")),
        ("#until", format!("{OUT_UNTIL}{scope}")),
        ("#earlier", format!("{OUT_EARLIER}{scope}")),
    ];
    let used: HashMap<String, String> = all
        .into_iter()
        .filter(|(name, _)| expression.contains(name))
        .map(|(name, is)| (name.to_owned(), is))
        .collect();
    (!used.is_empty()).then_some(used)
}

impl Store {
    /// Changes an entry. Returns whether the condition held.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub(crate) async fn change_entry(
        &self,
        subject: &Subject,
        scope: &SuppressionScope,
        mut change: EntryChange,
    ) -> Result<bool> {
        let whole = [Some(change.update.as_str()), change.condition.as_deref()];
        let whole = whole.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let SuppressionScope::Source(source) = scope else {
            let update = self
                .update_person(subject)
                .update_expression(&change.update)
                .set_condition_expression(change.condition.clone())
                .set_expression_attribute_names(names(&whole, scope))
                .set_expression_attribute_values(Some(change.used(&whole)));
            return if_held(update.send().await);
        };
        change.values.insert(":source".to_owned(), AttributeValue::Ss(vec![source.to_string()]));
        let entry = update(subject, source.as_str())
            .update_expression(&change.update)
            .set_condition_expression(change.condition.clone())
            .set_expression_attribute_names(names(&whole, scope))
            .set_expression_attribute_values(Some(change.used(&whole)));
        let person = update(subject, PERSON)
            .update_expression(&change.person)
            .set_expression_attribute_names(names(&change.person, scope))
            .set_expression_attribute_values(Some(change.used(&change.person)));
        self.update_pair([entry, person]).await
    }

    /// Lets items of subjects expire, if the scope does not suppress them and nothing else is known of them.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub(crate) async fn let_entries_expire(
        &self,
        subjects: &[Subject],
        scope: &SuppressionScope,
        at: Timestamp,
    ) -> Result<()> {
        if let SuppressionScope::Source(source) = scope {
            let writes: Vec<_> = subjects
                .iter()
                .map(|subject| async {
                    let request = self.client.update_item().table_name(&self.tables.suppressions);
                    let request =
                        request.key("pk", text(&person_key(subject))).key("sk", text(source.as_str()));
                    let request = request
                        .update_expression("SET expiresAt = :expires")
                        .condition_expression("attribute_exists(pk) AND attribute_not_exists(#scope)")
                        .expression_attribute_names("#scope", "scope")
                        .expression_attribute_values(":expires", expiry(at));
                    unless_refused(request.send().await)
                })
                .collect();
            stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        }
        self.let_expire(subjects, at).await
    }
}

fn update(subject: &Subject, sk: &str) -> UpdateBuilder {
    Update::builder().key("pk", text(&person_key(subject))).key("sk", text(sk))
}
