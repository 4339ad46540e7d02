//! A small filter for each archive object, which tells who cannot be in it. Pure.
//!
//! 1. A scan collects the keyed hash of every value at an identifier's path.
//! 2. The hashes become a binary fuse filter with 32-bit fingerprints (<https://arxiv.org/abs/2201.01174>): about 4.5 bytes
//!    per distinct identifier, and one false "may contain" in 4 billion questions.
//! 3. The filter is sealed by an HMAC over itself and its source: the object's ETag and version, and the rules. If any of
//!    these or the key has changed, the filter does not open.
//! 4. The next run opens the filter and asks about its subjects. Without a filter that opens, the object is scanned; an
//!    object with unreadable lines gets none.

use xorf::{BinaryFuse32, Descriptor, Filter as _};

use crate::format::{self, FormatError, Object, Pause, Report, Rewritten};
pub use crate::matching::IndexKey;
use crate::matching::{Matcher, TAG};
use model::comparison::Comparison;
use model::rules::Rules;
use model::subject::SubjectType;

/// Must increase whenever an older filter may rule out somebody whom a scan would find.
const VERSION: u8 = 3;
const DESCRIPTOR: usize = 20;
/// The least number of keys for which the construction is reliable; random ones make up for missing ones.
const MIN_KEYS: usize = 32;

/// What a filter was made from.
#[derive(Debug, Clone, Copy)]
pub struct FilterSource<'a> {
    /// The object's ETag, which changes with its content.
    pub etag: &'a str,
    /// The object's version, if the bucket keeps versions.
    pub version: Option<&'a str>,
    /// The rules it was scanned by.
    pub rules: &'a Rules,
}

/// Who may be in an object.
pub struct Filter(BinaryFuse32);

/// The subjects of a purge run, ready to be asked of many filters; none, if a filter can say nothing about some of them.
pub struct Questions(Option<Vec<u64>>);

impl Questions {
    /// All subjects of a matcher.
    pub fn new(matcher: &Matcher, key: &IndexKey) -> Self {
        Self(matcher.questions(key))
    }
}

/// Scans an object as [`format::scan`] does and makes its filter. An object with unreadable lines gets none, since they may
/// hold anybody.
pub fn scan(
    object: &dyn Object,
    matcher: &Matcher,
    key: &IndexKey,
) -> Result<(Report, Option<Filter>), FormatError> {
    match scan_from(object, matcher, key, None, &|| false)? {
        Scanned::Whole(report, filter) => Ok((report, filter)),
        Scanned::Paused(pause) => Ok((pause.report().clone(), None)),
    }
}

/// How a scan ended.
pub enum Scanned {
    /// At the end of the object; with its filter.
    Whole(Report, Option<Filter>),
    /// Before the end, because `pause` asked for it.
    Paused(Pause),
}

