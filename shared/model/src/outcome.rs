//! What became of the people of a regulation: a summary, in numbers, of what its places said when it was sealed.
//!
//! A vendor tells how many people it found, an archive and a warehouse only whether anybody was there. So of a regulation
//! about several people it may be known that some were found, and not how many: those are `unclear`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::destination::DestinationKind;
use crate::evidence::{Evidence, Step};
use crate::missing::NO_IDENTIFIER;
use crate::status::TaskStatus;
use crate::task::Task;

/// What became of the people whom a sealed regulation names. Each counts once, by the worst that a place said: `failed`,
/// `unreached`, `accepted`, `erased` or `unclear`, `notFound`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// How many were found somewhere, at the least: what a vendor only accepted says nothing of it.
    pub found: u64,
    /// Looked for everywhere, and found nowhere.
    pub not_found: u64,
    /// Found, and confirmed to be gone wherever they were.
    pub erased: u64,
    /// Somewhere a vendor took the request and confirms nothing.
    pub accepted: u64,
    /// Somewhere nobody could delete them or look for them, or there was no place to look at.
    pub unreached: u64,
    /// Somewhere it failed.
    pub failed: u64,
    /// Some of them were found and are gone, the others were nowhere: which are how many is not known.
    pub unclear: u64,
    /// At how many places the request was only accepted.
    pub accepted_at: u64,
    /// At how many places somebody could not be deleted or looked for.
    pub unreached_at: u64,
    /// At how many places it failed.
    pub failed_at: u64,
}

/// What a place said of a person, the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    /// There, and gone now, or not there at all.
    Either,
    Gone,
    Accepted,
    Unreached,
    Failed,
}

impl Outcome {
    /// The outcome for this many people. `suppression` is how suppressing them ended, if that was asked for.
    pub fn of(people: u64, tasks: &[Task], evidence: &[Evidence], suppression: Option<TaskStatus>) -> Self {
        let mut outcome = Self::default();
        // What holds for everybody, and what places said of people apart.
        let (mut of_all, mut apart) = (None, Vec::new());
        if suppression == Some(TaskStatus::Failed) {
            of_all = Some(Said::Failed);
        }
        for task in tasks {
            let mine =
                || evidence.iter().filter(|one| one.destination_id.as_ref() == Some(&task.destination_id));
            match task.status {
                TaskStatus::Accepted => outcome.accepted_at += 1,
                TaskStatus::NotSupported | TaskStatus::NoIdentifier => outcome.unreached_at += 1,
                TaskStatus::Failed => outcome.failed_at += 1,
                _ => {}
            }
            let Some(said) = said(people, task, mine) else { continue };
            let found =
                said.iter().filter(|(said, _)| *said == Said::Gone).map(|(_, count)| count).sum::<u64>();
            let some = u64::from(said.iter().any(|(said, _)| *said == Said::Either) || was_found(mine));
            outcome.found = outcome.found.max(found).max(some.min(people));
            match said[..] {
                [(said, _)] => of_all = of_all.max(Some(said)),
                _ => apart.push(said),
            }
        }
        let worst = of_all.unwrap_or(Said::Nothing);
        // What is worse for everybody hides what places said of people apart; two such places cannot be told apart.
        for place in &mut apart {
            place.iter_mut().for_each(|(said, _)| *said = worst.max(*said));
        }
        apart.retain(|place| place.iter().any(|(said, _)| *said != place[0].0));
        match (&apart[..], of_all) {
            ([], None) => outcome.add(Said::Unreached, people),
            ([], Some(said)) => outcome.add(said, people),
            ([place], _) => place.iter().for_each(|(said, count)| outcome.add(*said, *count)),
            _ => outcome.unclear += people,
        }
        outcome
    }

