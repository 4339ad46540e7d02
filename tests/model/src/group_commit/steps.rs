//! The steps of the regulations, of the warehouse and of the loader.

use super::*;

fn bit(regulation: usize) -> Set {
    1 << regulation
}

impl GroupCommit {
    /// What may happen next.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        for (who, one) in state.all.iter().enumerate() {
            if self.may_step(state, who) {
                actions.push(Action::Step(who));
            }
            if one.sent.is_some_and(|sent| !sent.done) {
                actions.push(Action::Deletes(who));
            }
            let works = (At::Turn..=At::Verify).contains(&one.at);
            // They are alike: it is the first that dies, and the first or the second whose row arrives.
            if works && !state.arrived && who < 2 {
                actions.push(Action::Arrives(who));
            }
            if !state.late && who == 0 && one.at >= At::Turn && one.at != At::Dead {
                actions.push(Action::Late(who));
            }
            if matches!(one.at, At::Leads | At::Notes) {
                actions.extend((state.losses < LOSSES).then_some(Action::Lose(who)));
                actions.extend((!state.died && who == 0).then_some(Action::Die(who)));
            }
        }
        let lost = state.lead.is_some_and(|leader| state.all[usize::from(leader)].at == At::Dead);
        if state.lead.is_some() && (lost || state.lapses < LAPSES) && !self.is(Mutant::LeaseForEver) {
            actions.push(Action::LeaseEnds);
        }
    }

    /// What becomes of a state by an action.
    pub(super) fn act(&self, mut state: State, action: Action) -> State {
        match action {
            Action::Step(who) => self.step(&mut state, who),
            Action::Deletes(sender) => delete(&mut state, sender),
            Action::Arrives(who) => (state.arrived, state.all[who].later) = (true, true),
            Action::Lose(who) => Self::lose(&mut state, who),
            Action::Die(who) => {
                state.died = true;
                // What it sent goes on at the warehouse.
                let Regulation { sent, listed, told, found, .. } = state.all[who];
                state.all[who] = Regulation { at: At::Dead, sent, listed, told, found, ..FRESH };
            }
            Action::Late(who) => {
                state.late = true;
                if state.all[who].at != At::Sealed || self.is(Mutant::JoinsWhenEnded) {
                    state.all[who].listed = true;
                    state.lead = state.lead.or(Some(who as u8));
                }
            }
            Action::LeaseEnds => {
                let lost = state.lead.is_some_and(|leader| state.all[usize::from(leader)].at == At::Dead);
                (state.lead, state.lapses) = (None, state.lapses + u8::from(!lost));
            }
        }
        state
    }

    fn may_step(&self, state: &State, who: usize) -> bool {
        let Regulation { at, told, sent, .. } = state.all[who];
        let free = state.lead.is_none_or(|leader| usize::from(leader) == who);
        match at {
            At::Waits => told || free && !self.is(Mutant::FollowersNeverLead),
            // It comes back until its statement has ended.
            At::Leads => self.is(Mutant::NotesBeforeTheEnd) || sent.is_none_or(|sent| sent.done),
            At::Alone => sent.is_none_or(|sent| sent.done),
            At::Sealed | At::Dead => false,
            _ => true,
        }
    }

    fn choose(&self, state: &State, leader: usize) -> Set {
        let waits = |who: &usize| {
            let other = &state.all[*who];
            *who == leader || other.listed && !other.told || self.is(Mutant::GroupIsEverybody)
        };
        (0..ALL).filter(waits).map(bit).sum()
    }

    fn step(&self, state: &mut State, who: usize) {
        let mut one = state.all[who];
        match one.at {
            At::Find => one.at = if one.found || one.later { At::Turn } else { At::Verify },
            At::Turn | At::Waits => {
                let leads = state.lead.is_none_or(|leader| usize::from(leader) == who);
                if leads {
                    state.lead = Some(who as u8);
                }
                // Read after the lead was taken: what its last holder noted is there.
                if one.told {
                    give_back(state, who);
                    (one.group, one.noted, one.sent) = (0, 0, None);
                    one.at = if self.is(Mutant::TheToldAreBelieved) { At::Sealed } else { At::Verify };
                } else {
                    one.listed = true;
                    one.at = if leads { At::Leads } else { At::Waits };
                    // Kept before its first statement: who comes back goes on with the same group.
                    if leads && (one.group == 0 || self.is(Mutant::GroupIsNotKept)) {
                        state.all[who] = one;
                        one.group = self.choose(state, who);
                    }
                }
            }
            At::Leads | At::Alone => match one.sent {
                None => {
                    let whose = if one.at == At::Leads { one.group } else { bit(who) };
                    one.sent = Some(Sent { whose, done: false });
                }
                Some(_) => {
                    one.sent = None;
                    one.at = if one.at == At::Leads { At::Notes } else { At::Verify };
                }
            },
            At::Notes => {
                // One after the other, itself among them; then it finds its own note like everybody.
                let next = (0..ALL).find(|other| one.group & !one.noted & bit(*other) != 0);
                one.noted |= next.map_or(0, bit);
                match next {
                    Some(other) if other == who => one.told = true,
                    Some(other) => state.all[other].told |= state.all[other].listed,
                    None => one.at = At::Turn,
                }
            }
            At::Verify if one.found || one.later => one.at = At::Alone,
            At::Verify => {
                one.at = At::Sealed;
                one.listed = false;
                give_back(state, who);
            }
            At::Sealed | At::Dead => {}
        }
        state.all[who] = one;
    }

    /// An invocation is lost. The group and the name of its statement stand, and the next takes its turn: it may find that
    /// another leads meanwhile.
    fn lose(state: &mut State, who: usize) {
        state.losses += 1;
        let one = &mut state.all[who];
        (one.at, one.noted) = (At::Turn, 0);
    }
}

fn give_back(state: &mut State, who: usize) {
    state.lead = state.lead.filter(|leader| usize::from(*leader) != who);
}

/// The warehouse deletes the rows that are there at this moment.
fn delete(state: &mut State, sender: usize) {
    let Some(sent) = &mut state.all[sender].sent else { return };
    sent.done = true;
    let whose = sent.whose;
    for (who, one) in state.all.iter_mut().enumerate().filter(|(who, _)| whose & bit(*who) != 0) {
        let held = one.found || one.later;
        state.uncounted |= held && one.at == At::Find && who != sender;
        (one.found, one.later) = (false, false);
    }
}
