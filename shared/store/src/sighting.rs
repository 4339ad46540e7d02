//! Sightings: what events reveal of people is noted only while [`record`](../../../functions/record) would keep the events,
//! so that nothing is noted behind an erasure, however old the list is that the door looked at.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::builders::ConditionCheckBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck};
use jiff::Timestamp;

use crate::entry::Values;
use crate::people::{ERASED, OUT_FROM, OUT_UNTIL, key, moment};
use crate::{PERSON, text};
use model::person::WORKSPACE;
use model::source::SourceId;
use model::subject::Subject;

/// No erasure was asked for since.
const NOT_ERASED: &str = "(attribute_not_exists(#erased) OR #erased < :at) \
     AND (attribute_not_exists(#erasedHere) OR #erasedHere < :at)";

/// Where and when events came in that reveal something.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// The source.
    pub source: &'a SourceId,
    /// When they were received.
    pub at: Timestamp,
}

impl Sighting<'_> {
    /// The condition under which something may be noted of a person: not suppressed, and neither then nor since erased.
    pub(crate) fn let_in() -> String {
        format!(
            "attribute_not_exists(#scope) AND NOT contains(sources, :source) AND NOT contains(linkedSources, :source) \
             AND (attribute_not_exists(#until) OR #until <= :at OR #from > :at) \
             AND (attribute_not_exists(#untilHere) OR #untilHere <= :at OR #fromHere > :at) AND {NOT_ERASED}"
        )
    }

    /// The same of another's id, which may be suppressed with its owner and still be seen with others.
    pub(crate) fn let_in_by_name() -> String {
        format!(
            "(attribute_not_exists(#scope) OR byLink = :link) AND NOT contains(sources, :source) AND {NOT_ERASED}"
        )
    }

    /// The names that a condition uses.
    pub(crate) fn names(&self, condition: &str) -> HashMap<String, String> {
        let here = self.source.as_str();
        let all = [
            ("#scope", "scope".to_owned()),
            ("#erased", format!("{ERASED}{WORKSPACE}")),
            ("#erasedHere", format!("{ERASED}{here}")),
            ("#from", format!("{OUT_FROM}{WORKSPACE}")),
            ("#fromHere", format!("{OUT_FROM}{here}")),
            ("#until", format!("{OUT_UNTIL}{WORKSPACE}")),
            ("#untilHere", format!("{OUT_UNTIL}{here}")),
        ];
        let used = all.into_iter().filter(|(name, _)| condition.contains(name));
        used.map(|(name, is)| (name.to_owned(), is)).collect()
    }

    /// The values that a condition uses.
    pub(crate) fn values(&self, condition: &str) -> Values {
        let all = [
            (":at", moment(self.at)),
            (":source", text(self.source.as_str())),
            (":link", AttributeValue::Bool(true)),
        ];
        let used = all.into_iter().filter(|(name, _)| condition.contains(name));
        used.map(|(name, is)| (name.to_owned(), is)).collect()
    }

    /// The condition on the item of a subject that is not written.
    pub(crate) fn check(&self, subject: &Subject, condition: &str) -> ConditionCheckBuilder {
        ConditionCheck::builder()
            .set_key(Some(key(subject, PERSON)))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(self.names(condition)))
            .set_expression_attribute_values(Some(self.values(condition)))
    }
}
