//! Tests the fast matcher against full parses of hostile lines.

mod door;
mod kinds;
mod reference;

use base64::Engine;
use md5::Md5;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::*;
use model::comparison::Comparison;
use model::subject::{Subject, SubjectType};

/// The material of lines: names, and identifiers of subjects and of others that resemble them.
const NAMES: &[&str] = &[
    "userId",
    "anonymousId",
    "previousId",
    "type",
    "context",
    "traits",
    "email",
    "x",
    "userid",
    "userId ",
    "ids",
    "traits.email",
    "context.traits.email",
    "naïve/\"key\"",
];
const VALUES: &[&str] = &[
    "u7",
    "42",
    "é@x.io",
    "e\u{301}@x.io",
    "a\"b\\c",
    "A@B.io",
    " u7 ",
    "u77",
    "xu7",
    "",
    "alias",
    "track",
    "a@b.io",
    "-7",
    "\"userId\":\"u7\"",
    "😀",
    "[\"u7\", 42]",
    " [\"u77\",\"u7\"]",
    "[42]",
    "{\"userId\":\"u7\",\"email\":\"a@b.io\"}",
    "{\"ids\":[{\"x\":\"42\"}],\"traits\":\"{\\\"email\\\":\\\"u7\\\"}\"}",
    "{}",
    "[",
    "{u77",
    U7_SHA256,
    A_SHA256_UPPER,
    A_SHA256_BASE64,
    A_MD5,
    NOTHING_SHA256,
    "\"u7\"",
];
/// As `printf %s u7 | sha256sum` writes them, or `md5sum`, or `xxd -r -p | base64` after it; and that of an empty text.
const U7_SHA256: &str = "e8180000fa67e824043aa522c6743de57dbc5de1d39d5483acb618b699a9dd00";
const A_SHA256_UPPER: &str = "0F3306F460EDF2294D6C3ACBA4B0E24D19173D2F0A4A545EC55166767D5E83A4";
const A_SHA256_BASE64: &str = "DzMG9GDt8ilNbDrLpLDiTRkXPS8KSlRexVFmdn1eg6Q=";
const A_MD5: &str = "b5830a1eaa118aa65dd344c6ae34649b";
const E_SHA256: &str = "c1857d2bdee58f9b5723e4ac5c77879c4a0992d2c2e33929bf3703edbc989acd";
const NOTHING_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const IDS: &[&str] = &["u7", "42", "é@x.io", "a\"b\\c", "a@b.io", "-7", "100", "😀", "true", "null"];

pub(crate) fn subjects() -> SubjectSet {
    let kinds = [SubjectType::UserId, SubjectType::AnonymousId];
    let both = |id: &&str| kinds.map(|kind| Subject { kind, id: (*id).to_owned() });
    let addresses = ["a@b.io", "é@x.io"].map(|id| Subject { kind: SubjectType::Email, id: id.to_owned() });
    SubjectSet::new(IDS.iter().flat_map(both).skip(1).chain(addresses))
}

/// The same, and some who are known by hashes alone.
fn hashed_subjects() -> SubjectSet {
    let of = |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
    let more = [
        of("USER_ID_SHA256", U7_SHA256),
        of("EMAIL_SHA256", E_SHA256),
        of("EMAIL_MD5", A_MD5),
        of("ANONYMOUS_ID_SHA256", NOTHING_SHA256),
    ];
    SubjectSet::new(subjects().iter().cloned().chain(more))
}

fn rule_sets() -> [Rules; 4] {
    let nested = r#"[
        {"path": "userId", "type": "USER_ID"},
        {"path": "context.traits.email", "type": "USER_ID", "foldCase": true, "trim": true},
        {"path": "context.userId", "type": "ANONYMOUS_ID", "when": {"path": "context.type", "equals": "alias"}},
        {"path": "ids", "type": "USER_ID", "normalize": "nfc"},
        {"path": "previousId", "type": "USER_ID", "when": {"path": "x", "equals": "true"}},
        {"path": "email", "type": "EMAIL"},
        {"path": "naïve/\"key\"", "type": "ANONYMOUS_ID", "trim": true}
    ]"#;
    let hashes = r#"[
        {"path": "userId", "type": "USER_ID_SHA256"},
        {"path": "userId", "type": "USER_ID"},
        {"path": "context.traits.email", "type": "EMAIL", "when": {"path": "context.type", "equals": "alias"}},
        {"path": "email", "type": "EMAIL_SHA256"},
        {"path": "x", "type": "EMAIL_MD5"}
    ]"#;
    [
        Rules::segment(),
        serde_json::from_str(nested).unwrap(),
        serde_json::from_str(hashes).unwrap(),
        Rules::at_paths(["userId", "traits.ids.x"]).unwrap(),
    ]
}

