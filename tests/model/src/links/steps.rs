//! The steps of the door and of the regulation.

use super::*;

impl Links {
    /// Whether the list says that an event is to be dropped. `out`: that whoever is written about is suppressed.
    fn refuses(&self, list: List, late: bool, out: bool, what: Learnt) -> bool {
        let regardless = match self.0 {
            Some(Mutant::WritesRegardless | Mutant::SealWaits) => HERS,
            Some(Mutant::DaysRegardless) => DAY | PHONE_DAY,
            Some(Mutant::AnotherKey) => FORMER,
            _ => 0,
        };
        if what & regardless != 0 {
            return false;
        }
        let out = out && !self.is(Mutant::ErasedOnly);
        let erased = list.marked && !late && !self.is(Mutant::SuppressedOnly);
        let was_out = list.lifted && late && !self.is(Mutant::LiftForgets);
        out || erased || was_out
    }

    pub(super) fn write(&self, state: &mut State, who: usize) {
        let Request::LetIn { late, left } = state.requests[who] else { return };
        let list = state.list;
        // One after the other: links, then days.
        let what = left & left.wrapping_neg();
        let dropped = list.marked && !late;
        let out = match what {
            LINK | DAY | FORMER => list.hers,
            PHONE_DAY => list.phone,
            // An event of another user is not dropped because of a phone that is suppressed with its owner.
            _ => list.phone && self.is(Mutant::RefusesByLink),
        };
        let refused = match what {
            SHARED => out || dropped,
            _ => self.refuses(list, late, out, what),
        };
        if refused {
            state.refused |= what == SHARED && !dropped;
        } else {
            state.learnt |= what;
        }
        let left = left & !what;
        state.requests[who] = if left == 0 { Request::Gone } else { Request::LetIn { late, left } };
    }

    /// Whether the seal may begin.
    pub(super) fn may_seal(&self, state: &State) -> bool {
        match self.0 {
            Some(Mutant::WritesRegardless | Mutant::AnotherKey | Mutant::SuppressedOnly) => {
                state.copy == state.list
            }
            Some(Mutant::SealWaits) => state.copy == state.list && state.door_is_idle(),
            _ => true,
        }
    }

    pub(super) fn go_on(&self, state: &mut State) {
        let suppresses = state.suppresses;
        state.phase = match state.phase {
            Phase::NotAsked if self.is(Mutant::LinksFirst) => Phase::ReadLinks,
            Phase::NotAsked => Phase::Suppress,
            Phase::Suppress => {
                state.list.hers = suppresses;
                if self.is(Mutant::LinksFirst) { Phase::SuppressLinked } else { Phase::ReadLinks }
            }
            Phase::ReadLinks => {
                state.covered = state.learnt & LINK != 0;
                if self.is(Mutant::LinksFirst) { Phase::Suppress } else { Phase::SuppressLinked }
            }
            Phase::SuppressLinked => {
                state.list.phone = suppresses;
                Phase::Mark
            }
            Phase::Mark => {
                state.list.marked = true;
                Phase::Wait
            }
            Phase::Wait if self.is(Mutant::DropsFirst) => Phase::Drop,
            Phase::Wait => Phase::Read,
            Phase::Read => {
                state.read = if state.identifiers || self.is(Mutant::DropsFirst) { state.learnt } else { 0 };
                Phase::Forget
            }
            Phase::Forget => {
                state.learnt &= !state.read;
                if self.is(Mutant::DropsFirst) { Phase::Sealed } else { Phase::Drop }
            }
            Phase::Drop => {
                state.identifiers = false;
                if self.is(Mutant::DropsFirst) { Phase::Read } else { Phase::Sealed }
            }
            Phase::Sealed | Phase::Lifted => {
                (state.list.hers, state.list.phone, state.list.lifted) = (false, false, true);
                Phase::Lifted
            }
        };
    }

    /// A function is lost, and runs again from its first step.
    pub(super) fn lose(&self, state: &mut State) {
        state.losses += 1;
        let first = if self.is(Mutant::LinksFirst) { Phase::ReadLinks } else { Phase::Suppress };
        state.phase = match state.phase {
            Phase::ReadLinks | Phase::SuppressLinked | Phase::Mark => first,
            // Without identifiers there is nothing to go by.
            _ if !state.identifiers => Phase::Sealed,
            _ => Phase::Read,
        };
    }
}
