//! Each kind of identifier is found where rules say that it stands, and a hash where what it is of does.

use super::*;

/// Each kind is found at the places of its own rules alone, addresses and numbers however they are written; so say the
/// filters and the search of lines that nobody can read.
#[test]
fn identifiers_are_found_by_rules_of_their_own_kind_alone() {
    let of = |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
    let subjects = SubjectSet::new([
        of("USER_ID", "u7"),
        of("EMAIL", "ada@example.com"),
        of("PHONE", "+442079460000"),
        of("crm", "7"),
        of("shop", "unruled"),
    ]);
    let rules: Rules = serde_json::from_str(
        r#"[{"path": "userId", "type": "USER_ID"}, {"path": "traits.email", "type": "EMAIL"},
            {"path": "traits.phone", "type": "PHONE"}, {"path": "crm", "type": "crm"}]"#,
    )
    .expect("rules");
    let matcher = Matcher::new(&rules, &subjects);
    let key = IndexKey::new(b"secret");
    for (line, whose) in [
        (r#"{"userId":"u7"}"#, Some(0)),
        (r#"{"userId":"ada@example.com","traits":{"email":"u7","phone":"7"},"crm":"u7"}"#, None),
        (r#"{"traits":{"email":" ADA@Example.com "}}"#, Some(1)),
        (r#"{"traits":{"phone":"+44 (20) 7946-0000"}}"#, Some(2)),
        (r#"{"traits":{"phone":"020 7946 0000"}}"#, None),
        (r#"{"crm":7}"#, Some(3)),
        (r#"{"email":"ada@example.com","shop":"unruled"}"#, None),
    ] {
        let (mut hits, mut fast) = (Vec::new(), Vec::new());
        matcher.line(line.as_bytes(), &mut hits);
        matcher.blocks().block(line.as_bytes(), |_, _, hits| fast = hits.to_vec());
        let wanted: Vec<u32> = whose.into_iter().collect();
        assert_eq!((&hits, &fast), (&wanted, &wanted), "{line}");
        let collecting = matcher.collecting(key.clone());
        collecting.line(line.as_bytes(), &mut hits);
        let seen = collecting.collected().expect("all is read");
        let asked = matcher.questions(&key).expect("no hash").iter().any(|hash| seen.contains(hash));
        assert_eq!(asked, whose.is_some(), "{line}");
    }
    let suspects = |line: &str| matcher.suspects(line.as_bytes());
    assert!(suspects("rubbish ada@example.com") && !suspects("rubbish unruled"));
}

/// Places that hold hashes, people who are given by them, and both: however a hash is written, whatever the places hold.
#[test]
fn hashes_find_what_they_are_hashes_of_and_the_other_way_round() {
    let of = |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
    let rules: Rules = serde_json::from_str(
        r#"[{"path": "email", "type": "EMAIL"}, {"path": "em", "type": "EMAIL_SHA256"}, {"path": "md5", "type": "EMAIL_MD5"}]"#,
    )
    .expect("rules");
    let nothing = format!(r#"{{"em":"{NOTHING_SHA256}"}}"#);
    let sha256 = [U7_SHA256, A_SHA256_UPPER, A_SHA256_BASE64];
    let [other, upper, base64] = sha256.map(|hash| format!(r#"{{"em":"{hash}"}}"#));
    let (md5, uuid) = (format!(r#"{{"md5":"{A_MD5}"}}"#), Uuid::parse_str(A_MD5).expect("16 bytes"));
    let uuid = format!(r#"{{"md5":"{uuid}"}}"#);
    let plain = r#"{"email":" A@b.io "}"#;
    let lower = A_SHA256_UPPER.to_lowercase();
    let lines =
        [&other, &upper, &base64, &nothing, &md5, &uuid, plain, r#"{"email":"b@b.io"}"#, r#"{"email":" "}"#];
    for (subject, found) in [
        (of("EMAIL", "a@b.io"), vec![1, 2, 4, 5, 6]),
        (of("EMAIL_SHA256", &lower), vec![1, 2, 6]),
        (of("EMAIL_MD5", A_MD5), vec![4, 5, 6]),
        (of("USER_ID", "a@b.io"), vec![]),
        (of("USER_ID_SHA256", &lower), vec![]),
    ] {
        let (matcher, key) =
            (Matcher::new(&rules, &SubjectSet::new([subject.clone()])), IndexKey::new(b"secret"));
        for (place, line) in lines.iter().enumerate() {
            let mut hits = Vec::new();
            matcher.line(line.as_bytes(), &mut hits);
            assert_eq!(!hits.is_empty(), found.contains(&place), "{subject:?} {line}");
            let collecting = matcher.collecting(key.clone());
            collecting.line(line.as_bytes(), &mut hits);
            let seen = collecting.collected().expect("all is read");
            let asked = matcher.questions(&key).is_none_or(|all| all.iter().any(|hash| seen.contains(hash)));
            assert!(asked || hits.is_empty(), "a filter may not rule out {subject:?} {line}");
        }
        // A line that nobody can read may hold whatever a hash is of; a hash in it is seen in every spelling.
        let is_hash =
            matches!(subject.kind, SubjectType::Hash(_)) && subject.kind.as_str().starts_with("EMAIL");
        assert_eq!(matcher.suspects(b"rubbish"), is_hash, "{subject:?}");
        let holds = matcher.suspects(format!("rubbish {A_SHA256_BASE64}").as_bytes());
        assert_eq!(holds, subject.kind.as_str().starts_with("EMAIL"), "{subject:?}");
        assert!(!matcher.suspects(b" "), "{subject:?}");
    }
}
