//! People whom a request names by several identifiers each.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::{MAX_SUBJECT_BYTES, MAX_SUBJECTS, RegulationType};
use crate::failure::{Failure, Result};
use crate::hashed::Hashed;
use crate::kind::is_look_alike;
use crate::normal;
use crate::subject::{Named, Subject, SubjectType, fault};
use crate::suppression;

/// The most identifiers of one regulation: they are stored in one transaction with it.
pub const MAX_IDENTIFIERS: usize = 10_000;

/// A person, by all identifiers that the company knows: at least one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Individual {
    /// The user's id, exactly as events carry it.
    #[schema(pattern = r"\S", max_length = 1_024)]
    user_id: Option<String>,
    /// Ids of the person's devices and browsers, exactly as events carry them.
    #[serde(default)]
    anonymous_ids: Vec<String>,
    /// The email address: kept without white space around it, in lower case, in Unicode's form NFC.
    email: Option<String>,
    /// The phone number with `+` and country code: kept without separators (E.164).
    phone: Option<String>,
    /// Ids in other systems, by a name of your own or the one that a vendor documents (`braze_id`).
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    ids: Ids,
    /// Hashes of identifiers that are not known themselves, by kind: `USER_ID`, `ANONYMOUS_ID`, `EMAIL` or `PHONE` with
    /// `_SHA256` or `_MD5` behind it. In hex or base64, over the form in which the identifier would be kept.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    hashes: Ids,
}