/// A small random generator: every test case is one seed, and a failure prints the line.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        ((self.0 >> 33) as usize) % sides
    }
    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }
    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    pub(crate) fn line(&mut self) -> Vec<u8> {
        let mut line = String::new();
        self.object(&mut line, 0);
        let mut line = line.into_bytes();
        match self.roll(60) {
            0 => line.truncate(self.roll(line.len() + 1)),
            1 => drop(line.drain(..self.roll(line.len() + 1))),
            2 => line.insert(self.roll(line.len() + 1), 0xff),
            3 => line.insert(self.roll(line.len() + 1), 0),
            4 => line.insert(self.roll(line.len() + 1), b"\"{}[],:\\"[self.roll(8)]),
            5 => drop(line.splice(..0, *b"\xef\xbb\xbf")),
            6 => line.push(b'\r'),
            7 => line.splice(..0, *b" \t").for_each(drop),
            8 => line.clear(),
            9 => line = [b"[", &line[..], b"]"].concat(),
            10 if !line.is_empty() => drop(line.remove(self.roll(line.len()))),
            _ => {}
        }
        line.retain(|&byte| byte != b'\n');
        line
    }

    fn object(&mut self, out: &mut String, depth: usize) {
        out.push('{');
        for field in 0..self.roll(5) {
            if field > 0 {
                out.push(',');
            }
            self.blank(out);
            let name = self.pick(NAMES);
            self.string(out, name);
            self.blank(out);
            out.push(':');
            self.blank(out);
            let deeper = if matches!(name, "context" | "traits") { 2 } else { 12 };
            if depth < 4 && self.one_in(deeper) {
                self.object(out, depth + 1)
            } else {
                self.value(out, depth)
            }
            self.blank(out);
        }
        out.push('}');
    }

    fn value(&mut self, out: &mut String, depth: usize) {
        match self.roll(14) {
            0 => out.push_str(self.pick(&["null", "true", "false", "nul", "tru"])),
            1 | 2 => out.push_str(self.pick(&[
                "42", "42.0", "42E0", "1E2", "4.2E+1", "4.2e1", "420e-1", "-7", "-7.0", "0", "-0", "1e2",
                "43", "042", "4 2", "42a", "1e999",
            ])),
            3 if depth < 6 => {
                out.push('[');
                for element in 0..self.roll(4) {
                    if element > 0 {
                        out.push(',');
                    }
                    if self.one_in(3) { self.object(out, depth + 1) } else { self.value(out, depth + 1) }
                }
                out.push(']');
            }
            4 => out.push_str(self.pick(&[
                "\"\\ud800\"",
                "\"\\ud83d\\ude00\"",
                "\"\\uD83D\"",
                "\"\\u00\"",
                "\"\\x\"",
            ])),
            _ => {
                let value = self.pick(VALUES);
                self.string(out, value);
            }
        }
    }

    fn string(&mut self, out: &mut String, text: &str) {
        let escaped = if self.one_in(12) { 2 } else { 10_000 };
        out.push('"');
        for letter in text.chars() {
            match letter {
                _ if self.one_in(escaped) => {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        let code =
                            if self.one_in(2) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                        out.push_str(&code);
                    }
                }
                '"' | '\\' => out.extend(['\\', letter]),
                '/' if self.one_in(2) => out.push_str("\\/"),
                _ => out.push(letter),
            }
        }
        out.push('"');
    }

    fn blank(&mut self, out: &mut String) {
        if self.one_in(10) {
            out.push_str(self.pick(&[" ", "\t", "  ", "\r"]));
        }
    }
}

