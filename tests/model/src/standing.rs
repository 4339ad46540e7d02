//! Whose word on the suppression list stands, when requests about one person cross each other.
//!
//! Two regulations suppress the person, asked for one after the other, and a third lets the person in, asked for last.
//! Their work begins in any order. The first may come by the queue, which holds nobody out before the work begins; the
//! second is held at once, but its hold may be slow. Each suppression may be withdrawn before its work begins. Of those
//! that stand, the one that was asked for last counts, in whichever order they are carried out.

use stateright::{Model, Property};

use crate::check::Protocol;

/// Is the person kept out who is to be?
pub const KEPT_OUT: &str = "a suppression that was carried out holds until a later request lifts it";
/// Is nobody kept out by what was withdrawn?
pub const WITHDRAWN: &str = "a withdrawn regulation keeps nobody out";
/// Does the later request count?
pub const LATER: &str = "whoever is let in last is in";

/// The regulations, by when they were asked for: two suppress, the last one lifts. Zero is never.
const LIFTS: usize = 2;

fn asked(regulation: usize) -> u8 {
    regulation as u8 + 1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// Nobody has asked yet.
    Unasked,
    Initialized,
    /// The work began; the list is not changed yet.
    Begun,
    CarriedOut,
    /// It is withdrawn; what it suppressed is not taken back yet.
    Withdrawn,
    TakenBack,
}

/// What the list says of the person: times of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Person {
    /// Whether there is an item at all.
    known: bool,
    /// Of the last request to suppress, and of the first of those that hold.
    asked: u8,
    since: u8,
    lifted: u8,
    /// Regulations that were withdrawn, as bits.
    withdrawn: u8,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    at: [At; 3],
    /// Whether a regulation's hold is still to be written.
    holds: [bool; 2],
    person: Person,
}

/// One step; the number is a regulation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Ask(usize, bool),
    Hold(usize),
    /// The caller's answer is due, or its worker is lost: the work will see to it.
    HoldIsLost(usize),
    Begin(usize),
    CarryOut(usize),
    Withdraw(usize),
    TakeBack(usize),
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// **As the code once was**: what is taken back counts as lifted at the time of the withdrawn request. An earlier request
    /// that is carried out later finds the person lifted, and suppresses nobody.
    TakingBackLifts,
    /// **As the code once was**: a request that finds a later one leaves no trace, so that the withdrawal of the later one lets
    /// the person in.
    EarlierLeavesNoTrace,
    /// **As the code once was**: a hold that is written after its regulation was withdrawn is written all the same.
    HoldOutlivesWithdrawal,
    /// **As the code once was**: who is not known, or not suppressed, is not noted as lifted.
    LiftNeedsSomebody,
    /// What is carried out last counts.
    LastWriterWins,
    /// A withdrawal takes back what another one asked for.
    TakesBackEverybodys,
}

/// The protocol.
#[derive(Debug)]
pub struct Standing(Option<Mutant>);

impl Standing {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }

    fn suppress(&self, person: &mut Person, regulation: usize) {
        let at = asked(regulation);
        let withdrawn = person.withdrawn & 1 << regulation != 0 && !self.is(Mutant::HoldOutlivesWithdrawal);
        if withdrawn || person.lifted > at && !self.is(Mutant::LastWriterWins) {
            return;
        }
        person.known = true;
        if person.asked < at {
            person.asked = at;
            person.since = if person.since == 0 { at } else { person.since.min(at) };
        } else if person.since > at && !self.is(Mutant::EarlierLeavesNoTrace) {
            person.since = at;
        }
    }

    fn lift(&self, person: &mut Person) {
        let at = asked(LIFTS);
        if self.is(Mutant::LiftNeedsSomebody) && !person.known {
            return;
        }
        (person.known, person.lifted) = (true, at);
        (person.asked, person.since) = (0, 0);
    }

    fn take_back(&self, person: &mut Person, regulation: usize) {
        let at = asked(regulation);
        person.withdrawn |= 1 << regulation;
        if person.asked == at && person.since == at || self.is(Mutant::TakesBackEverybodys) {
            (person.asked, person.since) = (0, 0);
            if self.is(Mutant::TakingBackLifts) {
                person.lifted = person.lifted.max(at);
            }
        }
    }
}

