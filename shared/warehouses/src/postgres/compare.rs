//! How a column is compared with identifiers: these are converted to the column's type, never the column to text, so
//! that an index can be used. An identifier that is no value of the type cannot be in the column.

use uuid::Uuid;

use crate::comparable;
use destinations::warehouse::quote;
use model::hashed::Hashed;
use model::subject::SubjectType;

/// How a column of some type is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Compare {
    /// `text`, `varchar`.
    Text,
    /// `char(n)`: blanks at the end do not count.
    Padded,
    /// `smallint`, `integer`, `bigint`.
    Integer,
    /// `numeric`: by value, whatever its scale.
    Decimal,
    /// `uuid`.
    Uuid,
    /// `citext`, whose type and operator are in this schema.
    Citext(String),
    /// Any other type, by its text.
    Other,
    /// A column of any type that holds identifiers of a kind with a form of its own.
    Form(SubjectType),
    /// By the hash of its text as it would be compared.
    Hashed(Hashed, Box<Self>),
}

impl Compare {
    /// How a column that holds identifiers of a kind is compared; `otherwise`, if the kind has no form of its own.
    pub(super) fn of_kind(kind: SubjectType, otherwise: Self) -> Self {
        if matches!(kind, SubjectType::Email | SubjectType::Phone) { Self::Form(kind) } else { otherwise }
    }

    /// How a type of this name is compared, in this schema.
    pub(super) fn of(type_name: &str, schema: &str) -> Self {
        match type_name {
            "text" | "varchar" => Self::Text,
            "bpchar" => Self::Padded,
            "int2" | "int4" | "int8" => Self::Integer,
            "numeric" => Self::Decimal,
            "uuid" => Self::Uuid,
            "citext" => Self::Citext(schema.to_owned()),
            _ => Self::Other,
        }
    }

    /// The identifiers that can stand in such a column, as Postgres reads them.
    pub(super) fn possible(&self, ids: &[impl AsRef<str>]) -> Vec<String> {
        // Postgres knows no text with a NUL.
        let ids = ids.iter().map(AsRef::as_ref).filter(|id: &&str| !id.contains('\0'));
        match self {
            Self::Integer => ids.filter(|id| is_integer(id)).map(str::to_owned).collect(),
            Self::Decimal => ids.filter(|id| is_decimal(id)).map(str::to_owned).collect(),
            Self::Uuid => ids.filter_map(|id| Some(Uuid::parse_str(id).ok()?.to_string())).collect(),
            _ => ids.map(str::to_owned).collect(),
        }
    }

    /// A column's value as text, as it is compared.
    pub(super) fn text(&self, column: &str) -> String {
        let text = format!("{column}::text");
        match self {
            Self::Form(kind) => comparable(*kind, text),
            Self::Hashed(hashed, of) => {
                let bytes = format!("convert_to({}, 'UTF8')", of.text(column));
                if hashed.is_sha256() {
                    format!("encode(sha256({bytes}), 'hex')")
                } else {
                    format!("md5({bytes})")
                }
            }
            _ => text,
        }
    }

    /// The comparison of a column with a parameter that holds an array of texts.
    pub(super) fn sql(&self, column: &str, parameter: usize) -> String {
        let (value, operator, of) = self.parts(&quote(column));
        format!("{value} {operator} ANY(${parameter}::text[]::{of}[])")
    }

    /// The comparison of a column, as SQL names it, with a text.
    pub(super) fn equals(&self, column: &str, text: &str) -> String {
        let (value, operator, of) = self.parts(column);
        format!("{value} {operator} {text}::{of}")
    }

    /// What stands left of a comparison, its operator, and the type of what stands right of it.
    fn parts(&self, column: &str) -> (String, String, String) {
        let of = match self {
            Self::Text => "text",
            Self::Padded => "bpchar",
            Self::Integer => "int8",
            Self::Decimal => "numeric",
            Self::Uuid => "uuid",
            Self::Citext(schema) => {
                let schema = quote(schema);
                return (column.to_owned(), format!("OPERATOR({schema}.=)"), format!("{schema}.citext"));
            }
            Self::Other | Self::Form(_) | Self::Hashed(..) => {
                return (self.text(column), "=".to_owned(), "text".to_owned());
            }
        };
        (column.to_owned(), "=".to_owned(), of.to_owned())
    }
}

/// Whether it is the canonical form of a 64-bit integer: `007` and `7` are two identifiers.
fn is_integer(id: &str) -> bool {
    id.parse::<i64>().is_ok_and(|number| number.to_string() == id)
}

/// Whether it is a plain decimal number of reasonable length.
fn is_decimal(id: &str) -> bool {
    let digits = id.strip_prefix('-').unwrap_or(id);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    number(whole) && number(fraction) && (whole == "0" || !whole.starts_with('0')) && id.len() <= 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_stand_in_a_column_is_looked_for() {
        let ids = ["7", "007", "+7", "-7", "7.50", "9223372036854775808", "x", "1e3", "a\0b", " 7"];
        for (compare, possible) in [
            (Compare::Integer, vec!["7", "-7"]),
            (Compare::Decimal, vec!["7", "-7", "7.50", "9223372036854775808"]),
            (Compare::Uuid, vec![]),
            (Compare::Text, vec!["7", "007", "+7", "-7", "7.50", "9223372036854775808", "x", "1e3", " 7"]),
        ] {
            assert_eq!(compare.possible(&ids), possible, "{compare:?}");
        }
        let uuid = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8";
        assert_eq!(Compare::Uuid.possible(&[uuid]), [uuid.to_lowercase()]);
    }

    #[test]
    fn names_are_quoted_in_every_comparison() {
        for compare in [
            Compare::Text,
            Compare::Padded,
            Compare::Integer,
            Compare::Citext("ex\"t".into()),
            Compare::Other,
            Compare::Form(SubjectType::Email),
        ] {
            assert!(compare.sql(r#"We"ird"#, 1).contains(r#""We""ird""#), "{compare:?}");
        }
        assert!(Compare::Citext("ex\"t".into()).sql("c", 1).contains(r#"OPERATOR("ex""t".=)"#));
    }
}
