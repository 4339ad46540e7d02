//! The steps of the runs, and of those who look after them.

use super::*;

fn bit(object: usize) -> u8 {
    1 << object
}

impl Runs {
    /// What may happen next.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        let may_lose = state.losses < LOSSES;
        // Two runs that have not begun are the same.
        let free = state.runs.iter().position(|run| run.at == At::NotStarted);
        if let (true, None, Some(run)) = (state.waiting, state.lock, free) {
            actions.push(Action::Start(run));
        }
        for (number, run) in state.runs.iter().enumerate() {
            // What an execution began goes on without it; giving up is the schedule's work then.
            if run.at == At::Forget {
                self.forget(state, number, actions);
            }
            let goes_on = !run.dead || run.at >= At::Abort;
            let waits = run.at == At::Await && !run.stop && !run.confirmed;
            if run.at == At::NotStarted || !goes_on {
                continue;
            }
            let forgets = run.at == At::Forget && self.has_left(state, run) != 0;
            if !waits && !forgets {
                actions.push(Action::Step(number));
            }
            if may_lose && matches!(run.at, At::Find | At::Forget) {
                actions.extend([0, 1].map(|object| Action::Lose(number, object)));
            }
            if may_lose && matches!(run.at, At::Guarded | At::Settled | At::Answered) {
                actions.push(Action::Lose(number, 0));
            }
            if may_lose && !run.dead {
                actions.push(Action::EndExecution(number));
            }
            if state.may_stop && run.at > At::Open && run.at < At::Abort {
                actions.push(Action::Stop(number));
            }
            if run.question && !run.confirmed && !run.stop {
                actions.push(Action::Confirm(number));
            }
        }
        if let Some(run) = state.lock.map(|number| state.runs[usize::from(number)]) {
            let ended = run.dead || self.is(Mutant::TickAbortsTheLiving);
            if ended && run.at < At::Abort && !self.is(Mutant::NobodyTicks) {
                actions.push(Action::Tick);
            }
        }
        if state.denied {
            actions.push(Action::Grant);
        }
        if !state.waiting && state.task == Some(Outcome::Failed) && state.attempt + 1 < ATTEMPTS {
            actions.push(Action::Retry);
        }
    }

    fn forget(&self, state: &State, number: usize, actions: &mut Vec<Action>) {
        let run = state.runs[number];
        let open = self.has_left(state, &run);
        for object in [0, 1].into_iter().filter(|object| open & bit(*object) != 0) {
            match state.objects[object] {
                Object::Dirty => actions.push(Action::Rewrite(number, object)),
                // What has begun is finished, stop or not.
                _ => actions.push(Action::DropOlder(number, object)),
            }
        }
    }

    /// The objects that a run has still to deal with.
    fn has_left(&self, state: &State, run: &Run) -> u8 {
        let open = |object: &usize| {
            let begins = !run.stop || state.objects[*object] == Object::Rewritten;
            let may = !state.denied || *object == 0;
            begins && may && state.objects[*object] != Object::Clean
        };
        let open: u8 = [0, 1].into_iter().filter(open).map(bit).sum();
        open & run.found & !run.left
    }

    /// What becomes of a state by an action.
    pub(super) fn act(&self, mut state: State, action: Action) -> Option<State> {
        match action {
            Action::Start(number) => state.runs[number].at = At::Open,
            Action::Step(number) => self.step(&mut state, number),
            Action::Rewrite(_, object) => {
                state.objects[object] = Object::Rewritten;
                state.removed |= bit(object);
            }
            Action::DropOlder(_, object) => {
                state.objects[object] = Object::Clean;
                state.removed |= bit(object);
            }
            Action::Lose(number, object) => {
                state.losses += 1;
                let run = &mut state.runs[number];
                match run.at {
                    At::Find => run.unread |= bit(object),
                    At::Forget => run.left |= bit(object),
                    At::Guarded => run.at = At::Guard,
                    _ => run.at = At::Close,
                }
            }
            Action::EndExecution(number) => {
                state.losses += 1;
                state.runs[number].dead = true;
                // Nobody holds the lock for it, and nothing is left to do.
                if state.lock != Some(number as u8) {
                    state.runs[number] = Run::default();
                }
            }
            Action::Tick => {
                let number = usize::from(state.lock?);
                if state.runs[number].dead {
                    state.runs[number].at = At::Abort;
                } else {
                    // The living go on, with the lock in another's hands.
                    state.lock = None;
                }
            }
            Action::Stop(number) => (state.may_stop, state.runs[number].stop) = (false, true),
            Action::Confirm(number) => {
                (state.runs[number].confirmed, state.runs[number].question) = (true, false);
            }
            Action::Grant => state.denied = false,
            Action::Retry => {
                state.attempt += 1;
                (state.waiting, state.task, state.given_up, state.noted) = (true, None, 0, false);
            }
        }
        Some(state)
    }

    fn note(&self, state: &mut State, found: u8) {
        let stands = self.is(Mutant::FirstFindStands) || self.is(Mutant::EvidenceAtTheEnd);
        if !(stands && state.noted) {
            state.evidence |= found;
        }
        state.noted = true;
    }

    fn step(&self, state: &mut State, number: usize) {
        let mut run = state.runs[number];
        match run.at {
            At::NotStarted => {}
            At::Open => {
                let free = state.lock.is_none_or(|holder| usize::from(holder) == number);
                if free || self.is(Mutant::LockForAll) {
                    state.lock = state.lock.or(Some(number as u8));
                    run.serves = state.waiting.then_some(state.attempt);
                }
                run.at = if run.serves.is_some() { At::Find } else { At::Close };
            }
            At::Find => {
                let dirty = |object: &usize| state.objects[*object] != Object::Clean;
                let all: u8 = [0, 1].into_iter().filter(dirty).map(bit).sum();
                run.found = if run.stop { 0 } else { all & !run.unread };
                run.at = At::Guard;
            }
            At::Guard if run.stop => run.at = At::Abort,
            At::Guard => {
                if !self.is(Mutant::EvidenceAtTheEnd) {
                    self.note(state, run.found);
                }
                let asked = run.question && self.is(Mutant::GuardAsksOnce);
                run.question = state.too_much && !run.confirmed && !asked;
                run.at = At::Guarded;
            }
            At::Guarded if run.found == 0 => run.at = At::Close,
            At::Guarded => run.at = if run.question { At::Await } else { At::Forget },
            At::Await => run.at = if run.stop { At::Abort } else { At::Forget },
            At::Forget => run.at = At::Close,
            At::Close if run.stop => run.at = At::Abort,
            At::Close => {
                // Who was answered before, or is at its next attempt, is none of its business.
                let owes = state.waiting && run.serves == Some(state.attempt);
                if owes {
                    self.settle(state, run);
                }
                run.at = if owes { At::Settled } else { At::Answered };
            }
            At::Settled => (state.waiting, run.at) = (false, At::Answered),
            At::Answered => run = free(state, number),
            At::Abort => {
                if state.waiting && run.serves == Some(state.attempt) {
                    state.given_up += 1;
                    if state.given_up >= GIVEN_UP_AFTER {
                        (state.task, state.waiting) = (Some(Outcome::Failed), false);
                    }
                }
                run.at = At::Aborted;
            }
            At::Aborted if self.is(Mutant::AbortKeepsTheLock) => run = Run::default(),
            At::Aborted => run = free(state, number),
        }
        state.runs[number] = run;
    }

    /// Evidence, and what becomes of the task: the second look alone decides.
    fn settle(&self, state: &mut State, run: Run) {
        self.note(state, run.found);
        let dirty = |object: &usize| run.found & bit(*object) != 0 && state.objects[*object] != Object::Clean;
        let left = !self.is(Mutant::NoSecondLook) && [0, 1].iter().any(dirty);
        let unread = !self.is(Mutant::UnreadIsClean) && run.unread != 0;
        state.task = Some(if left || unread { Outcome::Failed } else { Outcome::Gone });
    }
}

/// The run is over, and the lock free if it was its own.
fn free(state: &mut State, number: usize) -> Run {
    state.lock = state.lock.filter(|holder| usize::from(*holder) != number);
    Run::default()
}
