//! The steps of executions, of people and of the schedule.

use super::*;

impl Life {
    /// What may happen next.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        let may_lose = state.losses < LOSSES;
        for (attempt, at) in state.executions.iter().enumerate() {
            if !(At::Suppress..At::Ended).contains(at) {
                continue;
            }
            actions.push(Action::Step(attempt));
            if *at == At::Work && state.task == Task::Queued && state.subjects {
                actions.push(Action::WorkFails(attempt));
            }
            if may_lose {
                actions.push(Action::EndExecution(attempt));
                actions.extend((*at == At::Suppress).then_some(Action::SuppressionFails(attempt)));
                actions.extend((*at > At::Seal).then_some(Action::LoseSeal(attempt)));
            }
        }
        match state.status {
            Status::Initialized => actions.push(Action::Withdraw),
            Status::Running if self.is(Mutant::WithdrawsAnytime) => actions.push(Action::Withdraw),
            Status::Invalid if state.subjects => actions.push(Action::TakeBack),
            _ => {}
        }
        // Refused once the time for which the identifiers were kept is over.
        let may_retry =
            state.status == Status::Failed && state.subjects && usize::from(state.attempt) + 1 < ATTEMPTS;
        for (who, retry) in state.retries.iter().enumerate() {
            match retry {
                Retry::Idle if may_retry => actions.push(Action::AskForRetry(who)),
                Retry::Idle => {}
                _ => {
                    actions.push(Action::Retry(who));
                    actions.extend(may_lose.then_some(Action::LoseRetry(who)));
                }
            }
        }
        actions.push(Action::Tick);
        // Who asked before the time had come is served by then; and no seal takes as long as that.
        let seals = state.executions.iter().any(|at| matches!(at, At::SetStatus(_)));
        if state.due && !seals && state.retries == [Retry::Idle; 2] {
            actions.push(Action::TimePasses);
        }
    }

    /// What becomes of a state by an action.
    pub(super) fn act(&self, state: &mut State, action: Action) {
        match action {
            Action::Step(attempt) => self.step(state, attempt),
            Action::WorkFails(attempt) => {
                (state.task, state.executions[attempt]) = (Task::Failed, At::Seal);
            }
            Action::SuppressionFails(attempt) => {
                state.losses += 1;
                state.executions[attempt] = At::Seal;
            }
            Action::LoseSeal(attempt) => {
                state.losses += 1;
                state.executions[attempt] = At::Seal;
            }
            Action::EndExecution(attempt) => {
                state.losses += 1;
                state.executions[attempt] = At::Dead;
            }
            Action::Withdraw => (state.status, state.withdrawn) = (Status::Invalid, true),
            Action::TakeBack => (state.suppressed, state.subjects) = (false, false),
            Action::AskForRetry(who) => state.retries[who] = Retry::Read(state.attempt, state.task),
            Action::Retry(who) => self.retry(state, who),
            Action::LoseRetry(who) => {
                state.losses += 1;
                state.retries[who] = Retry::Idle;
            }
            Action::Tick => self.tick(state),
            Action::TimePasses => {
                // What has begun another attempt will be due again, should that fail.
                if state.status == Status::Failed || self.is(Mutant::DropsDuringRetry) {
                    state.subjects = false;
                }
                state.due = false;
            }
        }
    }

    fn step(&self, state: &mut State, attempt: usize) {
        state.executions[attempt] = match state.executions[attempt] {
            At::Suppress if state.status == Status::Invalid => At::Seal,
            At::Suppress => {
                if state.status == Status::Initialized {
                    state.status = Status::Running;
                }
                state.suppressed = true;
                At::Work
            }
            At::Work => {
                if state.task == Task::Queued {
                    // Without identifiers there is nothing to go by.
                    state.task = if state.subjects { Task::Confirmed } else { Task::Failed };
                    state.present &= !state.subjects;
                }
                At::Seal
            }
            At::Seal => self.seal(state, attempt),
            At::Certify(status) => {
                let named = state.subjects;
                state.certificates[attempt] = state.certificates[attempt].or(Some(named));
                if self.is(Mutant::DropsFirst) { At::SetStatus(status) } else { At::Drop(status) }
            }
            At::Drop(status) => {
                match status {
                    Status::Finished => state.subjects = false,
                    _ => state.due = true,
                }
                if self.is(Mutant::DropsFirst) { At::Certify(status) } else { At::SetStatus(status) }
            }
            At::SetStatus(status) => {
                state.status = status;
                At::Unanswered
            }
            At::Unanswered => At::Ended,
            at => at,
        }
    }

    /// Ends open tasks, and tells how the regulation ended.
    fn seal(&self, state: &mut State, attempt: usize) -> At {
        let is_final = matches!(state.status, Status::Failed | Status::Finished);
        let is_over = is_final || usize::from(state.attempt) != attempt;
        if state.status == Status::Invalid || is_over && !self.is(Mutant::SealMeddles) {
            return At::Ended;
        }
        // Whatever the seal sees as not withdrawn cannot be withdrawn any more.
        if state.status == Status::Initialized && !self.is(Mutant::SealMissesWithdrawal) {
            state.status = Status::Running;
        }
        if state.task == Task::Queued && !self.is(Mutant::UnendedIsDone) {
            state.task = Task::Failed;
            state.meddled |= usize::from(state.attempt) != attempt;
        }
        let well = state.task != Task::Failed && state.suppressed;
        let status = if well { Status::Finished } else { Status::Failed };
        if self.is(Mutant::DropsFirst) { At::Drop(status) } else { At::Certify(status) }
    }

    fn retry(&self, state: &mut State, who: usize) {
        let first = self.is(Mutant::ResetsFirst);
        let retry = state.retries[who];
        state.retries[who] = match retry {
            Retry::Idle => Retry::Idle,
            Retry::Read(attempt, task) if first => {
                if task == Task::Failed {
                    state.undone |= state.task == Task::Confirmed;
                    state.task = Task::Queued;
                }
                Retry::Half(attempt, task)
            }
            Retry::Read(attempt, task) if begins(state, attempt) => Retry::Half(attempt, task),
            Retry::Half(attempt, _) if first && begins(state, attempt) => Retry::Start(attempt + 1),
            Retry::Half(attempt, _) if !first => {
                // On condition that it is failed still.
                if state.task == Task::Failed {
                    state.task = Task::Queued;
                }
                Retry::Start(attempt + 1)
            }
            Retry::Start(attempt) => {
                start(state, attempt, false);
                Retry::Idle
            }
            // Another one was first.
            _ => Retry::Idle,
        }
    }

    /// The schedule's work: what should be under way and is not is started, under a name of its own if it ended.
    fn tick(&self, state: &mut State) {
        let is_lost = match state.status {
            Status::Initialized => true,
            Status::Running if state.attempt > 0 => !self.is(Mutant::StartOfRetryIsLost),
            Status::Running => true,
            _ => false,
        };
        if is_lost {
            start(state, state.attempt, !self.is(Mutant::EndedStaysEnded));
        }
    }
}

/// Begins the next attempt, unless another one has begun it.
fn begins(state: &mut State, before: u8) -> bool {
    let may = state.attempt == before && state.status == Status::Failed;
    if may {
        (state.attempt, state.status) = (before + 1, Status::Running);
    }
    may
}

/// Starts an execution, unless it goes on.
fn start(state: &mut State, attempt: u8, again: bool) {
    let at = &mut state.executions[usize::from(attempt)];
    if *at == At::NotStarted || *at == At::Dead && again {
        *at = At::Suppress;
    }
}