impl Protocol for Standing {
    type Mutant = Mutant;
    const NAME: &'static str = "standing";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::TakingBackLifts, KEPT_OUT),
        (Mutant::EarlierLeavesNoTrace, KEPT_OUT),
        (Mutant::HoldOutlivesWithdrawal, WITHDRAWN),
        (Mutant::LiftNeedsSomebody, LATER),
        (Mutant::LastWriterWins, LATER),
        (Mutant::TakesBackEverybodys, KEPT_OUT),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    fn has_ended(&self, state: &State) -> bool {
        state.is_quiet()
    }
}

impl State {
    /// Nothing is under way.
    fn is_quiet(&self) -> bool {
        let ended = |at: &At| matches!(at, At::Unasked | At::CarriedOut | At::TakenBack);
        self.at.iter().all(ended) && self.holds == [false; 2]
    }

    fn is_out(&self) -> bool {
        self.person.since != 0
    }

    fn stands(&self, regulation: usize) -> bool {
        self.at[regulation] == At::CarriedOut
    }

    /// Nobody lifted, and one of those who suppress has done so.
    fn must_be_out(&self) -> bool {
        let lifted = matches!(self.at[LIFTS], At::CarriedOut);
        !lifted && (self.stands(0) || self.stands(1))
    }

    /// The only one who suppressed is withdrawn. Where two did and both are, the list keeps the person out in doubt: it
    /// does not remember who asked beside the first and the last.
    fn must_be_in(&self) -> bool {
        let nobody = |regulation: usize| matches!(self.at[regulation], At::Unasked);
        let gone = |regulation: usize| self.at[regulation] == At::TakenBack;
        self.is_quiet() && (gone(0) && nobody(1) || nobody(0) && gone(1))
    }
}

impl Model for Standing {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { at: [At::Unasked; 3], holds: [false; 2], person: Person::default() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (regulation, at) in state.at.iter().enumerate() {
            let suppresses = regulation != LIFTS;
            // What was asked for later was not asked for before.
            let later = state.at[regulation + 1..].iter().any(|at| *at != At::Unasked);
            match at {
                At::Unasked if !later => {
                    actions.push(Action::Ask(regulation, false));
                    actions.extend(suppresses.then_some(Action::Ask(regulation, true)));
                }
                At::Unasked | At::CarriedOut | At::TakenBack => {}
                At::Initialized => {
                    actions.push(Action::Begin(regulation));
                    actions.extend(suppresses.then_some(Action::Withdraw(regulation)));
                }
                At::Begun => actions.push(Action::CarryOut(regulation)),
                At::Withdrawn => actions.push(Action::TakeBack(regulation)),
            }
            if suppresses && state.holds[regulation] {
                actions.extend([Action::Hold(regulation), Action::HoldIsLost(regulation)]);
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Ask(regulation, held) => {
                state.at[regulation] = At::Initialized;
                if held {
                    state.holds[regulation] = true;
                }
            }
            Action::Hold(regulation) => {
                state.holds[regulation] = false;
                self.suppress(&mut state.person, regulation);
            }
            Action::HoldIsLost(regulation) => state.holds[regulation] = false,
            Action::Begin(regulation) => state.at[regulation] = At::Begun,
            Action::CarryOut(LIFTS) => {
                state.at[LIFTS] = At::CarriedOut;
                self.lift(&mut state.person);
            }
            Action::CarryOut(regulation) => {
                state.at[regulation] = At::CarriedOut;
                self.suppress(&mut state.person, regulation);
            }
            Action::Withdraw(regulation) => state.at[regulation] = At::Withdrawn,
            Action::TakeBack(regulation) => {
                state.at[regulation] = At::TakenBack;
                self.take_back(&mut state.person, regulation);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(KEPT_OUT, |_, state: &State| !state.must_be_out() || state.is_out()),
            Property::always(WITHDRAWN, |_, state: &State| !state.must_be_in() || !state.is_out()),
            Property::always(LATER, |_, state: &State| {
                !state.is_quiet() || !state.stands(LIFTS) || !state.is_out()
            }),
        ]
    }
}
