//! Group commit: what has queued is judged in order and applied as one.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::{
    super::{Change, Engine, shared::Shared},
    applier::Applier,
    commit::{Answer, Request},
    sync::Waiter,
};
use crate::{
    Committed, Durability, Entry, Error, ErrorKind, Guard, KeyRange, Outcome, OwnedKey, Result,
    Sequence,
};

/// How much the writer thread takes at once. More would make the first wait for
/// the last; less would sync more often.
const REQUESTS_MAX: usize = 256;
const BYTES_MAX: usize = 1 << 20;

impl<E: Engine> Shared<E> {
    /// The writer thread.
    pub(super) fn keep_applying(self: &Arc<Self>) {
        while let Some(requests) = self.order.queue.take(next_group) {
            self.apply_group(requests);
        }
    }

    /// Judges and applies a group, hands those who wait for a sync to the sync
    /// thread, and answers the others.
    fn apply_group(self: &Arc<Self>, requests: Vec<Request>) {
        let size = requests.len();
        let bytes = requests.iter().map(|request| request.bytes).sum();
        let mut group = Group::default();
        let mut requests = requests.into_iter();
        let mut sequencer = self.order.enter();
        let applied = self.check_poison().and_then(|()| {
            self.call_accepted(|engine| {
                let mut applier = Applier::new(self, engine, &mut sequencer);
                let mut fetched = group.fetch(&applier, requests.as_slice());
                for request in requests.by_ref() {
                    let ahead = fetched.next_for(&request);
                    group.admit(&mut applier, request, ahead);
                }
                group.flush(&mut applier);
                Ok(())
            })
        });
        if let Err(error) = applied {
            for request in requests {
                let error = error.duplicate().with_outcome(Outcome::NotApplied);
                group.answers.push((request.answer, Err(error)));
            }
        }
        let refused = self.await_sync(group.unsynced);
        drop(sequencer);
        self.order.leave_queue(size, bytes);
        refused.answer();
        for (answer, result) in group.answers {
            // The caller may have lost interest.
            let _ = answer.send(result);
        }
    }
}

fn next_group(queue: &mut VecDeque<Request>) -> Vec<Request> {
    let mut group = Vec::new();
    let mut bytes = 0;
    while group.len() < REQUESTS_MAX && bytes < BYTES_MAX {
        let Some(request) = queue.pop_front() else {
            break;
        };
        bytes += request.bytes;
        group.push(request);
    }
    group
}

/// Commits that passed their guards and wait to be applied together.
#[derive(Default)]
struct Group {
    members: Vec<Member>,
    /// What members so far have changed, applied or not. Kept only where some
    /// member has guards.
    touched: Option<Touched>,
    /// Applied commits that wait for a sync.
    unsynced: Vec<Waiter>,
    /// Answers to be sent once the order point is left.
    answers: Vec<(Answer, Result<Committed>)>,
}

struct Member {
    changes: Vec<Change>,
    sequence: Sequence,
    durability: Durability,
    answer: Answer,
}

impl Group {
    /// Reads the keys of all guards ahead, in one go.
    fn fetch<E: Engine>(&mut self, applier: &Applier<'_, E>, requests: &[Request]) -> Fetched {
        let keys: Vec<OwnedKey> = requests
            .iter()
            .flat_map(|request| request.batch.guards())
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
    fn admit<E: Engine>(
        &mut self,
        applier: &mut Applier<'_, E>,
        request: Request,
        ahead: Option<Vec<Option<Entry>>>,
    ) {
        let Request {
            batch,
            durability,
            answer,
            ..
        } = request;
        let (guards, mutations) = batch.into_parts();
        if let Err(error) = self.judge(applier, &guards, ahead) {
            self.answers.push((answer, Err(error)));
            return;
        }
        let (sequence, changes) = applier.number(mutations);
        if let Some(touched) = &mut self.touched {
            touched.extend(&changes);
        }
        self.members.push(Member {
            changes,
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

    /// Applies the members as one; each on its own if the engine refuses that.
    fn flush<E: Engine>(&mut self, applier: &mut Applier<'_, E>) {
        let members = std::mem::take(&mut self.members);
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
        let whole = applier.apply(merged, durability, last);
        let is_split = members.len() > 1 && whole.as_ref().is_err_and(may_spare_parts);
        for member in members {
            let result = if is_split {
                applier.apply(member.changes, member.durability, member.sequence)
            } else {
                whole.as_ref().copied().map_err(Error::duplicate)
            };
            let result = result.map(|()| applier.committed(member.sequence, member.durability));
            self.answer(result, member.answer);
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

/// Whether parts of a batch may be applied that was refused with `error`. What
/// is not available refuses each of them as well, perhaps after as long a wait.
fn may_spare_parts(error: &Error) -> bool {
    error.outcome() == Some(Outcome::NotApplied) && error.kind() != ErrorKind::Unavailable
}

/// The entries of all guards of a group, in order, as they were before it.
#[derive(Default)]
struct Fetched {
    entries: Option<std::vec::IntoIter<Option<Entry>>>,
}

impl Fetched {
    /// The entries of the next request's guards.
    fn next_for(&mut self, request: &Request) -> Option<Vec<Option<Entry>>> {
        let entries = self.entries.as_mut()?;
        Some(entries.take(request.batch.guards().len()).collect())
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