    fn add(&mut self, said: Said, people: u64) {
        *match said {
            Said::Nothing => &mut self.not_found,
            Said::Either => &mut self.unclear,
            Said::Gone => &mut self.erased,
            Said::Accepted => &mut self.accepted,
            Said::Unreached => &mut self.unreached,
            Said::Failed => &mut self.failed,
        } += people;
    }
}

/// What a place said of how many people, all of them in the end; nothing, if there was nothing to do.
fn said<'a, I: Iterator<Item = &'a Evidence>>(
    people: u64,
    task: &Task,
    mine: impl Fn() -> I,
) -> Option<Vec<(Said, u64)>> {
    let found = if people == 1 { Said::Gone } else { Said::Either };
    let last = mine().map(|one| one.attempt).max();
    let of_last = |step| mine().filter(move |one| Some(one.attempt) == last && one.step == step).last();
    if let Some(told) = of_last(Step::Forward) {
        let count = |name: &str| told.counts.get(name).copied().unwrap_or(0);
        let mut said = [
            (Said::Nothing, count("noDataFound")),
            (Said::Gone, count("confirmed")),
            (Said::Accepted, count("accepted")),
            (Said::Unreached, count("noIdentifier") + count("notSupported")),
            (Said::Failed, count("refused")),
        ];
        let left = people.saturating_sub(said.iter().map(|(_, count)| count).sum());
        if task.status == TaskStatus::Failed {
            said[4].1 += left;
        }
        if said.iter().map(|(_, count)| count).sum::<u64>() == people {
            return Some(said.into_iter().filter(|(_, count)| *count > 0).collect());
        }
    }
    let of_all = match task.status {
        TaskStatus::Confirmed => found,
        TaskStatus::NoDataFound => Said::Nothing,
        TaskStatus::Accepted => Said::Accepted,
        TaskStatus::NotSupported => Said::Unreached,
        TaskStatus::NoIdentifier if task.kind == DestinationKind::Cloud => Said::Unreached,
        TaskStatus::NoIdentifier => {
            let missing = of_last(Step::Verify).and_then(|one| one.residuals.get(NO_IDENTIFIER)).copied();
            let missing = missing.unwrap_or(people).min(people);
            let others = if was_found(&mine) { Said::Either } else { Said::Nothing };
            let said = [(Said::Unreached, missing), (others, people - missing)];
            return Some(said.into_iter().filter(|(_, count)| *count > 0).collect());
        }
        TaskStatus::NoAction => return None,
        TaskStatus::Failed | TaskStatus::Queued | TaskStatus::Running | TaskStatus::Forwarded => Said::Failed,
    };
    Some(vec![(of_all, people)])
}

