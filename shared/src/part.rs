//! The part of a workspace that a regulation about one source reaches, and where it lies in each destination. What
//! cannot be narrowed is refused, rather than erasing what another source brought.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::destination::{Destination, Kind};
use crate::failure::{Failure, Result};
use crate::source::SourceId;
use crate::warehouse::Pattern;

/// The folder in which Segment keeps its sources' folders (segment.com/docs/connections/storage/catalog/aws-s3).
const FOLDERS: &str = "segment-logs/";

/// The longest name of a collection, in bytes; warehouses take no longer names of tables.
pub const MAX_COLLECTION: usize = 127;

/// What one source brought; of a cloud source, one of its collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// The source.
    pub source_id: SourceId,
    /// The collection: a table of the source's schema.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collection: Option<String>,
}

impl Part {
    /// Whether a destination of this kind can hold any of it: objects of cloud sources lie in warehouses alone.
    pub fn may_lie_in(&self, kind: Kind) -> bool {
        self.collection.is_none() || kind == Kind::Warehouse
    }

    /// A destination, reduced to this part of it.
    ///
    /// # Errors
    /// `Invalid`, if its settings leave it open where the part lies.
    pub fn of(&self, destination: &Destination) -> Result<Destination> {
        let mut part = destination.clone();
        match destination.kind {
            Kind::Archive => {
                self.prefix(destination)?;
            }
            Kind::Warehouse => self.narrow(&mut part)?,
            // A vendor knows people, not where their events came from.
            Kind::Cloud => {}
        }
        Ok(part)
    }

    /// What the keys of this part of an archive begin with; nothing, if the archive is another source's.
    ///
    /// # Errors
    /// `Invalid`, if that cannot be told from the archive's own prefix.
    pub fn prefix(&self, archive: &Destination) -> Result<Option<String>> {
        let prefix = archive.settings.get("prefix").and_then(Value::as_str).unwrap_or_default();
        let folder = format!("{}/", self.source_id);
        let Some((before, within)) = split(prefix) else {
            if prefix.is_empty() || prefix.ends_with('/') {
                return Ok(Some(format!("{prefix}{FOLDERS}{folder}")));
            }
            return Err(Failure::invalid(format!(
                "the archive {} cannot be narrowed to one source: end its prefix with {FOLDERS}, or make this a regulation of the workspace",
                archive.name
            )));
        };
        if within.starts_with(&folder) {
            return Ok(Some(prefix.to_owned()));
        }
        Ok(folder.starts_with(within).then(|| format!("{before}{FOLDERS}{folder}")))
    }

    /// What the keys of all sources of an archive begin with.
    pub fn folders(archive: &Destination) -> String {
        let prefix = archive.settings.get("prefix").and_then(Value::as_str).unwrap_or_default();
        split(prefix).map_or_else(|| format!("{prefix}{FOLDERS}"), |(before, _)| format!("{before}{FOLDERS}"))
    }

    /// Reduces a warehouse's settings to the source's schema, which is called as the source, as Segment calls it.
    fn narrow(&self, warehouse: &mut Destination) -> Result<()> {
        let schema = self.source_id.as_str().replace('-', "_");
        let schema = if warehouse.vendor == "snowflake" { schema.to_uppercase() } else { schema };
        let field = if warehouse.settings.contains_key("datasets") { "datasets" } else { "schemas" };
        let covers = |pattern: &Value| {
            serde_json::from_value::<Pattern>(pattern.clone()).is_ok_and(|pattern| pattern.matches(&schema))
        };
        let patterns = warehouse.settings.get(field).and_then(Value::as_array);
        if !patterns.is_some_and(|patterns| patterns.iter().any(covers)) {
            return Err(Failure::invalid(format!(
                "the warehouse {} has no schema {schema} in scope: name it in its {field}, or make this a regulation of the workspace",
                warehouse.name
            )));
        }
        if let Some(collection) = &self.collection {
            let table = format!("{schema}.{collection}");
            let column = json!([{ "table": table, "column": "id", "type": "OBJECT_ID" }]);
            warehouse.settings.insert("columns".to_owned(), column);
        } else if let Some(Value::Array(columns)) = warehouse.settings.get_mut("columns") {
            let elsewhere = |column: &Value| {
                let table = column["table"].as_str().unwrap_or("*");
                let schema_of = table.split('.').next().unwrap_or_default().to_owned();
                table != "*" && Pattern::try_from(schema_of).is_ok_and(|pattern| !pattern.matches(&schema))
            };
            columns.retain(|column| !elsewhere(column));
        }
        warehouse.settings.insert(field.to_owned(), json!([schema]));
        Ok(())
    }
}

