//! Whether anything of a person reaches another tracking API after the erasure: queue, relay, the requests that it has
//! under way, and a regulation that asks vendors to delete.
//!
//! What arrives upstream is at the vendors at once. A request ends by a timeout that is counted from the look at the list,
//! and a margin: it may arrive although its relay was lost. An admin may set the upstream, and remove it.
//!
//! The model's remedy is a wait before anything is erased, as long as that timeout and margin, counted from when all was
//! said of the person; only if a source has an upstream by then, or had one until less than that ago.
//!
//! The person may be let in again, suppressed by another regulation, and let in once more, while an event waits that a
//! door let in behind the mark of the erasure: the list remembers every period in which it kept her out.

use stateright::{Model, Property};

use crate::check::Protocol;

/// Events as bits: the person's from before the request, hers through a door that has not read the list yet, and
/// somebody else's.
type Events = u8;
const EARLY: Events = 1;
const LATE: Events = 2;
const OTHER: Events = 4;
const HERS: Events = EARLY | LATE;

/// How often a relay may be lost.
const LOSSES: u8 = 2;

/// Is the last request behind us?
pub const GONE: &str = "once it has erased and is sealed, nothing from before reaches upstream";
/// Does the relay hold her back?
pub const HELD: &str = "a request that is begun once all is said carries nothing of hers";
/// Does everybody else arrive?
pub const OTHERS: &str = "everybody else is sent on";

/// What a regulation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    SuppressOnly,
    SuppressWithDelete,
    DeleteOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    NotAsked,
    Suppress,
    Mark,
    /// Every door reads the list anew.
    Close,
    /// It looks whether to wait, and waits.
    Check,
    Wait,
    Erase,
    Sealed,
    Lifted,
    /// Another regulation suppresses her, and that is lifted, too.
    Again,
    LiftedAgain,
}

/// The upstream of the one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Upstream {
    NotYet,
    Set,
    Removed,
}

/// A request to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Request {
    events: Events,
    /// Whether it was begun after the regulation was asked for, and after all was said.
    asked: bool,
    knows: bool,
}

/// An invocation of the relay: the messages that it has, and its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Relay {
    messages: Events,
    request: Option<Request>,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    kind: Kind,
    phase: Phase,
    /// What the list says of the person.
    suppressed: bool,
    marked: bool,
    /// Whether the regulation will wait.
    waits: bool,
    upstream: Upstream,
    /// What the door has let in and not sent to the queue yet.
    passing: Events,
    late: bool,
    queue: Events,
    relay: Option<Relay>,
    /// The request of a relay that was lost.
    ghost: Option<Request>,
    arrived: Events,
    /// Whether something of hers arrived behind the erasure.
    behind: bool,
    /// Whether something of hers was let go when all was said.
    slipped: bool,
    losses: u8,
}

/// One step of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    SetUpstream,
    RemoveUpstream,
    DoorLetsIn,
    DoorSends,
    Take(Events),
    Begin,
    Arrive,
    LoseRelay,
    GhostArrives,
    GhostIsLost,
    GoOn,
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// **As the code once was**: nobody waits for a request that is under way.
    NobodyWaits,
    /// **As the code once was**: a regulation that has nothing to erase from any destination is sealed at once.
    WaitsForTasksOnly,
    /// **As the code once was**: the list remembers the last period in which it kept somebody out.
    OnePeriod,
    /// The wait is counted from when the regulation was asked for.
    WaitsFromTheRequest,
    /// **As the code once was** for what a warehouse or an archive gives: it is looked whether there is an upstream before that is
    /// suppressed.
    ChecksFirst,
    /// **As the code once was**: an upstream that was removed a moment ago counts as none.
    ForgetsTheRemoved,
    /// The relay leaves the list to the door.
    NoLook,
    /// `may_go` without `drops`: the relay lets go what came in before the suppression.
    NoDrops,
    /// `may_go` without `drops_late`: when the person was kept out is forgotten once she is let in again.
    NoDropsLate,
    /// `may_go` without `erased`: the relay lets go what came in before the erasure, once she is not suppressed.
    NoErased,
    /// A request is dropped as a whole if it names the person.
    DropsTheRequest,
}

/// The protocol.
#[derive(Debug)]
pub struct Relaying(Option<Mutant>);

impl Relaying {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }
}

fn arrives(state: &mut State, request: Request) {
    state.arrived |= request.events;
    let erased = state.kind != Kind::SuppressOnly && state.phase >= Phase::Sealed;
    state.behind |= erased && request.events & HERS != 0;
}

mod steps;