/// The same from the checkpoint `from`, until `pause` returns true. Only a scan in one invocation makes a filter; an object
/// that needs several is read again by the next run.
pub fn scan_from(
    object: &dyn Object,
    matcher: &Matcher,
    key: &IndexKey,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Scanned, FormatError> {
    let collecting = from.is_none().then(|| matcher.collecting(key.clone()));
    let scanned = format::scan_from(object, collecting.as_ref().unwrap_or(matcher), from, pause)?;
    Ok(match scanned {
        Rewritten::Paused(pause) => Scanned::Paused(pause),
        Rewritten::Whole(report) => {
            let hashes = collecting.and_then(|collecting| collecting.collected());
            Scanned::Whole(report, hashes.and_then(|hashes| Filter::new(hashes, key)))
        }
    })
}

impl Filter {
    /// Makes a filter of distinct hashes. `None`, if the construction fails, which is rare.
    fn new(mut hashes: Vec<u64>, key: &IndexKey) -> Option<Self> {
        for filler in hashes.len()..MIN_KEYS {
            hashes.push(key.hash(SubjectType::UserId, Comparison::default(), &format!("\0filler {filler}")));
        }
        hashes.sort_unstable();
        hashes.dedup();
        BinaryFuse32::try_from(&hashes).ok().map(Self)
    }

    /// Whether any of the subjects may be in the object. `false` is certain.
    pub fn may_contain(&self, questions: &Questions) -> bool {
        questions.0.as_ref().is_none_or(|all| all.iter().any(|hash| self.0.contains(hash)))
    }

    /// The filter as bytes, sealed to its source.
    pub fn seal(&self, source: &FilterSource<'_>, key: &IndexKey) -> Vec<u8> {
        let Descriptor { seed, segment_length, segment_length_mask, segment_count_length } =
            self.0.descriptor;
        let mut body = seed.to_le_bytes().to_vec();
        for number in [segment_length, segment_length_mask, segment_count_length] {
            body.extend(number.to_le_bytes());
        }
        body.extend(self.0.fingerprints.iter().flat_map(|print| print.to_le_bytes()));
        [&[VERSION], &tag(source, key, &body)[..], &body].concat()
    }

    /// Reads a filter. `None`, if it is damaged, or was made from another state of the object, other rules or another
    /// key.
    pub fn open(bytes: &[u8], source: &FilterSource<'_>, key: &IndexKey) -> Option<Self> {
        let (&version, bytes) = bytes.split_first()?;
        let (seal, body) = bytes.split_at_checked(TAG)?;
        if version != VERSION || tag(source, key, body) != *seal {
            return None;
        }
        let (descriptor, prints) = body.split_at_checked(DESCRIPTOR)?;
        let (seed, numbers) = descriptor.split_first_chunk()?;
        let mut numbers = numbers.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number));
        let descriptor = Descriptor {
            seed: u64::from_le_bytes(*seed),
            segment_length: numbers.next()?,
            segment_length_mask: numbers.next()?,
            segment_count_length: numbers.next()?,
        };
        let fingerprints = prints.as_chunks().0.iter().map(|print| u32::from_le_bytes(*print)).collect();
        Some(Self(BinaryFuse32 { descriptor, fingerprints }))
    }
}

