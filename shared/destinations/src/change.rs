//! What may change about a connected destination.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use model::destination::{Destination, Secrets};
use model::failure::{Failure, Result};

use crate::{check, check_secrets, describe};

/// The body of `PATCH /destinations/{id}`: what is left out stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({ "settings": { "region": "eu" }, "enabled": true }))]
pub struct DestinationChange {
    /// The name that people give it.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Settings by name; null takes one away.
    settings: Map<String, Value>,
    /// All of its secrets by name, which replace the old ones. They must be given again with a setting that says where
    /// they are sent: the catalogue marks these as `directsSecrets`.
    secrets: Option<Secrets>,
    /// Whether regulations reach it from now on.
    enabled: Option<bool>,
}

impl DestinationChange {
    /// Changes a destination and returns its new secrets, if there are any. `any_endpoint` lets a vendor's host be any
    /// URL, as on test stacks.
    ///
    /// # Errors
    /// `Invalid`, naming the field; the destination must then be discarded.
    pub fn apply(
        self,
        destination: &mut Destination,
        any_endpoint: bool,
        now: Timestamp,
    ) -> Result<Option<Secrets>> {
        let description = describe(&destination.vendor)?;
        if let Some(secrets) = &self.secrets {
            check_secrets(&destination.vendor, secrets, any_endpoint)?;
        }
        let before = destination.settings.clone();
        if let Some(name) = self.name {
            destination.name = name;
        }
        for (name, value) in self.settings {
            match value {
                Value::Null => drop(destination.settings.remove(&name)),
                value => drop(destination.settings.insert(name, value)),
            }
        }
        check(destination, any_endpoint)?;
        if self.secrets.is_none() && description.redirects_secrets(&before, &destination.settings) {
            return Err(Failure::invalid(
                "secrets must be given again with this change, since it says where they are sent",
            )
            .field("secrets"));
        }
        if self.enabled == Some(true) && self.secrets.is_none() && destination.has_outlived_its_secrets(now) {
            let message =
                "secrets must be given again: they are deleted 180 days after a destination is disabled";
            return Err(Failure::invalid(message).field("secrets"));
        }
        match self.enabled {
            Some(true) => destination.enable(now),
            Some(false) => destination.disable(now),
            None => {}
        }
        Ok(self.secrets)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use model::destination::Period;

    use super::*;
    use crate::NewDestination;

    fn destination() -> Destination {
        let request: NewDestination = serde_json::from_value(json!({
            "name": "Iterable", "vendor": "iterable", "settings": { "region": "us", "mode": "forget" },
            "secrets": { "apiKey": "k" },
        }))
        .expect("a request");
        request.accept(false, Timestamp::UNIX_EPOCH).expect("good").0
    }

    fn change(destination: &mut Destination, change: Value) -> Result<Option<Secrets>> {
        let change: DestinationChange = serde_json::from_value(change).expect("a change");
        change.apply(destination, false, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let mut destination = destination();
        let moved = json!({ "settings": { "region": "eu", "mode": null }, "secrets": { "apiKey": "e" } });
        assert!(change(&mut destination, moved).expect("good").is_some());
        assert!(change(&mut destination, json!({ "enabled": true })).expect("good").is_none());
        assert_eq!(Value::Object(destination.settings.clone()), json!({ "region": "eu" }));
        assert_eq!(destination.name, "Iterable");
    }

    #[test]
    fn what_does_not_fit_names_its_field() {
        for (wrong, field, part) in [
            (json!({ "settings": { "region": "mars" } }), "settings", Some("region")),
            (json!({ "settings": { "region": null } }), "settings", Some("region")),
            (json!({ "settings": { "colour": "red" } }), "settings", None),
            (json!({ "settings": { "region": "http://127.0.0.1" } }), "settings", Some("region")),
            (json!({ "settings": { "mode": "burn" } }), "settings", Some("mode")),
            (json!({ "secrets": {} }), "secrets", Some("apiKey")),
            (json!({ "secrets": { "apiKey": "k", "other": "x" } }), "secrets", None),
            (json!({ "name": " " }), "name", None),
        ] {
            let failure = change(&mut destination(), wrong.clone()).expect_err("wrong");
            assert_eq!((failure.field, failure.part), (Some(field), part), "{wrong}: {failure}");
        }
    }

    #[test]
    fn what_was_disabled_for_long_needs_its_secrets_again() {
        let half_a_year = Timestamp::from_second(180 * 86_400).expect("in range");
        let enable = |destination: &mut Destination, change: Value, now: Timestamp| {
            let change: DestinationChange = serde_json::from_value(change).expect("a change");
            change.apply(destination, false, now)
        };
        let mut disabled = destination();
        disabled.disable(Timestamp::UNIX_EPOCH);
        let plain = json!({ "enabled": true });
        let failure = enable(&mut disabled.clone(), plain.clone(), half_a_year).expect_err("too late");
        assert_eq!(failure.field, Some("secrets"));
        assert!(enable(&mut disabled.clone(), json!({ "name": "Old" }), half_a_year).is_ok());
        let earlier = Timestamp::from_second(180 * 86_400 - 1).expect("in range");
        assert!(enable(&mut disabled.clone(), plain, earlier).is_ok());
        let again = json!({ "enabled": true, "secrets": { "apiKey": "k" } });
        assert!(enable(&mut disabled, again, half_a_year).is_ok());
    }

    #[test]
    fn no_time_at_which_it_was_enabled_is_forgotten() {
        let mut destination = destination();
        let at = |seconds| Timestamp::from_second(seconds).expect("in range");
        destination.disable(at(10));
        destination.disable(at(20));
        assert_eq!(destination.enabled_until, Some(at(10)));
        destination.enable(at(30));
        destination.enable(at(40));
        assert_eq!((destination.enabled_from, destination.enabled_until), (at(30), None));
        assert_eq!(destination.enabled_earlier, [Period { from: at(0), until: at(10) }]);
    }
}