/// As programs that flatten records write them: pandas' `json_normalize`, and many loggers.
#[test]
fn a_path_is_found_whichever_of_its_names_are_joined() {
    let rules = Rules::at_paths(["context.traits.email", "userId"]).unwrap();
    let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]));
    for (line, verdict) in [
        (r#"{"context.traits.email":"u7"}"#, Verdict::Remove),
        (r#"{"userId":"u1","context":{"traits.email":"u7"}}"#, Verdict::Remove),
        (r#"{"context.traits":{"email":"u7"}}"#, Verdict::Remove),
        (r#"{"context":"{\"traits.email\":\"u7\"}"}"#, Verdict::Remove),
        (r#"{"context\u002etraits.email":"u7"}"#, Verdict::Remove),
        (r#"{"context.traits.email.x":"u7","traits.email":"u7","x.userId":"u7"}"#, Verdict::Keep),
    ] {
        assert_eq!(matcher.line(line.as_bytes(), &mut Vec::new()), verdict, "{line}");
        let mut found = Vec::new();
        matcher.blocks().block(line.as_bytes(), |_, verdict, _| found.push(verdict));
        assert_eq!(found.first().copied().unwrap_or(Verdict::Keep), verdict, "{line}");
    }
}

#[test]
fn a_uuid_in_letters_of_both_cases_is_one() {
    let (lower, mixed) = ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEbc99-9C0B-4ef8-bb6d-6bb9bd380A11");
    let rules = Rules::at_paths(["userId"]).unwrap();
    for subject in [lower, mixed, &format!("{{{}}}", lower.replace('-', ""))] {
        let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user(subject)]));
        let bare = mixed.replace('-', "");
        let (urn, braced) = (|text| format!("Urn:Uuid:{text}"), |text| format!("{{{text}}}"));
        for value in [lower, mixed, &bare, &urn(mixed), &urn(&*bare), &braced(mixed), &braced(&*bare)] {
            let line = format!(r#"{{"userId":"{value}"}}"#);
            assert_eq!(matcher.line(line.as_bytes(), &mut Vec::new()), Verdict::Remove, "{value}");
            let mut found = Vec::new();
            matcher.blocks().block(line.as_bytes(), |_, verdict, _| found.push(verdict));
            assert_eq!(found, [Verdict::Remove], "{value}");
            let key = IndexKey::new(b"secret");
            let nobody = Matcher::new(&rules, &SubjectSet::new([])).collecting(key.clone());
            nobody.line(line.as_bytes(), &mut Vec::new());
            let known = nobody.collected().unwrap();
            assert!(matcher.questions(&key).unwrap().iter().any(|asked| known.contains(asked)), "{value}");
        }
        let other = mixed.replace("11", "12");
        assert_eq!(
            matcher.line(format!(r#"{{"userId":"{other}"}}"#).as_bytes(), &mut Vec::new()),
            Verdict::Keep
        );
    }
}

/// As CloudTrail writes its files: who is in the other events, no rule says.
#[test]
fn an_object_in_an_array_that_names_nobody_is_somebody_elses() {
    let rules: Rules = serde_json::from_str(
        r#"[{"path": "userId", "type": "USER_ID"}, {"path": "Records.userIdentity.userName", "type": "USER_ID"},
            {"path": "Records.user", "type": "USER_ID"}]"#,
    )
    .unwrap();
    let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]));
    let theirs = r#"{"userIdentity":{"type":"IAMUser","userName":"u7"}}"#;
    for (record, verdict) in [
        (format!(r#"{{"Records":[{theirs},{{"userIdentity":{{"type":"Root"}}}}]}}"#), Verdict::Shared),
        (format!(r#"{{"Records":[{{}},{theirs}]}}"#), Verdict::Shared),
        (format!(r#"{{"Records":[{theirs},{{"user":"u7"}}]}}"#), Verdict::Remove),
        (format!(r#"{{"Records":[{theirs},null]}}"#), Verdict::Remove),
        (format!(r#"{{"userId":"u7","Records":[{{}},{theirs}]}}"#), Verdict::Remove),
        (r#"{"Records":[{},{}]}"#.to_owned(), Verdict::Keep),
    ] {
        assert_eq!(matcher.line(record.as_bytes(), &mut Vec::new()), verdict, "{record}");
    }
}

/// 1,024 seeds of 1,000 lines each: the fast matcher, the full parse and `serde_json::Value` agree.
#[test]
fn fast_matcher_decides_a_million_nasty_lines_as_a_full_parse_does() {
    let cases = [subjects(), hashed_subjects()]
        .map(|subjects| rule_sets().map(|rules| (Matcher::new(&rules, &subjects), rules, subjects.clone())));
    let cases = cases.as_flattened();
    proptest!(ProptestConfig::with_cases(1024), |(seed: u64)| {
        let mut dice = Dice(seed);
        let (matcher, rules, subjects) = &cases[dice.roll(cases.len())];
        let lines: Vec<Vec<u8>> = (0..1000).map(|_| dice.line()).collect();
        let mut block = lines.join(&b'\n');
        // A block with a bad byte is parsed line by line: most blocks must have none.
        if dice.one_in(4) { block.push(b'\n') } else { block = String::from_utf8_lossy(&block).into_owned().into() }
        let lines: Vec<&[u8]> = block.strip_suffix(b"\n").unwrap_or(&block).split(|&byte| byte == b'\n').collect();

        let mut fast = Vec::new();
        let count = matcher.blocks().block(&block, |line, verdict, hits| {
            let line = &block[line];
            fast.push((line.strip_suffix(b"\n").unwrap_or(line).as_ptr(), verdict, hits.to_vec()));
        });
        prop_assert!(count == lines.len() as u64 || block.is_empty());
        let mut fast = fast.into_iter().peekable();
        for line in lines {
            let shown = String::from_utf8_lossy(line);
            let mut hits = Vec::new();
            let verdict = matcher.line(line, &mut hits);
            if let Some(by_value) = reference::by_value(matcher, rules, subjects, line) {
                prop_assert_eq!(by_value, (verdict, hits.clone()), "Value: {}", shown);
            } else if !["\\u", "1e999"].iter().any(|odd| shown.contains(odd)) {
                prop_assert_eq!(verdict, Verdict::Unreadable, "{}", shown);
            }
            match fast.next_if(|(at, ..)| *at == line.as_ptr()) {
                Some((_, fast_verdict, fast_hits)) => {
                    prop_assert_eq!((fast_verdict, fast_hits), (verdict, hits), "{}", shown);
                }
                None => prop_assert!(matches!(verdict, Verdict::Keep | Verdict::Unreadable), "{}", shown),
            }
        }
        prop_assert!(fast.next().is_none(), "a line that is none");
    });
}