/// From which source an archive's object came, and on which day, in UTC; nothing, if it does not lie where Segment puts
/// it: `segment-logs/{source}/{the day's first moment, in Unix milliseconds or seconds}/…`.
pub fn origin(key: &str) -> Option<(SourceId, Date)> {
    let mut folders = split(key)?.1.split('/');
    let (source, day, _file) = (folders.next()?, folders.next()?, folders.next()?);
    let number: i64 = Some(day).filter(|day| day.bytes().all(|c| c.is_ascii_digit()))?.parse().ok()?;
    let day = match day.len() {
        13 => Timestamp::from_millisecond(number),
        10 => Timestamp::from_second(number),
        _ => return None,
    };
    Some((source.parse().ok()?, Offset::UTC.to_datetime(day.ok()?).date()))
}

/// A prefix before the folder of all sources, and what follows on that.
fn split(prefix: &str) -> Option<(&str, &str)> {
    let at = match prefix.starts_with(FOLDERS) {
        true => 0,
        false => prefix.find(&format!("/{FOLDERS}"))? + 1,
    };
    Some((&prefix[..at], &prefix[at + FOLDERS.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DestinationId;

    fn destination(kind: Kind, vendor: &str, settings: Value) -> Destination {
        Destination {
            id: DestinationId::new(),
            name: "Place".into(),
            vendor: vendor.into(),
            kind,
            settings: settings.as_object().cloned().unwrap_or_default(),
            enabled_from: Timestamp::UNIX_EPOCH,
            enabled_until: None,
            enabled_earlier: Vec::new(),
        }
    }

    fn part(source: &str, collection: Option<&str>) -> Part {
        Part { source_id: source.parse().expect("an id"), collection: collection.map(str::to_owned) }
    }

    #[test]
    fn an_archive_is_narrowed_to_the_sources_folder_or_not_at_all() {
        for (prefix, narrowed) in [
            ("", Some("segment-logs/web/")),
            ("acme/", Some("acme/segment-logs/web/")),
            ("segment-logs/", Some("segment-logs/web/")),
            ("acme/segment-logs/", Some("acme/segment-logs/web/")),
            ("segment-logs/we", Some("segment-logs/web/")),
            ("segment-logs/web/1793577600000/", Some("segment-logs/web/1793577600000/")),
            ("segment-logs/web2/", None),
            ("segment-logs/webs", None),
        ] {
            let archive = destination(Kind::Archive, "s3", json!({ "bucket": "b", "prefix": prefix }));
            let got = part("web", None).prefix(&archive).expect("it can be told");
            assert_eq!(got.as_deref(), narrowed, "{prefix}");
            assert!(got.is_none_or(|got| got.starts_with(prefix)), "never more than the archive: {prefix}");
        }
        let unclear = destination(Kind::Archive, "s3", json!({ "bucket": "b", "prefix": "acme" }));
        assert!(part("web", None).prefix(&unclear).is_err());
    }

    #[test]
    fn an_objects_key_tells_its_source_and_day_where_segment_put_it() {
        for (key, wanted) in [
            ("segment-logs/web/1793577600000/1.gz", Some("2026-11-02")),
            ("acme/segment-logs/web/1793577600/a/1.gz", Some("2026-11-02")),
            ("segment-logs/web/1793577600000", None),
            ("segment-logs/web/2026-11-02/1.gz", None),
            ("segment-logs/web/-793577600000/1.gz", None),
            ("segment-logs/w.b/1793577600000/1.gz", None),
            ("old-segment-logs/web/1793577600000/1.gz", None),
            ("events/web/1793577600000/1.gz", None),
        ] {
            let found = origin(key).map(|(source, day)| (source.to_string(), day.to_string()));
            assert_eq!(found, wanted.map(|day| ("web".to_owned(), day.to_owned())), "{key}");
        }
    }

    #[test]
    fn a_warehouse_is_narrowed_to_the_sources_schema_or_refused() {
        let settings = json!({
            "schemas": ["web_*", "ios"],
            "columns": [{"table": "ios.loyalty", "column": "member", "type": "USER_ID"},
                        {"table": "web_shop.loyalty", "column": "member", "type": "USER_ID"}],
        });
        let warehouse = destination(Kind::Warehouse, "postgres", settings);
        let narrowed = part("web-shop", None).of(&warehouse).expect("in scope").settings;
        assert_eq!(narrowed["schemas"], json!(["web_shop"]));
        assert_eq!(narrowed["columns"].as_array().map(Vec::len), Some(1));
        assert!(part("android", None).of(&warehouse).is_err());

        let objects = part("ios", Some("charges")).of(&warehouse).expect("in scope").settings;
        assert_eq!(
            objects["columns"],
            json!([{ "table": "ios.charges", "column": "id", "type": "OBJECT_ID" }])
        );
        let snowflake = destination(Kind::Warehouse, "snowflake", json!({ "schemas": ["*"] }));
        assert_eq!(part("web", None).of(&snowflake).expect("in scope").settings["schemas"], json!(["WEB"]));
    }
}
