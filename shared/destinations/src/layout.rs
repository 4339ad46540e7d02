//! Where Segment keeps the events of a source in an archive: `segment-logs/{source}/{day}/{file}`
//! (<https://segment.com/docs/connections/storage/catalog/aws-s3>).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use model::source::SourceId;

/// The folder that holds one folder for each source.
pub(crate) const FOLDERS: &str = "segment-logs/";

/// The folder of a source's events of one day, given as that day's first moment in Unix milliseconds, in an archive
/// whose keys begin with `prefix`.
pub fn day_folder(prefix: &str, source: &SourceId, day: i64) -> String {
    let folders = if prefix.ends_with(FOLDERS) { "" } else { FOLDERS };
    format!("{prefix}{folders}{source}/{day}/")
}

/// The source of an archive's object, and its day in UTC; none, if the key is not as Segment writes it:
/// `segment-logs/{source}/{the day's first moment, in Unix milliseconds or seconds}/…`.
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

/// Splits a prefix around the folder of all sources.
pub(crate) fn split(prefix: &str) -> Option<(&str, &str)> {
    let at = match prefix.starts_with(FOLDERS) {
        true => 0,
        false => prefix.find(&format!("/{FOLDERS}"))? + 1,
    };
    Some((&prefix[..at], &prefix[at + FOLDERS.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
