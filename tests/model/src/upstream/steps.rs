//! The steps of the relay and of the regulation.

use super::*;

impl Relaying {
    /// Which events may go, by what the list says now: `may_go`.
    pub(super) fn may_go(&self, state: &State, events: Events) -> Events {
        let drops = state.suppressed && !self.is(Mutant::NoDrops);
        let was_out = match state.phase {
            Phase::Again | Phase::LiftedAgain => !self.is(Mutant::OnePeriod),
            phase => state.suppressed || phase == Phase::Lifted,
        };
        let drops_late = was_out && !self.is(Mutant::NoDropsLate);
        let erased = state.marked && !self.is(Mutant::NoErased);
        let dropped =
            if drops { HERS } else { 0 } | if drops_late { LATE } else { 0 } | if erased { EARLY } else { 0 };
        match events & dropped {
            _ if self.is(Mutant::NoLook) => events,
            hers if hers != 0 && self.is(Mutant::DropsTheRequest) => 0,
            hers => events & !hers,
        }
    }

    fn has_to_wait(&self, state: &State) -> bool {
        state.upstream == Upstream::Set
            || state.upstream == Upstream::Removed && !self.is(Mutant::ForgetsTheRemoved)
    }

    /// Every request that was begun too early has ended.
    pub(super) fn has_waited(&self, state: &State) -> bool {
        let under_way = state.relay.and_then(|relay| relay.request).into_iter().chain(state.ghost);
        let from_the_request = self.is(Mutant::WaitsFromTheRequest);
        let mut late = under_way.map(|request| if from_the_request { request.asked } else { request.knows });
        !state.waits || self.is(Mutant::NobodyWaits) || late.all(|late| late)
    }

    pub(super) fn go_on(&self, state: &mut State) {
        let (suppresses, erases) = (state.kind != Kind::DeleteOnly, state.kind != Kind::SuppressOnly);
        state.phase = match state.phase {
            Phase::NotAsked => {
                state.waits = self.is(Mutant::ChecksFirst) && self.has_to_wait(state);
                Phase::Suppress
            }
            Phase::Suppress => {
                state.suppressed = suppresses;
                Phase::Mark
            }
            Phase::Mark => {
                state.marked = erases;
                Phase::Close
            }
            Phase::Close => Phase::Check,
            // Who only suppresses has nothing to wait for.
            Phase::Check if !erases || self.is(Mutant::WaitsForTasksOnly) => Phase::Sealed,
            Phase::Check => {
                if !self.is(Mutant::ChecksFirst) {
                    state.waits = self.has_to_wait(state);
                }
                Phase::Wait
            }
            Phase::Wait => Phase::Erase,
            Phase::Erase => Phase::Sealed,
            Phase::Lifted => {
                state.suppressed = true;
                Phase::Again
            }
            Phase::Sealed | Phase::Again | Phase::LiftedAgain => {
                state.suppressed = false;
                if state.phase == Phase::Sealed { Phase::Lifted } else { Phase::LiftedAgain }
            }
        };
    }
}