impl Protocol for Relaying {
    type Mutant = Mutant;
    const NAME: &'static str = "upstream";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::NobodyWaits, GONE),
        (Mutant::WaitsForTasksOnly, GONE),
        (Mutant::OnePeriod, GONE),
        (Mutant::WaitsFromTheRequest, GONE),
        (Mutant::ChecksFirst, GONE),
        (Mutant::ForgetsTheRemoved, GONE),
        (Mutant::NoLook, GONE),
        (Mutant::NoDrops, HELD),
        (Mutant::NoDropsLate, GONE),
        (Mutant::NoErased, GONE),
        (Mutant::DropsTheRequest, OTHERS),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    fn has_ended(&self, state: &State) -> bool {
        let is_idle = state.relay.is_none() && state.ghost.is_none() && state.passing | state.queue == 0;
        // Without an upstream the door sends nothing to the queue: what it has stays with it here.
        state.phase >= Phase::Sealed && (is_idle || state.upstream == Upstream::NotYet)
    }
}

impl Model for Relaying {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let state = |kind, upstream| State {
            kind,
            phase: Phase::NotAsked,
            suppressed: false,
            marked: false,
            waits: false,
            upstream,
            passing: EARLY | OTHER,
            late: false,
            queue: 0,
            relay: None,
            ghost: None,
            arrived: 0,
            behind: false,
            slipped: false,
            losses: 0,
        };
        let kinds = [Kind::SuppressOnly, Kind::SuppressWithDelete, Kind::DeleteOnly];
        kinds
            .into_iter()
            .flat_map(|kind| [Upstream::NotYet, Upstream::Set].map(|is| state(kind, is)))
            .collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match state.upstream {
            Upstream::NotYet => actions.push(Action::SetUpstream),
            Upstream::Set => actions.push(Action::RemoveUpstream),
            Upstream::Removed => {}
        }
        // A door may use an old copy of the list.
        let suppresses = state.kind != Kind::DeleteOnly;
        if suppresses && state.phase == Phase::Close && !state.late && state.passing == 0 {
            actions.push(Action::DoorLetsIn);
        }
        if state.passing != 0 && state.upstream != Upstream::NotYet {
            actions.push(Action::DoorSends);
        }
        match state.relay {
            // A relay reads first where its messages go.
            None => {
                let groups = 1..=(HERS | OTHER);
                actions.extend(groups.filter(|group| group & !state.queue == 0).map(Action::Take));
            }
            Some(Relay { request: None, .. }) => actions.push(Action::Begin),
            Some(_) => actions.push(Action::Arrive),
        }
        if state.relay.is_some() && state.ghost.is_none() && state.losses < LOSSES {
            actions.push(Action::LoseRelay);
        }
        if state.ghost.is_some() {
            actions.extend([Action::GhostArrives, Action::GhostIsLost]);
        }
        let may = match state.phase {
            Phase::Wait => self.has_waited(state),
            Phase::Sealed => suppresses,
            phase => phase != Phase::LiftedAgain,
        };
        if may {
            actions.push(Action::GoOn);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::SetUpstream => state.upstream = Upstream::Set,
            Action::RemoveUpstream => state.upstream = Upstream::Removed,
            Action::DoorLetsIn => (state.late, state.passing) = (true, LATE),
            Action::DoorSends => state.queue |= std::mem::take(&mut state.passing),
            // Without an upstream, what waits is dropped.
            Action::Take(messages) if state.upstream != Upstream::Set => state.queue &= !messages,
            Action::Take(messages) => state.relay = Some(Relay { messages, request: None }),
            Action::Begin => {
                let messages = state.relay?.messages;
                let events = self.may_go(&state, messages);
                let (asked, knows) = (state.phase > Phase::NotAsked, state.phase > Phase::Mark);
                state.slipped |= knows && state.phase < Phase::Lifted && events & HERS != 0;
                state.relay = Some(Relay { messages, request: Some(Request { events, asked, knows }) });
            }
            Action::Arrive => {
                let relay = state.relay.take()?;
                arrives(&mut state, relay.request?);
                state.queue &= !relay.messages;
            }
            Action::LoseRelay => {
                state.losses += 1;
                state.ghost = state.relay.take()?.request;
            }
            Action::GhostArrives => {
                let ghost = state.ghost.take()?;
                arrives(&mut state, ghost);
            }
            Action::GhostIsLost => state.ghost = None,
            Action::GoOn => self.go_on(&mut state),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GONE, |_, state: &State| !state.behind),
            Property::always(HELD, |_, state: &State| !state.slipped),
            Property::always(OTHERS, |_, state: &State| {
                let somewhere = state.passing | state.queue | state.arrived;
                somewhere & OTHER != 0 || state.upstream == Upstream::Removed
            }),
        ]
    }
}
