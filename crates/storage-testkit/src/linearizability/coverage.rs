//! Coverage: what a run must have seen before its histories say anything.
//!
//! A judge only finds fault with answers. A store that answers nothing, or that
//! refuses whatever it is asked, gives it nothing to find fault with, and so do
//! clients that only ever work one after the other.

use super::{History, Moment};
use crate::{CaseResult, failure::ensure};

/// What came of the steps of a run.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    pub(super) reads: Share,
    /// Commits without a guard: nothing but trouble keeps these from being
    /// applied.
    pub(super) unguarded: Share,
    /// Changes that look first. A refusal is an answer, which the judges weigh.
    pub(super) guarded: Share,
    /// Commits guarded by a stamp, that were answered.
    pub(super) stamped: Share,
    /// Of those, the ones whose key nobody can have changed since it was read.
    pub(super) undisturbed: Share,
    histories: u64,
    overlapping: u64,
}

/// How many were asked for, and how many of them came about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    asked: u64,
    met: u64,
}

/// A commit guarded by a stamp, which was answered.
#[derive(Debug)]
pub(super) struct StampedCommit {
    pub(super) key: String,
    /// When the stamp was asked for.
    pub(super) since: Moment,
    /// When the commit was answered.
    pub(super) until: Moment,
    pub(super) is_applied: bool,
}

impl Coverage {
    /// So many commits guarded by a stamp must meet with one that holds, even
    /// where reads lag behind.
    const STAMPED_MIN: u64 = 20;

    pub(super) fn add(&mut self, other: &Self) {
        self.reads.add(other.reads);
        self.unguarded.add(other.unguarded);
        self.guarded.add(other.guarded);
        self.stamped.add(other.stamped);
        self.undisturbed.add(other.undisturbed);
        self.histories += other.histories;
        self.overlapping += other.overlapping;
    }

    /// Takes in a whole history, in which clients made these commits.
    ///
    /// A refusal over a stamp says nothing to the judges: the stored form may be
    /// written anew while the value stays. But nobody writes it anew all the
    /// time, so nearly all of those must be applied that met no other change.
    pub(super) fn add_history(&mut self, history: &History, commits: &[StampedCommit]) {
        self.histories += 1;
        self.overlapping += u64::from(history.overlaps() > 0);
        for commit in commits {
            self.stamped.count(commit.is_applied);
            if commit.is_applied || !commit.is_disturbed(history) {
                self.undisturbed.count(commit.is_applied);
            }
        }
    }

    /// Whether anything at all was answered.
    pub(super) const fn has_answers(&self) -> bool {
        self.reads.met + self.unguarded.met + self.guarded.met > 0
    }

    /// Fails if this is too little to say anything of the store.
    pub(super) fn suffices(&self) -> CaseResult {
        for (what, share) in [
            ("reads were answered", self.reads),
            ("commits without a guard were applied", self.unguarded),
            ("guarded changes were answered", self.guarded),
            (
                "commits were applied that were guarded by a stamp which no change had outdated",
                self.undisturbed,
            ),
        ] {
            let Share { asked, met } = share;
            ensure!(
                share.is_nearly_all(),
                "only {met} of {asked} {what}; a sound store answers nearly all, and otherwise \
                 its histories say nothing"
            );
        }
        let Share { asked, met } = self.stamped;
        ensure!(
            met > 0 || asked < Self::STAMPED_MIN,
            "none of {asked} commits guarded by a stamp was applied"
        );
        ensure!(
            self.overlapping.saturating_mul(10) >= self.histories,
            "operations of two clients overlapped in only {} of {} histories, so these say \
             nothing of concurrency: record two clients or more",
            self.overlapping,
            self.histories
        );
        Ok(())
    }
}

impl Share {
    pub(super) fn count(&mut self, is_met: bool) {
        self.asked += 1;
        self.met += u64::from(is_met);
    }

    const fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.met += other.met;
    }

    /// Nine of ten; of less than ten, all but one.
    fn is_nearly_all(self) -> bool {
        let missed = self.asked - self.met;
        self.asked == 0 || (self.met > 0 && missed <= (self.asked / 10).max(1))
    }
}

impl StampedCommit {
    /// Whether something else may have changed the key between the read and the
    /// answer.
    fn is_disturbed(&self, history: &History) -> bool {
        history.operations().iter().any(|operation| {
            operation.changes.iter().any(|(key, _)| *key == self.key)
                && operation.called <= self.until
                && operation.answered.is_none_or(|end| end >= self.since)
        })
    }
}
