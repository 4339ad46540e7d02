//! People by several identifiers.

use super::{account, refused};
use crate::batch::entry::{Entry, Named};
use crate::batch::file::File;
use crate::failure::{Failure, FailureKind};
use crate::subject::{Subject, SubjectType};

fn people(text: &str) -> Result<Vec<(u64, Entry)>, Failure> {
    let (mut file, mut entries) = (File::new(Named::ByAll { suppressed: true }), Vec::new());
    let mut sink = |line, entry| {
        entries.push((line, entry));
        Ok(())
    };
    file.push(text.as_bytes(), &mut sink)?;
    file.finish(&mut sink)?;
    Ok(entries)
}

fn ada() -> Entry {
    let of = |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
    Entry::Person(vec![
        of("USER_ID", "u1"),
        of("ANONYMOUS_ID", "a1"),
        of("ANONYMOUS_ID", "a2"),
        of("EMAIL", "ada@example.com"),
        of("crm", "7"),
    ])
}

#[test]
fn people_have_several_identifiers_in_columns_or_in_fields() {
    let csv = "name;User ID;anonymousId;anonymous_id;E-Mail;phone;ids.crm\n\
               Ada;u1;a1;a2; Ada@Example.com;;7\n;;;;no address;;\n;;;;;;7\nx;;;;;;\n";
    let entries = people(csv).expect("readable");
    assert_eq!(entries[..2], [(1, Entry::Header), (2, ada())]);
    let expected = [
        (3, "email is no email address"),
        (4, "has no userId, anonymousIds, email, phone or SHA-256 of the last two"),
        (5, "has no identifier"),
    ];
    assert_eq!(refused(&entries).len(), 3, "{entries:?}");
    for ((line, said), (place, wanted)) in refused(&entries).into_iter().zip(expected) {
        assert!(line == place && said.starts_with(wanted), "{line}: {said}");
    }
    let lines = concat!(
        r#"{"userId": "u1", "anonymousIds": ["a1", "a2", "a1"], "email": " Ada@Example.com", "ids": {"crm": "7"}}"#,
        "\n\n",
        r#"{"secret": "u2"}"#,
        "\n",
        r#"{"userId": 7}"#,
    );
    let entries = people(lines).expect("readable");
    assert_eq!(entries[..2], [(1, ada()), (2, Entry::Blank)]);
    let wanted = "is not a person as the API takes one";
    assert_eq!(refused(&entries), [(3, wanted), (4, wanted)]);
    assert_eq!(people("ids.crm;email\n;a@b\n").expect("readable").len(), 2);
    let hashes = format!("hashes.PHONE_SHA256,ids.crm\n{},7\nx,8\n", "AB".repeat(32));
    let entries = people(&hashes).expect("readable");
    let of = |kind: &str, id: String| Subject { kind: kind.parse().expect("a kind"), id };
    assert_eq!(entries[1].1, Entry::Person(vec![of("crm", "7".into()), of("PHONE_SHA256", "ab".repeat(32))]));
    assert!(refused(&entries)[0].1.starts_with("hashes is no SHA-256"), "{entries:?}");
    for text in [
        "u1\nu2\n",
        "hashes.EMAIL,email\nu,a@b\n",
        "email,Email\na@b,c@d\n",
        "userId,ids.CRM\nu,1\n",
        "name,mail\nAda,a@b\n",
    ] {
        let failure = people(text).expect_err("unclear");
        assert_eq!(failure.kind, FailureKind::Invalid, "{text}");
    }
}

#[test]
fn whom_two_lines_name_by_other_sets_of_identifiers_is_one_person_or_two() {
    let of = |text: &str| {
        Entry::Person(text.split(' ').map(|id| Subject { kind: SubjectType::Email, id: id.into() }).collect())
    };
    let lines = ["a b", "b a", "a", "b c", "c", "d"].map(of);
    let (cuts, closed) = account((1..).zip(lines)).expect("few");
    assert_eq!(closed.account.subjects, 3, "a b, c, d");
    assert_eq!((closed.account.duplicates, closed.account.refused), (2, 1));
    assert_eq!((cuts[0].len(), closed.refusals[0].line), (3, 4));
}

#[test]
fn a_regulation_takes_as_many_identifiers_as_are_stored_at_once() {
    let many = |n: u64| (0..400).map(|m| Subject::anonymous(format!("{n}-{m}"))).collect();
    let (cuts, _) = account((1..=60).map(|n| (n, Entry::Person(many(n))))).expect("few");
    assert_eq!(cuts.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 10]);
}
