//! A recipient without a deletion API: it is named, so that a person can ask it to delete.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Ask, Description, DestinationKind, Field, Limits, Outcome, Step, SubjectType, Vendor};
use model::failure::Result;
use model::status::TaskStatus;

const DESCRIPTION: Description = Description {
    vendor: "manual",
    title: "Asked by a person",
    kind: DestinationKind::Cloud,
    docs: "",
    confirms: TaskStatus::NotSupported,
    fields: &[Field::required(
        "contact",
        "Contact",
        "Whom to ask for a deletion: an address, a form, a name",
    )],
};

/// A vendor without a protocol.
pub struct Manual;

impl Vendor for Manual {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 5_000, calls: 1, per: Duration::from_secs(1), at_once: 1 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        Vec::new()
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        Ok(ask.all(Outcome::NotSupported))
    }

    fn check(&self, _: &Ask<'_>) -> Result<Step> {
        Ok(Step::Done(Vec::new()))
    }

    fn advice(&self, settings: &Map<String, Value>) -> String {
        let contact = settings.get("contact").and_then(Value::as_str).unwrap_or_default();
        format!("there is no API to delete by: write to {contact}")
    }
}