/// The entries of an object as they were sent, so that a doubled name shows. Any value, since an error of form would name
/// the key, which may be an identifier.
#[derive(Default)]
struct Ids(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Ids;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Ids, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ids(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Ids {
    /// The entries, each with its field and its kind, which `kind` tells by the name.
    fn read(
        self,
        field: &str,
        kind: impl Fn(&str, &str) -> Result<SubjectType>,
    ) -> Result<Vec<(String, SubjectType, String)>> {
        let mut names = HashSet::new();
        let read = |(name, id): (String, Value)| {
            if !names.insert(name.clone()) {
                return Err(invalid(format!("{field} has a name twice")));
            }
            let kind = kind(&name, field)?;
            match id {
                Value::String(id) => Ok((field.to_owned(), kind, id)),
                _ => Err(invalid(format!("{field} holds a value that is no text"))),
            }
        };
        self.0.into_iter().map(read).collect()
    }
}

/// Checks people and returns their identifiers, those of one person after the other.
///
/// # Errors
/// [`Failure`] of kind `Invalid`, naming the field.
pub(super) fn named(people: Vec<Individual>) -> Result<Vec<Named>> {
    if people.is_empty() {
        return Err(invalid("subjects must name at least one person".to_owned()));
    }
    if people.len() > MAX_SUBJECTS {
        return Err(invalid(format!(
            "subjects holds {} people; at most {MAX_SUBJECTS} are taken",
            people.len()
        )));
    }
    let any_hash = people.iter().any(|person| !person.hashes.0.is_empty());
    let (mut named, mut owners) = (Vec::new(), HashMap::new());
    for (place, person) in people.into_iter().enumerate() {
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        for (subject, field) in person.identifiers(&format!("subjects[{place}]"))? {
            // One person's hash may be that of what another is given by.
            let hashes = Hashed::all_of(subject.kind).filter(|_| any_hash).map(SubjectType::Hash);
            let hashes = hashes.filter_map(|kind| Some(Subject { kind, id: subject.at(kind)?.into_owned() }));
            for hash in hashes.collect::<Vec<_>>() {
                own(&mut owners, hash, place, &field)?;
            }
            if own(&mut owners, subject.clone(), place, &field)? {
                named.push(Named { person: Some(number), subject });
            }
        }
    }
    if named.len() > MAX_IDENTIFIERS {
        return Err(invalid(format!("subjects has more than {MAX_IDENTIFIERS} identifiers in all")));
    }
    let bytes = |one: &Named| one.subject.id.len() + one.subject.kind.as_str().len();
    if named.iter().map(bytes).sum::<usize>() > MAX_SUBJECT_BYTES {
        return Err(invalid(format!("subjects has more than {MAX_SUBJECT_BYTES} bytes in all")));
    }
    Ok(named)
}

/// Notes whose an identifier is. Returns whether it is a new one.
///
/// # Errors
/// `Invalid`, if it is another person's, too.
fn own(owners: &mut HashMap<Subject, usize>, subject: Subject, place: usize, field: &str) -> Result<bool> {
    match owners.insert(subject, place) {
        Some(owner) if owner != place => Err(invalid(format!(
            "{field} also names subjects[{owner}]: what two people share cannot be erased for one"
        ))),
        known => Ok(known.is_none()),
    }
}

/// Checks that the suppression list knows all people of a request that suppresses.
pub(super) fn suppressible(
    kind: RegulationType,
    mut people: impl Iterator<Item = Vec<Subject>>,
) -> Result<()> {
    if kind.suppression().is_none() {
        return Ok(());
    }
    match people.position(|person| !person.iter().any(|subject| suppression::holds(subject.kind).is_some())) {
        None => Ok(()),
        Some(place) => Err(invalid(format!("subjects[{place}] {}", suppression::UNKNOWN))),
    }
}

fn invalid(message: String) -> Failure {
    Failure::invalid(message).field("subjects")
}

impl Individual {
    /// A person by these identifiers, those of other systems and hashes by their names.
    pub(crate) fn of(
        [user_id, email, phone]: [Option<String>; 3],
        anonymous_ids: Vec<String>,
        [ids, hashes]: [Vec<(String, String)>; 2],
    ) -> Self {
        let [ids, hashes] = [ids, hashes]
            .map(|all| Ids(all.into_iter().map(|(name, id)| (name, Value::String(id))).collect()));
        Self { user_id, anonymous_ids, email, phone, ids, hashes }
    }

    /// The distinct identifiers.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub(crate) fn subjects(self) -> Result<Vec<Subject>> {
        let mut seen = HashSet::new();
        let all = self.identifiers("")?.into_iter().map(|(subject, _)| subject);
        Ok(all.filter(|subject| seen.insert(subject.clone())).collect())
    }

    /// Each identifier with the field that it is from. `whose` is the place of the person, if there are several.
    fn identifiers(self, whose: &str) -> Result<Vec<(Subject, String)>> {
        let field = |name: &str| if whose.is_empty() { name.to_owned() } else { format!("{whose}.{name}") };
        let mut given = Vec::new();
        given.extend(self.user_id.map(|id| (field("userId"), SubjectType::UserId, id)));
        let anonymous = self.anonymous_ids.into_iter().enumerate();
        given.extend(
            anonymous.map(|(at, id)| (field(&format!("anonymousIds[{at}]")), SubjectType::AnonymousId, id)),
        );
        given.extend(self.email.map(|text| (field("email"), SubjectType::Email, text)));
        given.extend(self.phone.map(|text| (field("phone"), SubjectType::Phone, text)));
        given.extend(self.ids.read(&field("ids"), |name, field| {
            if is_look_alike(name) {
                return Err(invalid(format!("a name in {field} is that of a field: use the field")));
            }
            SubjectType::custom(name)
                .map_err(|failure| invalid(format!("a name in {field} {}", failure.public)))
        })?);
        given.extend(self.hashes.read(&field("hashes"), |name, field| {
            let kind = name.parse().ok().filter(|kind| matches!(kind, SubjectType::Hash(_)));
            kind.ok_or_else(|| {
                let message =
                    "is no kind of hash, such as EMAIL_SHA256, EMAIL_MD5, PHONE_SHA256 or USER_ID_SHA256";
                invalid(format!("a name in {field} {message}"))
            })
        })?);
        if given.is_empty() {
            return Err(invalid(format!("{whose} has no identifier").trim_start().to_owned()));
        }
        given.into_iter().map(|(field, kind, text)| Ok((subject(kind, &text, &field)?, field))).collect()
    }
}

/// The identifier in its normal form. `field` holds it.
fn subject(kind: SubjectType, text: &str, field: &str) -> Result<Subject> {
    if let Some(fault) = fault(text) {
        return Err(invalid(format!("{field} {fault}")));
    }
    let id = normal::form(kind, text).map_err(|fault| invalid(format!("{field} {fault}")))?;
    Ok(Subject { kind, id })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subject::people;

    fn read(subjects: Value) -> Result<Vec<Named>> {
        named(serde_json::from_value(subjects).expect("of the form"))
    }

    #[test]
    fn a_person_keeps_all_identifiers_in_their_normal_form_under_one_number() {
        let named = read(json!([
            {"userId": "u1", "anonymousIds": ["a1", "a2", "a1"], "email": " Ada@Example.com", "ids": {"crm": "7"}},
            {"phone": "+44 20 7946 0000", "hashes": {"EMAIL_MD5": "ocoO1uQqI/R1joo/a1TeWA=="}},
        ]));
        let people: Vec<_> = people(&named.expect("valid")).collect();
        let of = |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
        let ada = [
            of("USER_ID", "u1"),
            of("ANONYMOUS_ID", "a1"),
            of("ANONYMOUS_ID", "a2"),
            of("EMAIL", "ada@example.com"),
            of("crm", "7"),
        ];
        assert_eq!(
            people,
            [&ada[..], &[of("PHONE", "+442079460000"), of("EMAIL_MD5", "a1ca0ed6e42a23f4758e8a3f6b54de58")]]
        );
    }

    #[test]
    fn a_name_that_is_sent_twice_is_refused() {
        let twice = r#"[{"ids": {"crm": "secret1", "shop": "7", "crm": "secret2"}}]"#;
        let failure = named(serde_json::from_str(twice).expect("of the form")).expect_err("which one?");
        assert_eq!(failure.public, "subjects[0].ids has a name twice");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field_and_never_repeated() {
        let long = "y".repeat(2_000);
        for (subjects, field) in [
            (json!([]), "subjects must"),
            (json!([{"userId": "u"}, {}]), "subjects[1] has no identifier"),
            (json!([{"userId": "u", "email": "secret"}]), "subjects[0].email is no email address"),
            (json!([{"phone": "020 secret"}]), "subjects[0].phone is no phone number"),
            (json!([{"anonymousIds": ["a", " "]}]), "subjects[0].anonymousIds[1] is empty"),
            (json!([{"ids": {"crm": long}}]), "subjects[0].ids has 2000 bytes"),
            (json!([{"ids": {"Secret": "1"}}]), "a name in subjects[0].ids is no name of a kind"),
            (json!([{"ids": {"secret": 1}}]), "subjects[0].ids holds a value that is no text"),
            (json!([{"hashes": {"EMAIL": "secret"}}]), "a name in subjects[0].hashes is no kind of hash"),
            (json!([{"hashes": {"EMAIL_SHA256": "secret"}}]), "subjects[0].hashes is no SHA-256"),
            (json!([{"ids": {"email_md5": "secret"}}]), "a name in subjects[0].ids is that of a field"),
            (
                json!([{"email": "a@b"}, {"hashes": {"EMAIL_MD5": "a1ca0ed6e42a23f4758e8a3f6b54de58"}}]),
                "subjects[1].hashes also names subjects[0]",
            ),
            (json!([{"email": "a@b"}, {"email": "A@B "}]), "subjects[1].email also names subjects[0]"),
        ] {
            let failure = read(subjects).expect_err(field);
            assert_eq!(failure.field, Some("subjects"), "{failure}");
            assert!(failure.public.starts_with(field), "{failure}");
            assert!(!failure.public.to_lowercase().contains("secret"), "{failure}");
        }
    }

    #[test]
    fn the_suppression_list_knows_all_people_of_a_request_that_suppresses() {
        use RegulationType::{DeleteOnly, SuppressOnly, SuppressWithDelete};
        let check = |kind, subjects| suppressible(kind, people(&read(subjects).expect("valid")));
        let (known, mailed) = (json!({"anonymousIds": ["a"], "email": "a@b"}), json!({"email": "c@d"}));
        let unknown = json!({"ids": {"crm": "7"}});
        for (kind, subjects, is_taken) in [
            (SuppressOnly, json!([known]), true),
            (SuppressOnly, json!([mailed, known]), true),
            (SuppressWithDelete, json!([known, mailed]), true),
            (SuppressOnly, json!([known, unknown]), false),
            (SuppressWithDelete, json!([unknown]), false),
            (DeleteOnly, json!([known, unknown]), true),
        ] {
            let checked = check(kind, subjects.clone());
            assert_eq!(checked.is_ok(), is_taken, "{kind:?} {subjects}");
        }
        let failure = check(SuppressOnly, json!([known, unknown])).expect_err("one is not known");
        assert!(failure.public.starts_with("subjects[1] has no userId"), "{failure}");
    }
}
