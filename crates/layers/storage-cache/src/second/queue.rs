//! What is to be written to the second level, and what must not be read from it.
//!
//! INVARIANT: for each key of which nothing is queued or being written, the row of
//! this epoch, if there is one, is what the store holds, as far as this process
//! writes. A commit queues the removal of its keys' rows before the store below sees
//! it; a row is queued only by a read that no commit has outdated, under the lock of
//! the key's stripe; one writer takes groups off the queue and writes one after the
//! other, so that no row lands behind a removal that came later.

use std::{collections::HashSet, task::Waker, time::Instant};

use bytes::Bytes;
use futures_channel::oneshot;
use hashbrown::HashMap;
use storage_core::{KeyRange, Timestamp};

use super::place::Epoch;
use crate::key::CacheKey;

/// So many removals may wait before the epoch is given up: it would never catch up.
const REMOVALS_MAX: usize = 1 << 16;

/// So many ranges, which every read looks at.
const RANGES_MAX: usize = 64;

/// So many bytes of rows may wait; those that come then are not kept.
const ROWS_BYTES_MAX: usize = 8 << 20;

/// So many changes are written at once.
const GROUP_MAX: usize = 256;

/// What is to become of a key's row.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// `None` removes it.
    pub(super) row: Option<Bytes>,
    pub(super) expires: Option<Timestamp>,
    /// Whether a row that is out of date may be there.
    pub(super) is_due: bool,
}

/// What the writer writes next.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) epoch: Epoch,
    /// To be removed before the changes are made.
    pub(super) ranges: Vec<KeyRange>,
    pub(super) changes: Vec<(CacheKey, Change)>,
}

/// What the writer does next.
pub(super) enum Step {
    Write(Group),
    /// There is no epoch.
    Begin,
    /// The cache is closed and everything written.
    End,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// `None`: nothing is read or kept, until the writer has begun another.
    epoch: Option<Epoch>,
    changes: HashMap<CacheKey, Change>,
    ranges: Vec<KeyRange>,
    removals: usize,
    rows_bytes: usize,
    being_written: HashSet<CacheKey>,
    ranges_being_written: Vec<KeyRange>,
    /// The bytes of all rows that this epoch was given.
    pub(super) bytes: u64,
    /// Reads have failed: none is tried before then.
    pub(super) rests_until: Option<Instant>,
    is_closing: bool,
    /// Nobody writes any more.
    has_ended: bool,
    writer: Option<Waker>,
    drained: Option<oneshot::Sender<()>>,
}

impl Queue {
    pub(super) const fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    pub(super) fn begin(&mut self, epoch: Epoch, bytes: u64) {
        if !self.is_closing {
            self.epoch = Some(epoch);
            self.bytes = bytes;
        }
    }

    /// Gives the epoch up. Nothing of it is read or kept any more.
    pub(super) fn abandon(&mut self) {
        self.epoch = None;
        self.changes.clear();
        self.ranges.clear();
        (self.removals, self.rows_bytes) = (0, 0);
    }

    /// The epoch in which the row of a key may be read.
    pub(super) fn readable(&self, key: &CacheKey) -> Option<Epoch> {
        let mut ranges = self.ranges.iter().chain(&self.ranges_being_written);
        let is_free = !self.is_closing
            && !self.changes.contains_key(key)
            && !self.being_written.contains(key)
            && !ranges.any(|range| range.contains(key.as_key()))
            && self.rests_until.is_none_or(|until| until <= Instant::now());
        self.epoch.filter(|_| is_free)
    }

    /// Queues a row of what the store holds. `false` if it is not kept.
    pub(super) fn fill(&mut self, key: CacheKey, row: Bytes, expires: Option<Timestamp>) -> bool {
        let bytes = self.rows_bytes.saturating_add(row.len());
        if self.epoch.is_none() || self.is_closing || bytes > ROWS_BYTES_MAX {
            return false;
        }
        let replaced = self.take(&key);
        self.rows_bytes = self.rows_bytes.saturating_add(row.len());
        let is_due = replaced.is_some_and(|change| change.is_due);
        self.removals += usize::from(is_due);
        let change = Change {
            row: Some(row),
            expires,
            is_due,
        };
        self.changes.insert(key, change);
        true
    }

    /// Queues the removal of a key's row. `false` if there are too many.
    pub(super) fn outdate(&mut self, key: &CacheKey) -> bool {
        if self.epoch.is_none() {
            return true;
        }
        if self.removals >= REMOVALS_MAX {
            self.abandon();
            return false;
        }
        self.take(key);
        self.removals += 1;
        let change = Change {
            row: None,
            expires: None,
            is_due: true,
        };
        self.changes.insert(key.clone(), change);
        true
    }

