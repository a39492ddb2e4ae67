//! Files that no key refers to any more, and when they may be removed.
//!
//! The file of a version that was replaced or deleted is still needed by
//! snapshots that were taken before, and as long as a loss of power might undo
//! the commit that replaced it. After that it is removed.

use std::collections::{BTreeMap, VecDeque};

use storage_core::Mark;

use crate::{files::FileName, version::VersionId};

/// Counts commits since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn(pub(crate) u64);

/// A file that no key refers to any more.
#[derive(Clone, Debug)]
pub(crate) struct Dead {
    pub(crate) name: FileName,
    /// The length of the file.
    pub(crate) bytes: u64,
    /// The commit that took its key away.
    pub(crate) since: Turn,
    /// Where the record of that commit ends.
    pub(crate) at: Mark,
}

/// All such files, and the snapshots that may need them.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    // INVARIANT: in the order of their places in the log, but for those that a
    // snapshot held for a while: those are first, and their places are durable.
    waiting: VecDeque<Dead>,
    /// Those that the snapshots of a turn need.
    held: BTreeMap<Turn, Vec<Dead>>,
    /// Snapshots by the last commit that they show.
    pins: BTreeMap<Turn, Pins>,
    waiting_bytes: u64,
}

/// The snapshots of one turn.
#[derive(Debug)]
struct Pins {
    count: usize,
    /// Versions from here on are later than they.
    next: VersionId,
}

impl Removals {
    /// More that wait mean that files die faster than they can be removed.
    const WAITING_MAX: usize = 65_536;
    const WAITING_BYTES_MAX: u64 = 1 << 30;

    /// Whether so many files wait that no more should die for a while.
    pub(crate) fn are_behind(&self) -> bool {
        self.waiting.len() > Self::WAITING_MAX || self.waiting_bytes > Self::WAITING_BYTES_MAX
    }

    /// Takes note of a snapshot that shows everything up to the commit `turn`.
    pub(crate) fn pin(&mut self, turn: Turn, next: VersionId) {
        let pins = self.pins.entry(turn).or_insert(Pins { count: 0, next });
        pins.count += 1;
    }

    /// Takes note that a snapshot is gone.
    pub(crate) fn unpin(&mut self, turn: Turn) {
        let Some(pins) = self.pins.get_mut(&turn) else {
            return;
        };
        pins.count -= 1;
        if pins.count > 0 {
            return;
        }
        self.pins.remove(&turn);
        for dead in self.held.remove(&turn).into_iter().flatten().rev() {
            self.waiting_bytes += dead.bytes;
            self.waiting.push_front(dead);
        }
    }

    pub(crate) fn add(&mut self, dead: Dead) {
        self.waiting_bytes += dead.bytes;
        self.waiting.push_back(dead);
    }

    /// Files that nobody needs once the log is durable up to `durable`; at most
    /// so many.
    pub(crate) fn take(&mut self, durable: Mark, most: usize) -> Vec<Dead> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(dead) = self.waiting.pop_front_if(|dead| dead.at <= durable)
        {
            self.waiting_bytes -= dead.bytes;
            match self.needed_by(&dead) {
                Some(turn) => self.held.entry(turn).or_default().push(dead),
                None => taken.push(dead),
            }
        }
        taken
    }

    /// All files that have not been taken.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Dead> {
        self.waiting.iter().chain(self.held.values().flatten())
    }

    /// How many files wait, and their bytes.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        (self.waiting.len(), self.waiting_bytes)
    }

    /// How many files snapshots are known to need.
    pub(crate) fn held(&self) -> usize {
        self.held.values().map(Vec::len).sum()
    }

    /// The latest snapshot before the file was dead, if the file is as old.
    fn needed_by(&self, dead: &Dead) -> Option<Turn> {
        let (turn, pins) = self.pins.range(..dead.since).next_back()?;
        (dead.name.id() < pins.next).then_some(*turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;

    const fn mark(position: u64) -> Mark {
        Mark { log: 1, position }
    }

    fn dead(id: u64, since: u64) -> Dead {
        Dead {
            name: FileName::new(b"\x01k", VersionId(id), Codec::None),
            bytes: 10,
            since: Turn(since),
            at: mark(since),
        }
    }

    fn taken(removals: &mut Removals, durable: u64) -> Vec<u64> {
        let taken = removals.take(mark(durable), usize::MAX);
        taken.iter().map(|dead| dead.name.id().0).collect()
    }

    #[test]
    fn a_file_waits_until_its_end_is_durable() {
        let mut removals = Removals::default();
        removals.add(dead(1, 2));
        removals.add(dead(2, 3));
        assert!(taken(&mut removals, 1).is_empty());
        assert_eq!(taken(&mut removals, 2), [1]);
        assert_eq!(removals.waiting(), (1, 10));
        assert_eq!(taken(&mut removals, 9), [2]);
        assert_eq!(removals.waiting(), (0, 0));
    }

    #[test]
    fn removals_are_behind_while_too_much_waits() {
        let mut removals = Removals::default();
        for id in 0..=65_536 {
            assert!(!removals.are_behind());
            removals.add(dead(id, 1));
        }
        assert!(removals.are_behind());
        assert_eq!(removals.take(mark(1), 256).len(), 256);
        assert!(!removals.are_behind());
        removals.add(Dead {
            bytes: 1 << 30,
            ..dead(0, 1)
        });
        assert!(removals.are_behind());
    }

    #[test]
    fn a_file_waits_for_the_snapshots_that_show_it_and_for_no_others() {
        let mut removals = Removals::default();
        // Version 1 is of turn 1, and so on.
        removals.pin(Turn(2), VersionId(3));
        removals.pin(Turn(2), VersionId(3));
        removals.pin(Turn(4), VersionId(5));
        removals.add(dead(0, 1));
        removals.add(dead(1, 3));
        removals.add(dead(3, 4));
        removals.add(dead(2, 5));
        removals.add(dead(5, 6));
        assert_eq!(taken(&mut removals, 9), [0, 3, 5]);
        assert_eq!((removals.held(), removals.waiting()), (2, (0, 0)));
        assert_eq!(removals.all().count(), 2);
        removals.unpin(Turn(4));
        // The earlier snapshots show it too.
        assert!(taken(&mut removals, 9).is_empty());
        removals.unpin(Turn(2));
        assert!(taken(&mut removals, 9).is_empty());
        removals.unpin(Turn(2));
        assert_eq!(taken(&mut removals, 9), [1, 2]);
    }
}
