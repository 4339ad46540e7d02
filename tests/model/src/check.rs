//! Checks a protocol: that nothing forbidden can be reached, and that from everything that can be reached a good end
//! still can.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

/// The name under which [`check`] reports a state from which no good end can be reached. The checker of `stateright`
/// tells only whether *some* way leads to an end; a worker that waits for ever on one way would escape it.
pub const ENDS: &str = "it can always end";

/// A protocol that can be checked.
pub trait Protocol:
    Model<State: Clone + Debug + PartialEq + Hash + Send + Sync, Action: Clone + Debug + PartialEq>
    + Send
    + Sync
    + 'static
{
    /// A step that is left out or weakened.
    type Mutant: Copy + Debug;

    /// What the protocol is called in reports.
    const NAME: &'static str;

    /// Every mutant, with the property that must catch it.
    const MUTANTS: &'static [(Self::Mutant, &'static str)];

    /// The protocol as it should be, or one mutant of it.
    fn new(mutant: Option<Self::Mutant>) -> Self;

    /// Whether everybody has come to a good end.
    fn has_ended(&self, state: &Self::State) -> bool;
}

/// What a check found.
#[derive(Debug)]
pub struct Verdict {
    /// How many distinct states were visited.
    pub states: usize,
    /// How long that took.
    pub took: Duration,
    /// Properties that do not hold, each with a way that leads there.
    pub broken: Vec<(&'static str, Vec<String>)>,
}

impl Verdict {
    /// Whether a property was found not to hold.
    pub fn breaks(&self, property: &str) -> bool {
        self.broken.iter().any(|(name, _)| *name == property)
    }
}

/// Checks a protocol without a mutant: all states, all properties.
pub fn check<P: Protocol>() -> Verdict {
    let begun = Instant::now();
    let mut verdict = search::<P>(None, HasDiscoveries::AnyFailures);
    verdict.broken.extend(dead_end(&P::new(None)).map(|way| (ENDS, way)));
    verdict.took = begun.elapsed();
    verdict
}

/// Checks a mutant until the property that should catch it does.
pub fn check_mutant<P: Protocol>(mutant: P::Mutant, property: &'static str) -> Verdict {
    let begun = Instant::now();
    if property == ENDS {
        let way = dead_end(&P::new(Some(mutant)));
        let broken = way.map(|way| (ENDS, way)).into_iter().collect();
        return Verdict { states: 0, took: begun.elapsed(), broken };
    }
    search::<P>(Some(mutant), HasDiscoveries::AnyOf([property].into()))
}

fn search<P: Protocol>(mutant: Option<P::Mutant>, until: HasDiscoveries) -> Verdict {
    let begun = Instant::now();
    let checker = P::new(mutant).checker().threads(2).finish_when(until).spawn_bfs().join();
    let broken = checker.discoveries().into_iter().map(|(name, path)| {
        let way = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
        (name, way)
    });
    Verdict { broken: broken.collect(), states: checker.unique_state_count(), took: begun.elapsed() }
}

/// Stands for a state. Two of a million states share one with a chance of one in thirty million.
fn print(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// All states that can be reached, each by the number in whose order it was met.
#[derive(Default)]
struct Graph {
    numbers: HashMap<u64, u32>,
    prints: Vec<u64>,
    /// From which state each was met first; an initial one from itself.
    from: Vec<u32>,
    ended: Vec<bool>,
    /// Every step: where it leads, and where it begins.
    steps: Vec<(u32, u32)>,
}

impl Graph {
    fn of<P: Protocol>(model: &P) -> Self {
        let (mut graph, mut next) = (Self::default(), VecDeque::new());
        for state in model.init_states() {
            let number = graph.prints.len() as u32;
            graph.meet(model, &state, number);
            next.push_back(state);
        }
        let mut at = 0;
        while let Some(state) = next.pop_front() {
            for after in model.next_states(&state) {
                let (to, new) = graph.meet(model, &after, at);
                graph.steps.push((to, at));
                if new {
                    next.push_back(after);
                }
            }
            at += 1;
        }
        graph
    }

    /// The number of a state, and whether it is new.
    fn meet<P: Protocol>(&mut self, model: &P, state: &P::State, from: u32) -> (u32, bool) {
        let print = print(state);
        let next = self.prints.len() as u32;
        match self.numbers.entry(print) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(new) => {
                new.insert(next);
                self.prints.push(print);
                self.from.push(from);
                self.ended.push(model.has_ended(state));
                (next, true)
            }
        }
    }

    /// The first state from which no ended one can be reached: whatever leads to an ended one is good, and so on back.
    fn first_stuck(&mut self) -> Option<u32> {
        self.steps.sort_unstable();
        let mut good = self.ended.clone();
        let mut open: Vec<u32> = (0..good.len() as u32).filter(|state| good[*state as usize]).collect();
        while let Some(to) = open.pop() {
            let first = self.steps.partition_point(|step| step.0 < to);
            for (_, before) in self.steps[first..].iter().take_while(|step| step.0 == to) {
                if !std::mem::replace(&mut good[*before as usize], true) {
                    open.push(*before);
                }
            }
        }
        good.iter().position(|good| !good).map(|state| state as u32)
    }

    /// The actions on the way to a state.
    fn way<P: Protocol>(&self, model: &P, to: u32) -> Vec<String> {
        let mut path = vec![to];
        let mut at = to;
        while self.from[at as usize] != at {
            at = self.from[at as usize];
            path.push(at);
        }
        let is = |state: &P::State, number: u32| print(state) == self.prints[number as usize];
        let mut state = model.init_states().into_iter().find(|state| is(state, at));
        let mut way = Vec::new();
        for number in path.into_iter().rev().skip(1) {
            let steps = state.iter().flat_map(|state| model.next_steps(state)).collect::<Vec<_>>();
            let step = steps.into_iter().find(|(_, after)| is(after, number));
            way.extend(step.iter().map(|(action, _)| format!("{action:?}")));
            state = step.map(|(_, after)| after);
        }
        way
    }
}

/// A shortest way to a state from which no end can be reached, if there is one.
fn dead_end<P: Protocol>(model: &P) -> Option<Vec<String>> {
    let mut graph = Graph::of(model);
    graph.first_stuck().map(|stuck| graph.way(model, stuck))
}
