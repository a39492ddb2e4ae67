//! Group commit: what has queued is judged in order and applied as one.

use std::collections::HashSet;

use super::{
    super::{Change, Engine, GroupPolicy, Prepared},
    applier::Applier,
    commit::Answer,
    queue::QueuedCommit,
    sync::Waiter,
};
use crate::{
    Committed, Durability, Entry, Error, Guard, KeyRange, Outcome, OwnedKey, Result, Sequence,
};

/// Commits that passed their guards and wait to be applied together.
#[derive(Default)]
pub(super) struct Group {
    members: Vec<Member>,
    /// What members so far have changed, applied or not. Kept only where some
    /// member has guards.
    touched: Option<Touched>,
    /// The refusal for a lock of another process, once there was one. Each wait
    /// for it may be long, so the group waits once.
    lockout: Option<Error>,
    /// Applied commits that wait for a sync.
    pub(super) unsynced: Vec<Waiter>,
    /// Answers to be sent once the order point is left.
    pub(super) answers: Vec<(Answer, Result<Committed>)>,
}

struct Member {
    changes: Vec<Change>,
    prepared: Option<Prepared>,
    sequence: Sequence,
    durability: Durability,
    answer: Answer,
}

impl Group {
    /// Reads the keys of all guards ahead, in one go.
    pub(super) fn fetch<E: Engine>(
        &mut self,
        applier: &Applier<'_, E>,
        commits: &[QueuedCommit],
    ) -> Fetched {
        let keys: Vec<OwnedKey> = commits
            .iter()
            .flat_map(|commit| commit.batch.guards())
            .map(|guard| guard.key().clone())
            .collect();
        if keys.is_empty() {
            return Fetched::default();
        }
        self.touched = Some(Touched::default());
        // A read that fails is repeated for each commit on its own, so that a
        // bad one spoils no other.
        let entries = applier.read_many(&keys).ok();
        Fetched {
            entries: entries.map(Vec::into_iter),
        }
    }

    /// Judges a commit by the state that the members before it leave behind,
    /// and makes it a member.
    pub(super) fn admit<E: Engine>(
        &mut self,
        applier: &mut Applier<'_, E>,
        commit: QueuedCommit,
        ahead: Option<Vec<Option<Entry>>>,
    ) {
        let QueuedCommit {
            batch,
            prepared,
            durability,
            answer,
            ..
        } = commit;
        let (guards, mutations) = batch.into_parts();
        let numbered = self
            .check_lockout()
            .and_then(|()| self.judge(applier, &guards, ahead))
            .and_then(|()| applier.number(mutations));
        let (sequence, changes) = match numbered {
            Ok(numbered) => numbered,
            Err(error) => {
                self.answers.push((answer, Err(error)));
                return;
            }
        };
        if let Some(touched) = &mut self.touched {
            touched.extend(&changes);
        }
        self.members.push(Member {
            changes,
            prepared,
            sequence,
            durability,
            answer,
        });
    }

    fn judge<E: Engine>(
        &mut self,
        applier: &mut Applier<'_, E>,
        guards: &[Guard],
        ahead: Option<Vec<Option<Entry>>>,
    ) -> Result<()> {
        if guards.is_empty() {
            return Ok(());
        }
        let touched = self.touched.as_ref();
        let is_stale =
            touched.is_some_and(|touched| guards.iter().any(|guard| touched.contains(guard.key())));
        let entries = match ahead {
            Some(entries) if !is_stale => entries,
            _ => {
                self.flush(applier);
                applier.read_guarded(guards)?
            }
        };
        applier.judge(guards, &entries)
    }

    /// Applies the members, as one if the engine gains by that.
    pub(super) fn flush<E: Engine>(&mut self, applier: &mut Applier<'_, E>) {
        let members = std::mem::take(&mut self.members);
        if members.len() > 1 && applier.group_policy() == GroupPolicy::Merged {
            self.flush_merged(applier, members);
        } else {
            self.flush_apart(applier, members);
        }
    }

