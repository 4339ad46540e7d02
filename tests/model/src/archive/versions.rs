//! The versions of one key.

use super::{Events, THEIRS};

/// More than any key ever has.
const MOST: usize = 8;

/// All versions of a key, the current one last. No heap is behind it: millions of these are copied and compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Versions {
    count: usize,
    all: [Events; MOST],
}

impl Versions {
    pub(super) fn of(events: &[Events]) -> Self {
        let mut versions = Self::default();
        events.iter().for_each(|events| versions.push(*events));
        versions
    }

    pub(super) fn all(&self) -> &[Events] {
        &self.all[..self.count]
    }

    /// What is current; nothing under a delete marker, which is a version without events.
    pub(super) fn current(&self) -> Events {
        self.all().last().copied().unwrap_or_default()
    }

    pub(super) fn push(&mut self, events: Events) {
        self.all[self.count] = events;
        self.count += 1;
    }

    /// Puts what is left of a version in its place, if it is still current, and answers whether it was. Where nothing
    /// would be left that is a delete marker: it stands above the older versions and holds nothing.
    pub(super) fn put_clean(&mut self, read: Events, insists: bool) -> bool {
        let may = !insists || self.current() == read;
        if may {
            self.push(read & !THEIRS);
        }
        may
    }

    /// Deletes the older versions that hold S.
    pub(super) fn drop_older(&mut self) {
        let before = *self;
        let older = before.count.saturating_sub(1);
        let stays = |(place, events): &(usize, &Events)| *place == older || **events & THEIRS == 0;
        let kept: Vec<Events> =
            before.all().iter().enumerate().filter(stays).map(|(_, events)| *events).collect();
        *self = Self::of(&kept);
    }

    /// Deletes what stood there before these events were put.
    pub(super) fn drop_before(&mut self, own: Events) {
        let before = *self;
        let place = before.all().iter().rposition(|events| *events == own).unwrap_or_default();
        *self = Self::of(&before.all()[place..]);
    }
}