fn tag(source: &FilterSource<'_>, key: &IndexKey, body: &[u8]) -> [u8; TAG] {
    let rules = serde_json::to_vec(source.rules).expect("rules are plain data");
    let version = source.version.map(str::as_bytes);
    key.mac(&[
        b"filter",
        source.etag.as_bytes(),
        &[u8::from(version.is_some())],
        version.unwrap_or_default(),
        &rules,
        body,
    ])
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::matching::SubjectSet;
    use crate::matching::tests::Dice;
    use model::subject::Subject;

    fn questions(rules: &Rules, ids: &[&str], key: &IndexKey) -> Questions {
        let subjects = SubjectSet::new(ids.iter().copied().map(Subject::user));
        Questions::new(&Matcher::new(rules, &subjects), key)
    }

    #[test]
    fn a_filter_rules_out_strangers_and_nobody_else() {
        let (rules, key) = (Rules::segment(), IndexKey::new(b"secret"));
        let matcher = Matcher::new(&rules, &SubjectSet::new([]));
        let lines: String = (0..5000).map(|n| format!("{{\"userId\":\"u{n}\"}}\n")).collect();
        let odd = "{\"userId\":1.5e1}\n{\"\\u0075serId\":[\"x\",\"\\u0079\"]}\n{\"type\":\"alias\",\"previousId\":\"p\"}\n";
        let object = Bytes::from(lines + odd);
        let (report, filter) = scan(&object, &matcher, &key).unwrap();
        assert_eq!(report, format::scan(&object, &matcher).unwrap());
        let filter = filter.unwrap();
        for id in ["u0", "u4999", "15", "x", "y", "p"] {
            assert!(filter.may_contain(&questions(&rules, &["stranger", id], &key)), "{id}");
        }
        assert!(!filter.may_contain(&questions(&rules, &["u5000", "U0", "", "1", "z"], &key)));
        assert!(!filter.may_contain(&questions(&rules, &["u0"], &IndexKey::new(b"other"))));
    }

    #[test]
    fn a_filter_opens_for_its_own_object_rules_and_key_alone() {
        let (rules, key) = (Rules::segment(), IndexKey::new(b"secret"));
        let filter = Filter::new((0..1000).collect(), &key).unwrap();
        let source = FilterSource { etag: "e1", version: Some("v1"), rules: &rules };
        let sealed = filter.seal(&source, &key);
        assert!(
            Filter::open(&sealed, &source, &key)
                .is_some_and(|filter| filter.may_contain(&Questions(Some(vec![999]))))
        );
        let other_rules = Rules::at_paths(["id"]).unwrap();
        assert!(Filter::open(&sealed, &FilterSource { etag: "e2", ..source }, &key).is_none());
        assert!(Filter::open(&sealed, &FilterSource { version: None, ..source }, &key).is_none());
        assert!(Filter::open(&sealed, &FilterSource { rules: &other_rules, ..source }, &key).is_none());
        assert!(Filter::open(&sealed, &source, &IndexKey::new(b"other")).is_none());
        for at in [0, 1, 33, 40, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(Filter::open(&damaged, &source, &key).is_none());
            assert!(Filter::open(&sealed[..at], &source, &key).is_none());
        }
    }

    #[test]
    fn an_object_with_unreadable_lines_has_no_filter() {
        let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([]));
        for (object, has) in [("{}\n", true), ("", true), ("{}\n\n", true), ("{}\nrubbish\n", false)] {
            let (_, filter) = scan(&Bytes::from(object), &matcher, &IndexKey::new(b"secret")).unwrap();
            assert_eq!(filter.is_some(), has, "{object}");
        }
    }

    /// Records that are not one to a line are in the filter, or there is none.
    #[test]
    fn a_filter_rules_out_nobody_whose_record_shares_its_line_with_others() {
        let (rules, key) = (Rules::segment(), IndexKey::new(b"secret"));
        let nobody = Matcher::new(&rules, &SubjectSet::new([]));
        for object in [
            "{}\n{\"userId\":\"u1\"}{\"userId\":\"u7\"}\n",
            "{}\n[{\"userId\":\"u1\"},{\"userId\":\"u7\"}]\n",
            "{\"userId\":\"u1\"}{\"userId\":\"u7\"}",
            "[{\"userId\":\"u1\"},\n{\"userId\":\"u7\"}]",
            "{\n\"userId\":\n\"u7\"}",
        ] {
            let object = Bytes::from(object);
            let (_, filter) = scan(&object, &nobody, &key).unwrap();
            let subjects = SubjectSet::new([Subject::user("u7")]);
            assert_eq!(format::scan(&object, &Matcher::new(&rules, &subjects)).unwrap().removed, 1);
            assert!(filter.is_none_or(|filter| filter.may_contain(&questions(&rules, &["u7"], &key))));
        }
    }

    #[test]
    fn whoever_is_found_is_in_the_filter() {
        let (rules, key) = (Rules::segment(), IndexKey::new(b"secret"));
        let subjects = crate::matching::tests::subjects();
        for seed in 0..300 {
            let mut dice = Dice(seed);
            let lines: Vec<Vec<u8>> = (0..8).map(|_| dice.line()).collect();
            let object = Bytes::from([&b"{}\n"[..], &lines.join(&b'\n')].concat());
            let nobody = Matcher::new(&rules, &SubjectSet::new([]));
            let Ok((_, Some(filter))) = scan(&object, &nobody, &key) else { continue };
            for subject in subjects.iter() {
                let matcher = Matcher::new(&rules, &SubjectSet::new([subject.clone()]));
                let found = format::scan(&object, &matcher).is_ok_and(|report| report.removed > 0);
                let may = filter.may_contain(&Questions::new(&matcher, &key));
                assert!(may || !found, "{}", String::from_utf8_lossy(&object));
            }
        }
    }
}