    /// Queues the removal of the rows of a range. `false` if there are too many.
    pub(super) fn outdate_range(&mut self, range: KeyRange) -> bool {
        if self.epoch.is_none() {
            return true;
        }
        if self.ranges.len() >= RANGES_MAX {
            self.abandon();
            return false;
        }
        let covered: Vec<_> = self
            .changes
            .keys()
            .filter(|key| range.contains(key.as_key()))
            .cloned()
            .collect();
        for key in covered {
            self.take(&key);
        }
        self.ranges.push(range);
        true
    }

    /// What to do next; `None` if `writer` is to be woken once there is something.
    pub(super) fn next(&mut self, writer: &Waker) -> Option<Step> {
        let Some(epoch) = self.epoch else {
            // Whoever waits for the end learns that there is nothing to go on with.
            if self.is_closing {
                self.end();
            }
            return Some(if self.is_closing {
                Step::End
            } else {
                Step::Begin
            });
        };
        if self.changes.is_empty() && self.ranges.is_empty() {
            if self.is_closing {
                // Nobody may be waiting.
                let _ = self.drained.take().map(|drained| drained.send(()));
                self.end();
                return Some(Step::End);
            }
            self.writer = Some(writer.clone());
            return None;
        }
        let ranges = std::mem::take(&mut self.ranges);
        let keys: Vec<_> = self.changes.keys().take(GROUP_MAX).cloned().collect();
        let changes: Vec<_> = keys
            .into_iter()
            .filter_map(|key| self.take(&key).map(|change| (key, change)))
            .collect();
        self.being_written = changes.iter().map(|(key, _)| key.clone()).collect();
        self.ranges_being_written.clone_from(&ranges);
        Some(Step::Write(Group {
            epoch,
            ranges,
            changes,
        }))
    }

    /// The group that was handed out is written, and so many bytes of rows with it; or
    /// nobody knows which part of it is (`None`), and its epoch ends: in the same step, since
    /// else what it has not removed could be read.
    pub(super) fn written(&mut self, bytes: Option<u64>, capacity_bytes: u64) {
        self.being_written.clear();
        self.ranges_being_written.clear();
        self.bytes = self.bytes.saturating_add(bytes.unwrap_or(0));
        if bytes.is_none() || self.bytes > capacity_bytes {
            self.abandon();
        }
    }

    /// Nothing more is read or kept. The answer comes once everything is written.
    pub(super) fn close(&mut self) -> oneshot::Receiver<()> {
        let (drained, waiting) = oneshot::channel();
        self.is_closing = true;
        self.drained = Some(drained).filter(|_| !self.has_ended);
        waiting
    }

    /// Nothing more will be written, whatever is left.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
        self.drained = None;
    }

    /// The writer, if it waits and there is something to do: to be woken once the queue
    /// is no longer locked.
    pub(super) fn take_writer(&mut self) -> Option<Waker> {
        let is_idle = self.changes.is_empty() && self.ranges.is_empty();
        self.writer
            .take_if(|_| !is_idle || self.epoch.is_none() || self.is_closing)
    }

    fn take(&mut self, key: &CacheKey) -> Option<Change> {
        let change = self.changes.remove(key)?;
        self.removals -= usize::from(change.is_due);
        self.rows_bytes -= change.row.as_ref().map_or(0, Bytes::len);
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch([1; 8]);

    /// A queue whose writer has been given the removal of a key.
    fn writing(key: &CacheKey) -> Queue {
        let mut queue = Queue::default();
        queue.begin(EPOCH, 0);
        assert_eq!(queue.readable(key), Some(EPOCH));
        assert!(queue.outdate(key));
        assert!(matches!(queue.next(Waker::noop()), Some(Step::Write(_))));
        assert_eq!(queue.readable(key), None);
        queue
    }

    #[test]
    fn what_may_not_have_been_removed_is_at_no_moment_read() {
        let key = CacheKey::of("k".into());
        let mut removed = writing(&key);
        removed.written(Some(0), 100);
        assert_eq!(removed.readable(&key), Some(EPOCH));
        let mut lost = writing(&key);
        lost.written(None, 100);
        assert_eq!((lost.readable(&key), lost.epoch()), (None, None));
    }

    #[test]
    fn an_epoch_ends_with_the_group_that_exceeds_its_room() {
        let key = CacheKey::of("k".into());
        let mut queue = writing(&key);
        queue.written(Some(101), 100);
        assert_eq!(queue.epoch(), None);
    }
}
