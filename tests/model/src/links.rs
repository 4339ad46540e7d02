//! Whether what the door learns of a person is gone with the person: which ids were seen together, and on which days.
//!
//! The door looks at the list (in a copy that may be old), and then writes what an event reveals, up to its own timeout
//! later. The regulation suppresses the person, reads which ids are linked, suppresses those, marks all as erased, and
//! in the end forgets what was learnt. The person has a phone that is linked already; a new device comes with her event.
//!
//! The model's remedy is a condition on the door's write: it is refused if the items that it writes to say by now that
//! the event is to be dropped. They are the suppression list's own, so the condition needs no other read; but where an
//! event writes a person's id under another key than the list holds it, the list's item is asked, too.
//!
//! Of what is linked from the start nothing is told: the list needs that until the person is let in again.

use stateright::{Model, Property};

use crate::check::Protocol;

/// What was learnt, as bits: that the new device is hers, the day on which she was seen, the day on which her phone was
/// seen by itself, that her id, under another key, is a former one of somebody else, and that somebody else uses her
/// phone, too.
type Learnt = u8;
const LINK: Learnt = 1;
const DAY: Learnt = 2;
const PHONE_DAY: Learnt = 4;
const FORMER: Learnt = 8;
const SHARED: Learnt = 16;
const HERS: Learnt = LINK | DAY | PHONE_DAY | FORMER;

/// The requests at the door: hers with the new device, her phone's without a user, somebody else's `alias` with her id,
/// and somebody else's with her phone.
const REQUESTS: usize = 4;
const TEACHES: [Learnt; REQUESTS] = [LINK | DAY, PHONE_DAY, FORMER, SHARED];

/// How often a step of the regulation may be lost and run again.
const LOSSES: u8 = 2;

/// Is what was learnt gone for ever?
pub const GONE: &str = "once it is sealed, nothing that was learnt of the person is there again";
/// Does the regulation act on every id?
pub const COVERED: &str = "every id that is linked once the links are read is covered";
/// Is others' noted?
pub const OTHERS: &str = "what is learnt of somebody else is noted";

/// What the list says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct List {
    /// The person is suppressed, and her phone with her.
    hers: bool,
    phone: bool,
    /// Both are marked as erased.
    marked: bool,
    /// Both are let in again. When they were kept out stays noted.
    lifted: bool,
}

/// A request at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Request {
    NotCome,
    /// It came in; after the erasure was noted, or before.
    Came {
        late: bool,
    },
    /// The door has let it in, and still has to write this.
    LetIn {
        late: bool,
        left: Learnt,
    },
    Gone,
}

/// Where the regulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    NotAsked,
    Suppress,
    ReadLinks,
    SuppressLinked,
    Mark,
    /// As the code is, every door reads the list anew first. The model needs no such wait.
    Wait,
    /// The seal reads what was learnt, then forgets that, then drops the identifiers.
    Read,
    Forget,
    Drop,
    Sealed,
    Lifted,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Whether the regulation suppresses, too, or only deletes.
    suppresses: bool,
    phase: Phase,
    list: List,
    /// The list as the door has read it last.
    copy: List,
    requests: [Request; REQUESTS],
    learnt: Learnt,
    /// What the seal has read.
    read: Learnt,
    /// Whether the new device was linked when the links were read.
    covered: bool,
    /// The regulation has its identifiers still.
    identifiers: bool,
    /// Something of somebody else was refused, of an event that is kept.
    refused: bool,
    losses: u8,
}

/// One step; the number is a request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Come(usize),
    DoorReadsTheList,
    Look(usize),
    Write(usize),
    LoseRequest(usize),
    GoOn,
    LoseStep,
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// **As the code once was**: the door writes what it learnt whatever the list says by now.
    WritesRegardless,
    /// Writes are not refused. Instead the seal waits until the door's requests have ended.
    SealWaits,
    /// Days are written whatever the list says; links are not.
    DaysRegardless,
    /// **As the code once was**: only the items are asked that are written to. An `alias` writes a user's id as a device's, and an
    /// event may spell a UUID otherwise than the list: these items say nothing of the person.
    AnotherKey,
    /// **As the code once was**: the write is refused while somebody is suppressed, and not because of the erasure. A regulation
    /// may only delete, and a suppression may be lifted.
    SuppressedOnly,
    /// The write is refused because of the erasure, and not while somebody is suppressed.
    ErasedOnly,
    /// When they were kept out is forgotten once they are let in again.
    LiftForgets,
    /// The write is refused to everybody who uses the phone of somebody suppressed.
    RefusesByLink,
    /// The links are read before the person is suppressed.
    LinksFirst,
    /// The identifiers are dropped before what was learnt is forgotten.
    DropsFirst,
}

