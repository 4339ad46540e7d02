//! Which sources saw a person, and on which days.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SourceId;

/// On which days, in UTC, a source saw somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeenAt {
    /// The source.
    pub source_id: SourceId,
    /// The first of these days.
    #[schema(value_type = String, format = Date)]
    pub first: Date,
    /// The last of them.
    #[schema(value_type = String, format = Date)]
    pub last: Date,
}

/// The sources that saw a person, each with its days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<SeenAt>", into = "Vec<SeenAt>")]
pub struct Sightings(BTreeMap<SourceId, (Date, Date)>);

impl Sightings {
    /// Whether no source saw the person.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the first and the last day on which a source saw the person.
    pub fn add(&mut self, source: SourceId, (first, last): (Date, Date)) {
        let days = self.0.entry(source).or_insert((first, last));
        *days = (days.0.min(first), days.1.max(last));
    }

    /// The first and the last day on which a source saw the person.
    pub fn days(&self, source: &SourceId) -> Option<(Date, Date)> {
        self.0.get(source).copied()
    }
}

impl Extend<(SourceId, (Date, Date))> for Sightings {
    fn extend<T: IntoIterator<Item = (SourceId, (Date, Date))>>(&mut self, all: T) {
        all.into_iter().for_each(|(source, days)| self.add(source, days));
    }
}

impl FromIterator<(SourceId, (Date, Date))> for Sightings {
    fn from_iter<T: IntoIterator<Item = (SourceId, (Date, Date))>>(all: T) -> Self {
        let mut seen = Self::default();
        seen.extend(all);
        seen
    }
}

impl IntoIterator for Sightings {
    type Item = (SourceId, (Date, Date));
    type IntoIter = std::collections::btree_map::IntoIter<SourceId, (Date, Date)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Vec<SeenAt>> for Sightings {
    fn from(all: Vec<SeenAt>) -> Self {
        all.into_iter().map(|seen| (seen.source_id, (seen.first, seen.last))).collect()
    }
}

impl From<Sightings> for Vec<SeenAt> {
    fn from(seen: Sightings) -> Self {
        seen.into_iter().map(|(source_id, (first, last))| SeenAt { source_id, first, last }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_say_of_a_source_is_one_span_of_days() {
        let said = |source: &str, first: &str, last: &str| -> (SourceId, (Date, Date)) {
            let day = |text: &str| text.parse().expect("a day");
            (source.parse().expect("an id"), (day(first), day(last)))
        };
        let mut seen: Sightings = [said("web", "2026-02-03", "2026-02-04")].into_iter().collect();
        seen.extend([said("web", "2026-02-01", "2026-02-02"), said("ios", "2026-03-01", "2026-03-01")]);
        let all = [said("ios", "2026-03-01", "2026-03-01"), said("web", "2026-02-01", "2026-02-04")];
        assert_eq!(seen.clone().into_iter().collect::<Vec<_>>(), all);
        let json = serde_json::to_value(&seen).expect("JSON");
        assert_eq!(json[1]["first"], "2026-02-01");
        assert_eq!(serde_json::from_value::<Sightings>(json).expect("what was written"), seen);
    }
}
