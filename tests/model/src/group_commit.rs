//! Regulations whose rows are deleted together at a warehouse: who has the lead deletes the rows of all that wait.
//!
//! Three regulations have rows in one table. A statement runs at the warehouse, whatever becomes of who sent it, and one
//! with a known name is taken up, not sent again. A loader beside us may bring one more row in while a regulation
//! works. A lease may end at any time, whether its leader is lost or only slow.

use stateright::{Model, Property};

use crate::check::{ENDS, Protocol};

/// How many regulations there are.
const ALL: usize = 3;
/// How often a leader or follower is lost and comes back.
const LOSSES: u8 = 2;
/// How often a lease ends while its leader lives.
const LAPSES: u8 = 1;

/// Are a sealed regulation's rows gone?
pub const GONE: &str = "once a regulation is sealed, its rows are gone";
/// Is what is told true?
pub const TRUE: &str = "who is told that its rows were deleted together has none of those that it found";
/// Is everything counted before it goes?
pub const COUNTED: &str = "no row is deleted before its regulation has counted it";

/// Is nothing left of it?
pub const LEFT: &str = "once a regulation is sealed, it neither waits nor leads at the warehouse";

/// Regulations, as bits.
type Set = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum At {
    Find,
    /// It has rows, and tries to take the lead.
    Turn,
    /// It is on the list, and another leads.
    Waits,
    /// It leads, and its group is kept.
    Leads,
    /// The statement has ended: it notes the outcome with each.
    Notes,
    /// It goes on alone with what is left.
    Alone,
    Verify,
    Sealed,
    /// Its execution was ended by hand, for good.
    Dead,
}

/// A statement that was sent, and whose rows it deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sent {
    whose: Set,
    done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Regulation {
    at: At,
    /// Rows that it found, and one that came in later.
    found: bool,
    later: bool,
    /// Whether it stands on the list, and was told that its rows are deleted.
    listed: bool,
    told: bool,
    /// Whom it leads, and with whom of these it has noted the outcome.
    group: Set,
    noted: Set,
    /// The statement that it sent last.
    sent: Option<Sent>,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    all: [Regulation; ALL],
    lead: Option<u8>,
    /// Whether rows were deleted of who had not counted them.
    uncounted: bool,
    arrived: bool,
    losses: u8,
    lapses: u8,
    died: bool,
    late: bool,
}

/// One step of a regulation, of the warehouse or of the loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Step(usize),
    /// The warehouse carries a statement out.
    Deletes(usize),
    Arrives(usize),
    /// An invocation is lost, and the next goes on with what was kept.
    Lose(usize),
    Die(usize),
    LeaseEnds,
    /// A second invocation, which read its task long ago, takes its turn.
    Late(usize),
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Who was told that its rows are gone does not count them.
    TheToldAreBelieved,
    /// The leader notes the outcome once its statement is sent.
    NotesBeforeTheEnd,
    /// A leader that comes back chooses its group anew, and its statement is named after the leader alone: it takes the
    /// first group's for the second's.
    GroupIsNotKept,
    /// The group is everybody, also who has not counted its rows.
    GroupIsEverybody,
    /// Only who gives the lead back makes it free.
    LeaseForEver,
    /// Who follows waits for its own leader, and does not look whether the lead is free.
    FollowersNeverLead,
    /// Who waits or leads is written down, whether its task has ended or not.
    JoinsWhenEnded,
}

/// The protocol.
#[derive(Debug)]
pub struct GroupCommit(Option<Mutant>);

const FRESH: Regulation = Regulation {
    at: At::Find,
    found: true,
    later: false,
    listed: false,
    told: false,
    group: 0,
    noted: 0,
    sent: None,
};

impl GroupCommit {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }
}

mod steps;

impl Protocol for GroupCommit {
    type Mutant = Mutant;
    const NAME: &'static str = "group_commit";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::TheToldAreBelieved, GONE),
        (Mutant::NotesBeforeTheEnd, TRUE),
        (Mutant::GroupIsNotKept, TRUE),
        (Mutant::GroupIsEverybody, COUNTED),
        (Mutant::LeaseForEver, ENDS),
        (Mutant::FollowersNeverLead, ENDS),
        (Mutant::JoinsWhenEnded, LEFT),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    fn has_ended(&self, state: &State) -> bool {
        state.all.iter().all(|one| matches!(one.at, At::Sealed | At::Dead))
    }
}

impl Model for GroupCommit {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let (all, lead) = ([FRESH; ALL], None);
        vec![State {
            all,
            lead,
            uncounted: false,
            arrived: false,
            losses: 0,
            lapses: 0,
            died: false,
            late: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        Some(self.act(*last, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GONE, |_, state: &State| {
                state.all.iter().all(|one| one.at != At::Sealed || !one.found && !one.later)
            }),
            Property::always(TRUE, |_, state: &State| state.all.iter().all(|one| !one.told || !one.found)),
            Property::always(LEFT, |_, state: &State| {
                let leads = |who| state.lead.is_some_and(|leader| usize::from(leader) == who);
                let sealed = state.all.iter().enumerate().filter(|(_, one)| one.at == At::Sealed);
                sealed.into_iter().all(|(who, one)| !one.listed && !leads(who))
            }),
            Property::always(COUNTED, |_, state: &State| !state.uncounted),
        ]
    }
}
