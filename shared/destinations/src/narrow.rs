//! Narrows a destination to what one source wrote there. A destination that cannot be narrowed is refused, so that no other
//! source's data is erased.

use model::destination::{Destination, DestinationKind};
use model::failure::{Failure, Result};
use model::source_scope::SourceScope;
use serde_json::{Value, json};

use crate::layout::{FOLDERS, split};
use crate::warehouse::{Pattern, Warehouse};

/// A destination, reduced to this part of it.
///
/// # Errors
/// `Invalid`, if its settings do not tell where the part lies.
pub fn to_source(destination: &Destination, part: &SourceScope) -> Result<Destination> {
    let mut narrowed = destination.clone();
    match destination.kind {
        DestinationKind::Archive => {
            archive_prefix(destination, part)?;
        }
        DestinationKind::Warehouse => warehouse(&mut narrowed, part)?,
        // A vendor knows people, not where their events came from.
        DestinationKind::Cloud => {}
    }
    Ok(narrowed)
}

/// What the keys of this part of an archive begin with; nothing, if the archive is another source's.
///
/// # Errors
/// `Invalid`, if that cannot be told from the archive's own prefix.
pub fn archive_prefix(archive: &Destination, part: &SourceScope) -> Result<Option<String>> {
    let prefix = archive.settings.get("prefix").and_then(Value::as_str).unwrap_or_default();
    let folder = format!("{}/", part.source_id);
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
pub fn source_folders(archive: &Destination) -> String {
    let prefix = archive.settings.get("prefix").and_then(Value::as_str).unwrap_or_default();
    split(prefix).map_or_else(|| format!("{prefix}{FOLDERS}"), |(before, _)| format!("{before}{FOLDERS}"))
}

/// Reduces a warehouse's settings to the source's schema, which is called as the source, as Segment calls it.
fn warehouse(warehouse: &mut Destination, part: &SourceScope) -> Result<()> {
    let engine = Warehouse::find(&warehouse.vendor)?;
    let (schema, field) = ((engine.schema_of)(&part.source_id), engine.schemas);
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
    if let Some(collection) = &part.collection {
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use model::id::DestinationId;

    fn destination(kind: DestinationKind, vendor: &str, settings: Value) -> Destination {
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

    fn part(source: &str, collection: Option<&str>) -> SourceScope {
        SourceScope { source_id: source.parse().expect("an id"), collection: collection.map(str::to_owned) }
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
            let archive =
                destination(DestinationKind::Archive, "s3", json!({ "bucket": "b", "prefix": prefix }));
            let got = archive_prefix(&archive, &part("web", None)).expect("it can be told");
            assert_eq!(got.as_deref(), narrowed, "{prefix}");
            assert!(got.is_none_or(|got| got.starts_with(prefix)), "never more than the archive: {prefix}");
        }
        let unclear = destination(DestinationKind::Archive, "s3", json!({ "bucket": "b", "prefix": "acme" }));
        assert!(archive_prefix(&unclear, &part("web", None)).is_err());
    }

    #[test]
    fn a_warehouse_is_narrowed_to_the_sources_schema_or_refused() {
        let settings = json!({
            "schemas": ["web_*", "ios"],
            "columns": [{"table": "ios.loyalty", "column": "member", "type": "USER_ID"},
                        {"table": "web_shop.loyalty", "column": "member", "type": "USER_ID"}],
        });
        let warehouse = destination(DestinationKind::Warehouse, "postgres", settings);
        let narrowed = to_source(&warehouse, &part("web-shop", None)).expect("in scope").settings;
        assert_eq!(narrowed["schemas"], json!(["web_shop"]));
        assert_eq!(narrowed["columns"].as_array().map(Vec::len), Some(1));
        assert!(to_source(&warehouse, &part("android", None)).is_err());

        let objects = to_source(&warehouse, &part("ios", Some("charges"))).expect("in scope").settings;
        assert_eq!(
            objects["columns"],
            json!([{ "table": "ios.charges", "column": "id", "type": "OBJECT_ID" }])
        );
        let snowflake = destination(DestinationKind::Warehouse, "snowflake", json!({ "schemas": ["*"] }));
        assert_eq!(
            to_source(&snowflake, &part("web", None)).expect("in scope").settings["schemas"],
            json!(["WEB"])
        );
    }
}