/// The protocol.
#[derive(Debug)]
pub struct Links(Option<Mutant>);

impl Links {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }
}

mod steps;

impl State {
    fn door_is_idle(&self) -> bool {
        self.requests.iter().all(|request| matches!(request, Request::NotCome | Request::Gone))
    }
}

impl Protocol for Links {
    type Mutant = Mutant;
    const NAME: &'static str = "links";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::WritesRegardless, GONE),
        (Mutant::SealWaits, COVERED),
        (Mutant::DaysRegardless, GONE),
        (Mutant::AnotherKey, GONE),
        (Mutant::SuppressedOnly, GONE),
        (Mutant::ErasedOnly, GONE),
        (Mutant::LiftForgets, GONE),
        (Mutant::RefusesByLink, OTHERS),
        (Mutant::LinksFirst, COVERED),
        (Mutant::DropsFirst, GONE),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    fn has_ended(&self, state: &State) -> bool {
        state.phase >= Phase::Sealed && state.door_is_idle()
    }
}

impl Model for Links {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let state = |suppresses| State {
            suppresses,
            phase: Phase::NotAsked,
            list: List::default(),
            copy: List::default(),
            requests: [Request::NotCome; REQUESTS],
            learnt: 0,
            read: 0,
            covered: false,
            identifiers: true,
            refused: false,
            losses: 0,
        };
        vec![state(true), state(false)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (who, request) in state.requests.iter().enumerate() {
            match request {
                // What comes in after the lift, or after the mark of a regulation that only deletes, is a new beginning.
                Request::NotCome if !(state.list.lifted || state.list.marked && !state.suppresses) => {
                    actions.push(Action::Come(who));
                }
                Request::NotCome | Request::Gone => {}
                Request::Came { .. } => actions.extend([Action::Look(who), Action::LoseRequest(who)]),
                Request::LetIn { .. } => actions.extend([Action::Write(who), Action::LoseRequest(who)]),
            }
        }
        if state.copy != state.list {
            actions.push(Action::DoorReadsTheList);
        }
        let may = match state.phase {
            Phase::Wait => self.may_seal(state),
            Phase::Sealed => state.suppresses,
            phase => phase != Phase::Lifted,
        };
        if may {
            actions.push(Action::GoOn);
        }
        let can_be_lost = matches!(
            state.phase,
            Phase::ReadLinks
                | Phase::SuppressLinked
                | Phase::Mark
                | Phase::Read
                | Phase::Forget
                | Phase::Drop
        );
        if can_be_lost && state.losses < LOSSES {
            actions.push(Action::LoseStep);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Come(who) => state.requests[who] = Request::Came { late: state.list.marked },
            Action::DoorReadsTheList => state.copy = state.list,
            Action::Look(who) => {
                let Request::Came { late } = state.requests[who] else { return None };
                let held = [state.copy.hers, state.copy.phone, state.copy.hers, false][who];
                let left = TEACHES[who];
                state.requests[who] = if held { Request::Gone } else { Request::LetIn { late, left } };
            }
            Action::Write(who) => self.write(&mut state, who),
            Action::LoseRequest(who) => state.requests[who] = Request::Gone,
            Action::GoOn => self.go_on(&mut state),
            Action::LoseStep => self.lose(&mut state),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GONE, |_, state: &State| {
                state.phase < Phase::Sealed || state.learnt & HERS == 0
            }),
            // Who only deletes lets new events teach.
            Property::always(COVERED, |_, state: &State| {
                let is_read = state.suppresses && state.phase >= Phase::SuppressLinked;
                !is_read || state.learnt & LINK == 0 || state.covered
            }),
            Property::always(OTHERS, |_, state: &State| !state.refused),
        ]
    }
}
