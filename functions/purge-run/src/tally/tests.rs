use archive::run_plan::{SeenVersion, Version};
use engine::format::Report;
use model::id::ExceptionId;

use super::*;

fn outcome(lines: u64, residual: Option<Reason>) -> KeyOutcome {
    let version = Version { id: "v".into(), etag: "e".into(), size: 1, current: true };
    let hits = (lines > 0).then_some((0, lines)).into_iter().collect();
    let report = Report { lines: 9, removed: lines, hits, ..Report::default() };
    let residuals = residual.map(|reason| Residual { reason, detail: String::new(), until: None });
    KeyOutcome {
        key: "k".into(),
        seen: vec![SeenVersion { version, report, ruled_out: false, read: 1 }],
        residuals: residuals.into_iter().collect(),
        ..KeyOutcome::default()
    }
}

#[test]
fn a_clean_second_look_outweighs_trouble_on_the_way() {
    let mut tally = Tally::default();
    tally.found(outcome(3, Some(Reason::Unreachable)));
    tally.forgot(outcome(3, Some(Reason::Unreachable)));
    tally.verified(outcome(0, None));
    assert!(tally.residuals.is_empty());
    assert_eq!(tally.hits["k"].lines[&0], 3);
}

#[test]
fn what_is_left_is_said_with_what_kept_it() {
    let mut tally = Tally::default();
    tally.found(outcome(3, None));
    tally.forgot(outcome(3, Some(Reason::Denied)));
    tally.verified(outcome(3, None));
    assert_eq!(tally.residuals["k"].first.reason, Reason::Denied);
}

#[test]
fn records_that_cannot_be_compared_are_a_residual_though_others_of_their_object_went() {
    let opaque = |lines| {
        let mut outcome = outcome(lines, None);
        outcome.seen[0].report.opaque = 2;
        outcome
    };
    let mut tally = Tally::default();
    tally.found(opaque(0));
    assert_eq!(tally.residuals["k"].first.reason, Reason::Opaque);
    let mut tally = Tally::default();
    tally.found(opaque(3));
    tally.forgot(opaque(3));
    tally.verified(opaque(0));
    assert_eq!(tally.residuals["k"].first.reason, Reason::Opaque);
}

#[test]
fn a_batch_that_did_not_end_is_never_taken_for_clean() {
    let mut tally = Tally::default();
    tally.found(unprocessed("k".into()));
    assert_eq!(tally.residuals["k"].first.reason, Reason::Unprocessed);
    tally.found(outcome(3, None));
    tally.verified(unprocessed("k".into()));
    assert_eq!(tally.residuals["k"].first.reason, Reason::Unprocessed);
}

#[test]
fn a_key_with_hits_that_the_guard_did_not_pass_on_is_never_taken_for_clean() {
    let mut tally = Tally::default();
    tally.found(outcome(3, None));
    tally.hold_back();
    assert_eq!(tally.residuals["k"].first.reason, Reason::Unprocessed);
    tally.forgot(outcome(3, None));
    tally.verified(outcome(0, None));
    tally.hold_back();
    assert!(tally.residuals.is_empty());
}

/// A dry run ends after find: it says of a key with hits, too, what a run would leave.
#[test]
fn what_is_left_of_a_key_with_hits_is_known_before_they_go() {
    let mut tally = Tally::default();
    tally.found(outcome(3, Some(Reason::Corrupt)));
    assert_eq!((tally.hits.len(), tally.residuals["k"].first.reason), (1, Reason::Corrupt));
    assert_eq!(except(&mut tally, &[Unreadable::Corrupt]), (0, 1));
}

/// Exceptions of these kinds for every key.
fn except(tally: &mut Tally, kinds: &[Unreadable]) -> (usize, u64) {
    let exception = |kind: &Unreadable| Exception {
        id: ExceptionId::new(),
        keys: "*".into(),
        kind: *kind,
        reason: "sums".into(),
        created_by: "admin".into(),
        created_at: Timestamp::UNIX_EPOCH,
        until: Timestamp::MAX,
        ended_at: None,
        ended_by: None,
    };
    tally.except(&kinds.iter().map(exception).collect::<Vec<_>>(), Timestamp::UNIX_EPOCH);
    (tally.residuals.len(), tally.excepted)
}

#[test]
fn an_exception_covers_what_nobody_can_read_and_nothing_that_holds_a_subject() {
    use Unreadable::{Corrupt, Denied, Opaque};
    let found = |outcome| {
        let mut tally = Tally::default();
        tally.found(outcome);
        tally
    };
    let corrupt = || outcome(0, Some(Reason::Corrupt));
    assert_eq!(except(&mut found(corrupt()), &[Corrupt]), (0, 1));
    assert_eq!(except(&mut found(corrupt()), &[Denied, Opaque]), (1, 0));
    assert_eq!(except(&mut found(unprocessed("k".into())), &[Corrupt, Denied]), (1, 0));
    let mut both = corrupt();
    both.seen[0].report.opaque = 1;
    assert_eq!(except(&mut found(both.clone()), &[Corrupt]), (1, 0));
    let mut both = found(both);
    assert_eq!(except(&mut both, &[Denied, Corrupt, Opaque]), (0, 1));
    let by: Vec<_> = both.exceptions.iter().map(|one| (one.kind, one.objects, &*one.reason)).collect();
    assert_eq!(by, [(Corrupt, 1, "sums"), (Opaque, 1, "sums")]);

    // What was in the way before the subject went is excepted, what came into the way is not.
    let mut tally = found(outcome(3, Some(Reason::Denied)));
    tally.verified(outcome(0, Some(Reason::Denied)));
    assert_eq!(except(&mut tally, &[Denied]), (0, 1));
    let mut tally = found(outcome(3, None));
    tally.verified(outcome(0, Some(Reason::Denied)));
    assert_eq!(except(&mut tally, &[Denied]), (1, 0));
    let mut tally = found(outcome(3, Some(Reason::Denied)));
    tally.forgot(outcome(3, Some(Reason::Denied)));
    tally.verified(outcome(3, Some(Reason::Denied)));
    assert_eq!(except(&mut tally, &[Denied]), (1, 0));
}
