//! The steps of everybody at the archive.

use super::*;

impl Archive {
    /// What may happen next.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        self.door(state, actions);
        for (worker, recorder) in state.recorders.iter().enumerate() {
            match recorder.map(|recorder| recorder.step) {
                // Two idle workers are the same: the first takes the messages.
                None if worker == 0 || state.recorders[0].is_some() => {
                    // Any messages, in any grouping; what another one has only if that counts as lost.
                    let most = if state.losses < LOSSES { state.queue } else { state.queue & !taken(state) };
                    let groups = (1..KEYS as u8).filter(|group| group & !most == 0);
                    actions.extend(groups.map(|group| Action::Take(worker, group)));
                }
                None => {}
                Some(Recording::Read { .. }) => actions.push(Action::Put(worker)),
                Some(Recording::Replaced) => actions.push(Action::DropReplaced(worker)),
                Some(Recording::Wrote) => actions.push(Action::LookAgain(worker)),
            }
            if recorder.is_some() && state.losses < LOSSES {
                actions.push(Action::LoseRecorder(worker));
            }
        }
        if !state.appended {
            actions.push(Action::Append);
        }
        self.run(state, actions);
    }

    fn door(&self, state: &State, actions: &mut Vec<Action>) {
        let suppressed = (Said::Suppressed..=Said::ErasedCounted).contains(&state.said);
        if state.door != suppressed {
            actions.push(Action::DoorReadsTheList);
        }
        let late = (Said::Erased..=Said::ErasedCounted).contains(&state.said);
        if late && !state.late && !state.door && state.passing == 0 {
            actions.push(Action::DoorLetsIn);
        }
        if state.passing != 0 {
            actions.push(Action::DoorSends);
        }
        match state.phase {
            Phase::NotAsked => actions.push(Action::Ask),
            Phase::Suppressing if state.said < Said::ErasedCounted => actions.push(Action::ListGoesOn),
            // The step waits until every instance of the door has read the list anew.
            Phase::Suppressing if state.door => actions.push(Action::SuppressionEnds),
            Phase::Sealed if state.said != Said::Lifted => actions.push(Action::Lift),
            _ => {}
        }
    }

    fn run(&self, state: &State, actions: &mut Vec<Action>) {
        match state.phase {
            Phase::Waiting if self.writers_have_ended(state) => actions.push(Action::ListAndFind),
            Phase::Forget => match state.rewrite {
                Some(_) => actions.push(Action::PutClean),
                None if state.done == state.hit => actions.push(Action::LookOnceMore),
                None => {
                    let open = (0..KEYS as u8).filter(|key| state.hit & !state.done & bit(*key) != 0);
                    actions.extend(open.map(|key| match state.versions[key as usize].current() {
                        current if current & THEIRS != 0 => Action::ReadCurrent(key),
                        _ => Action::DropOlder(key),
                    }));
                }
            },
            _ => {}
        }
        if state.ghost.is_some() {
            actions.push(Action::GhostPutsClean);
        }
        if state.losses < LOSSES && state.rewrite.is_some() && state.ghost.is_none() {
            actions.push(Action::GivePurgeUp);
        }
    }

    /// What becomes of a state by an action.
    pub(super) fn step(&self, mut state: State, action: Action) -> Option<State> {
        let insists = !self.is(Mutant::PutsWithoutCondition);
        match action {
            Action::DoorReadsTheList => state.door = !state.door,
            Action::DoorLetsIn => (state.late, state.passing) = (true, LATE),
            Action::DoorSends => state.queue |= std::mem::take(&mut state.passing),
            Action::Ask => state.phase = Phase::Suppressing,
            Action::ListGoesOn => {
                state.said = match state.said {
                    Said::Nothing => Said::Suppressed,
                    Said::Suppressed => Said::Erased,
                    _ => Said::ErasedCounted,
                }
            }
            Action::SuppressionEnds => state.phase = Phase::Waiting,
            Action::Lift => state.said = Said::Lifted,
            Action::Take(worker, group) => {
                state.losses += u8::from(group & taken(&state) != 0);
                let recorder = self.reads(state.said, group, true, state.said >= Said::ErasedCounted);
                state.recorders[worker] = Some(recorder);
            }
            Action::Put(worker) | Action::DropReplaced(worker) | Action::LookAgain(worker) => {
                self.record(&mut state, worker)?;
            }
            Action::LoseRecorder(worker) => {
                state.losses += 1;
                state.recorders[worker] = None;
            }
            Action::Append => {
                state.appended = true;
                let current = state.versions[OLD].current();
                state.versions[OLD].push(current | APPENDED);
            }
            Action::ListAndFind => {
                let hit = |key: &u8| self.holds(&state.versions[*key as usize]);
                state.hit = (0..KEYS as u8).filter(hit).map(bit).sum();
                (state.done, state.phase) = (0, Phase::Forget);
            }
            Action::ReadCurrent(key) => state.rewrite = Some((key, state.versions[key as usize].current())),
            Action::PutClean => {
                let (key, read) = state.rewrite.take()?;
                if !state.versions[key as usize].put_clean(read, insists) {
                    // After some attempts the key is left. The second look names it.
                    state.done |= bit(key);
                }
            }
            Action::GhostPutsClean => {
                let (key, read) = state.ghost.take()?;
                state.versions[key as usize].put_clean(read, insists);
            }
            Action::DropOlder(key) => {
                if !self.is(Mutant::CurrentVersionsOnly) {
                    state.versions[key as usize].drop_older();
                }
                state.done |= bit(key);
            }
            Action::LookOnceMore => {
                let left = |key: u8| state.hit & bit(key) != 0 && self.holds(&state.versions[key as usize]);
                let gone = self.is(Mutant::VerifyBelieves) || !(0..KEYS as u8).any(left);
                // Otherwise the task fails, and a retry waits for the next run.
                state.phase = if gone { Phase::Sealed } else { Phase::Waiting };
                (state.hit, state.done) = (0, 0);
            }
            Action::GivePurgeUp => {
                state.losses += 1;
                state.ghost = state.rewrite.take();
            }
        }
        Some(state)
    }

    fn reads(&self, said: Said, group: Events, first: bool, knows: bool) -> Recorder {
        let (kept, count) = (self.keeps(said, group), said.count());
        Recorder { group, kept, count, knows, step: Recording::Read { first } }
    }

    fn record(&self, state: &mut State, worker: usize) -> Option<()> {
        let recorder = state.recorders[worker].as_mut()?;
        let versions = &mut state.versions[usize::from(recorder.group)];
        match recorder.step {
            Recording::Read { first } => {
                let exists = versions.current() != 0;
                recorder.step = Recording::Wrote;
                match recorder.kept {
                    0 => *versions = Versions::default(),
                    kept if first && !exists => versions.push(kept),
                    kept => {
                        versions.push(kept);
                        recorder.step = Recording::Replaced;
                    }
                }
            }
            Recording::Replaced => {
                // It deletes what it listed before it put its own.
                versions.drop_before(recorder.kept);
                recorder.step = Recording::Wrote;
            }
            Recording::Wrote if recorder.count == state.said.count() => {
                state.queue &= !recorder.group;
                state.recorders[worker] = None;
            }
            Recording::Wrote => *recorder = self.reads(state.said, recorder.group, false, recorder.knows),
        }
        // Two that do the same are the same.
        if state.recorders[0].is_none() {
            state.recorders.swap(0, 1);
        }
        Some(())
    }
}

/// The messages that recorders have.
fn taken(state: &State) -> Events {
    state.recorders.iter().flatten().fold(0, |all, recorder| all | recorder.group)
}