/// Whether any attempt found something of anybody at a place.
fn was_found<'a, I: Iterator<Item = &'a Evidence>>(mine: impl Fn() -> I) -> bool {
    mine().any(|one| one.step == Step::Find && one.counts.values().any(|count| *count > 0))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn task(kind: DestinationKind, status: TaskStatus) -> Task {
        Task { kind, status, ..crate::task::tests::task() }
    }

    fn warehouse(status: TaskStatus) -> Task {
        task(DestinationKind::Warehouse, status)
    }

    fn evidence(task: &Task, step: Step, counts: &[(&str, u64)]) -> Evidence {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Evidence::of(task, 1, step, Timestamp::UNIX_EPOCH, counts)
    }

    #[test]
    fn one_person_counts_by_the_worst_that_a_place_said() {
        use TaskStatus::{Accepted, Confirmed, Failed, NoAction, NoDataFound, NotSupported};
        let one =
            |erased, not_found, accepted, unreached, failed| [erased, not_found, accepted, unreached, failed];
        for (tasks, expected) in [
            (&[NoDataFound, NoDataFound][..], one(0, 1, 0, 0, 0)),
            (&[NoDataFound, Confirmed, NoAction], one(1, 0, 0, 0, 0)),
            (&[Confirmed, Accepted], one(0, 0, 1, 0, 0)),
            (&[NoDataFound, Accepted], one(0, 0, 1, 0, 0)),
            (&[Confirmed, NotSupported, Accepted], one(0, 0, 0, 1, 0)),
            (&[Confirmed, Failed], one(0, 0, 0, 0, 1)),
            (&[], one(0, 0, 0, 1, 0)),
        ] {
            let places: Vec<_> = tasks.iter().map(|status| warehouse(*status)).collect();
            let of = Outcome::of(1, &places, &[], None);
            let told = [of.erased, of.not_found, of.accepted, of.unreached, of.failed];
            assert_eq!(told, expected, "{tasks:?}");
            assert_eq!((of.found, of.unclear), (u64::from(tasks.contains(&Confirmed)), 0), "{tasks:?}");
        }
        let unsuppressed = Outcome::of(1, &[warehouse(Confirmed)], &[], Some(Failed));
        assert_eq!((unsuppressed.failed, unsuppressed.found), (1, 1));
    }

    #[test]
    fn a_vendor_tells_how_many_and_other_places_only_whether() {
        let vendor = task(DestinationKind::Cloud, TaskStatus::Accepted);
        let told =
            evidence(&vendor, Step::Forward, &[("confirmed", 2), ("noDataFound", 7), ("noIdentifier", 1)]);
        let of = |tasks: &[&Task], evidence: &[&Evidence]| {
            let tasks: Vec<_> = tasks.iter().copied().cloned().collect();
            Outcome::of(10, &tasks, &evidence.iter().copied().cloned().collect::<Vec<_>>(), None)
        };
        let nowhere = warehouse(TaskStatus::NoDataFound);
        let alone = of(&[&vendor, &nowhere], &[&told]);
        assert_eq!((alone.erased, alone.not_found, alone.unreached, alone.found), (2, 7, 1, 2));

        // Which of the seven the warehouse knew, it does not say.
        let somewhere = warehouse(TaskStatus::Confirmed);
        let both = of(&[&vendor, &somewhere], &[&told]);
        assert_eq!((both.erased, both.unclear, both.unreached, both.not_found), (2, 7, 1, 0));
        let two = [warehouse(TaskStatus::Confirmed), warehouse(TaskStatus::Confirmed)];
        assert_eq!(of(&[&two[0], &two[1]], &[]).unclear, 10);
        let other = task(DestinationKind::Cloud, TaskStatus::NoDataFound);
        let others = evidence(&other, Step::Forward, &[("confirmed", 5), ("noDataFound", 5)]);
        let of_two = of(&[&vendor, &other], &[&told, &others]);
        assert_eq!((of_two.unclear, of_two.found), (10, 5), "who the five are is not known");

        // Nobody is done while one place failed.
        let failed = of(&[&vendor, &warehouse(TaskStatus::Failed)], &[&told]);
        assert_eq!((failed.failed, failed.failed_at, failed.found), (10, 1, 2));
        let refused = task(DestinationKind::Cloud, TaskStatus::Failed);
        let some = evidence(&refused, Step::Forward, &[("confirmed", 4), ("refused", 1)]);
        let partly = of(&[&refused], &[&some]);
        assert_eq!((partly.erased, partly.failed), (4, 6), "five were not asked for");
    }

    #[test]
    fn who_was_not_looked_for_is_not_called_nowhere() {
        let place = warehouse(TaskStatus::NoIdentifier);
        let mut verify = evidence(&place, Step::Verify, &[]);
        verify.residuals.insert(NO_IDENTIFIER.to_owned(), 3);
        let nobody = Outcome::of(10, std::slice::from_ref(&place), &[verify.clone()], None);
        assert_eq!((nobody.unreached, nobody.not_found, nobody.unreached_at), (3, 7, 1));
        let found = evidence(&place, Step::Find, &[("web.users", 2)]);
        let some = Outcome::of(10, &[place], &[found, verify], None);
        assert_eq!((some.unreached, some.unclear, some.found), (3, 7, 1));
    }
}
