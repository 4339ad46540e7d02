//! Holds the protocols to their properties, and the properties to the mutants.
//!
//! `cargo test -p protocol-model -- --nocapture` prints the table.
#![allow(clippy::print_stdout, reason = "the table is what one runs this for")]

use std::sync::{Mutex, OnceLock, PoisonError};

use protocol_model::check::{Protocol, Verdict, check, check_mutant};

/// One check at a time, so that its seconds are its own.
static TURN: Mutex<()> = Mutex::new(());

/// What was found of a protocol.
struct Report {
    whole: Verdict,
    /// Each mutant by its name, the property that should catch it, and what was found.
    mutants: Vec<(String, &'static str, Verdict)>,
}

impl Report {
    fn of<P: Protocol>() -> Self {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let caught = |(mutant, property): &(P::Mutant, &'static str)| {
            (format!("{mutant:?}"), *property, check_mutant::<P>(*mutant, property))
        };
        Self { whole: check::<P>(), mutants: P::MUTANTS.iter().map(caught).collect() }
    }

    /// Every property holds in every state.
    fn holds(&self) {
        assert!(self.whole.broken.is_empty(), "{:#?}", self.whole.broken);
    }

    /// The property that should catch a mutant does.
    fn catches(&self, mutant: &str) {
        let (_, property, verdict) =
            self.mutants.iter().find(|(name, ..)| name == mutant).expect("a mutant of this protocol");
        assert!(verdict.breaks(property), "nothing breaks “{property}”");
    }

    fn print(&self, name: &str) {
        let mutants = self.mutants.iter();
        let caught = mutants.clone().filter(|(_, property, verdict)| verdict.breaks(property)).count();
        let all = self.mutants.len();
        let seconds = mutants.fold(self.whole.took, |sum, (.., verdict)| sum + verdict.took).as_secs_f64();
        println!("| {name:9} | {:>9} | {caught} of {all} | {seconds:>5.1} |", self.whole.states);
        for (mutant, property, verdict) in &self.mutants {
            let steps =
                verdict.broken.iter().find(|(name, _)| name == property).map_or(0, |(_, way)| way.len());
            println!("|           |           | {mutant}: {steps} steps break “{property}” | |");
        }
    }
}

/// A test that a protocol holds, and one for each of its mutants.
macro_rules! protocol {
    ($name:ident: $protocol:ident, $($test:ident: $mutant:ident),* $(,)?) => {
        mod $name {
            use protocol_model::$name::$protocol;

            use super::*;

            pub fn report() -> &'static Report {
                static REPORT: OnceLock<Report> = OnceLock::new();
                REPORT.get_or_init(Report::of::<$protocol>)
            }

            #[test]
            fn holds() {
                report().holds();
                assert_eq!(report().mutants.len(), [$(stringify!($test)),*].len(), "a mutant has no test");
            }

            $(#[test]
            fn $test() {
                report().catches(stringify!($mutant));
            })*
        }
    };
}

protocol!(archive: Archive,
    lists_at_once: ListsAtOnce,
    lift_forgets: LiftForgets,
    puts_without_condition: PutsWithoutCondition,
    current_versions_only: CurrentVersionsOnly,
    verify_believes: VerifyBelieves,
    recorder_trusts_the_door: RecorderTrustsTheDoor,
    erasure_not_noted: ErasureNotNoted,
);

protocol!(run: Runs,
    evidence_at_the_end: EvidenceAtTheEnd,
    first_find_stands: FirstFindStands,
    unread_is_clean: UnreadIsClean,
    no_second_look: NoSecondLook,
    lock_for_all: LockForAll,
    tick_aborts_the_living: TickAbortsTheLiving,
    guard_asks_once: GuardAsksOnce,
    nobody_ticks: NobodyTicks,
    abort_keeps_the_lock: AbortKeepsTheLock,
);

protocol!(group_commit: GroupCommit,
    the_told_are_believed: TheToldAreBelieved,
    notes_before_the_end: NotesBeforeTheEnd,
    group_is_not_kept: GroupIsNotKept,
    group_is_everybody: GroupIsEverybody,
    lease_for_ever: LeaseForEver,
    followers_never_lead: FollowersNeverLead,
    joins_when_ended: JoinsWhenEnded,
);

protocol!(standing: Standing,
    taking_back_lifts: TakingBackLifts,
    earlier_leaves_no_trace: EarlierLeavesNoTrace,
    hold_outlives_withdrawal: HoldOutlivesWithdrawal,
    lift_needs_somebody: LiftNeedsSomebody,
    last_writer_wins: LastWriterWins,
    takes_back_everybodys: TakesBackEverybodys,
);

protocol!(life: Life,
    start_of_retry_is_lost: StartOfRetryIsLost,
    ended_stays_ended: EndedStaysEnded,
    seal_meddles: SealMeddles,
    seal_misses_withdrawal: SealMissesWithdrawal,
    resets_first: ResetsFirst,
    drops_first: DropsFirst,
    drops_during_retry: DropsDuringRetry,
    withdraws_anytime: WithdrawsAnytime,
    unended_is_done: UnendedIsDone,
);

protocol!(suppress_only: SuppressOnly,
    ends_at_once: EndsAtOnce,
    recorder_trusts_the_door: RecorderTrustsTheDoor,
    no_second_look: NoSecondLook,
    looks_twice_only: LooksTwiceOnly,
    list_before_counter: ListBeforeCounter,
    counted_before_written: CountedBeforeWritten,
    drops_from_before: DropsFromBefore,
);

protocol!(links: Links,
    writes_regardless: WritesRegardless,
    seal_waits: SealWaits,
    days_regardless: DaysRegardless,
    another_key: AnotherKey,
    suppressed_only: SuppressedOnly,
    erased_only: ErasedOnly,
    lift_forgets: LiftForgets,
    refuses_by_link: RefusesByLink,
    links_first: LinksFirst,
    drops_first: DropsFirst,
);

protocol!(upstream: Relaying,
    nobody_waits: NobodyWaits,
    waits_for_tasks_only: WaitsForTasksOnly,
    one_period: OnePeriod,
    waits_from_the_request: WaitsFromTheRequest,
    checks_first: ChecksFirst,
    forgets_the_removed: ForgetsTheRemoved,
    no_look: NoLook,
    no_drops: NoDrops,
    no_drops_late: NoDropsLate,
    no_erased: NoErased,
    drops_the_request: DropsTheRequest,
);

#[test]
fn table() {
    let reports = [
        ("archive", archive::report()),
        ("run", run::report()),
        ("group_commit", group_commit::report()),
        ("standing", standing::report()),
        ("life", life::report()),
        ("suppress_only", suppress_only::report()),
        ("links", links::report()),
        ("upstream", upstream::report()),
    ];
    println!("| model     | states    | mutants caught | seconds |");
    for (name, report) in reports {
        report.print(name);
    }
}