    /// Applies the members as one; each on its own if the engine refuses that,
    /// unless it does so for a lock, which refuses each of them as well.
    fn flush_merged<E: Engine>(&mut self, applier: &mut Applier<'_, E>, members: Vec<Member>) {
        let (Some(last), Some(durability)) = (
            members.last().map(|member| member.sequence),
            members.iter().map(|member| member.durability).max(),
        ) else {
            return;
        };
        let merged = members
            .iter()
            .flat_map(|member| member.changes.iter().cloned())
            .collect();
        let prepared: Vec<Prepared> = members
            .iter()
            .filter_map(|member| member.prepared.clone())
            .collect();
        let whole = self.apply(applier, merged, &prepared, durability, last);
        if self.lockout.is_none() && whole.as_ref().is_err_and(is_not_applied) {
            self.flush_apart(applier, members);
            return;
        }
        for member in members {
            let result = whole.as_ref().copied().map_err(Error::duplicate);
            let result = result.map(|()| applier.committed(member.sequence, member.durability));
            self.answer(result, member.answer);
        }
    }

    fn flush_apart<E: Engine>(&mut self, applier: &mut Applier<'_, E>, members: Vec<Member>) {
        for member in members {
            let Member {
                changes,
                prepared,
                sequence,
                durability,
                answer,
            } = member;
            let prepared = prepared.as_slice();
            let result = self.apply(applier, changes, prepared, durability, sequence);
            let result = result.map(|()| applier.committed(sequence, durability));
            self.answer(result, answer);
        }
    }

    /// Applies changes, unless a lock has kept some of the group out before.
    fn apply<E: Engine>(
        &mut self,
        applier: &mut Applier<'_, E>,
        changes: Vec<Change>,
        prepared: &[Prepared],
        durability: Durability,
        last: Sequence,
    ) -> Result<()> {
        self.check_lockout()?;
        applier.check_poison()?;
        let result = applier.apply(changes, prepared, durability, last);
        if let Err(error) = &result
            && error.is_foreign_lock()
        {
            let lockout = error.duplicate().with_outcome(Outcome::NotApplied);
            self.lockout = Some(lockout);
        }
        result
    }

    fn check_lockout(&self) -> Result<()> {
        match &self.lockout {
            None => Ok(()),
            Some(lockout) => Err(lockout.duplicate()),
        }
    }

    fn answer(&mut self, result: Result<Committed>, answer: Answer) {
        match result {
            Ok(committed) if committed.durability == Durability::Synced => {
                self.unsynced.push(Waiter { committed, answer });
            }
            result => self.answers.push((answer, result)),
        }
    }
}

fn is_not_applied(error: &Error) -> bool {
    error.outcome() == Some(Outcome::NotApplied)
}

/// The entries of all guards of a group, in order, as they were before it.
#[derive(Default)]
pub(super) struct Fetched {
    entries: Option<std::vec::IntoIter<Option<Entry>>>,
}

impl Fetched {
    /// The entries of the next commit's guards.
    pub(super) fn next_for(&mut self, commit: &QueuedCommit) -> Option<Vec<Option<Entry>>> {
        let entries = self.entries.as_mut()?;
        Some(entries.take(commit.batch.guards().len()).collect())
    }
}

/// The keys that a group has changed so far.
#[derive(Default)]
struct Touched {
    keys: HashSet<OwnedKey>,
    ranges: Vec<KeyRange>,
}

impl Touched {
    fn extend(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Put(put) => {
                    self.keys.insert(put.key.clone());
                }
                Change::Delete(key) => {
                    self.keys.insert(key.clone());
                }
                Change::DeleteRange(range) => self.ranges.push(range.clone()),
            }
        }
    }

    fn contains(&self, key: &OwnedKey) -> bool {
        self.keys.contains(key) || self.ranges.iter().any(|range| range.contains(key.as_key()))
    }
}
