//! What happens at the order point: guards are judged, sequences filled in,
//! changes applied.

use std::{slice, sync::atomic::Ordering};

use super::{
    super::{
        Change, ChangeForm, Engine, GroupPolicy, Prepared, Tried, WritePolicy, reader::Place,
        sequence::Sequencer, shared::Shared,
    },
    distinct::distinct,
};
use crate::{
    Committed, Durability, Entry, Error, ErrorKind, Guard, Mutation, Outcome, OwnedKey, Result,
    Sequence, SequenceScope, WriteBatch,
    adapter::{is_live, no_panic},
};

/// What became of a commit that was not allowed to wait.
pub(super) enum Applied {
    Done(Committed),
    /// Nothing: to apply it takes waiting.
    WouldWait,
}

impl Applied {
    /// The answer, where the engine was not given leave to refuse.
    pub(super) fn committed(self) -> Result<Committed> {
        match self {
            Self::Done(committed) => Ok(committed),
            Self::WouldWait => Err(Error::new(
                ErrorKind::Internal,
                "the engine refused to wait, though its policy says that it never does",
            )
            .with_outcome(Outcome::NotApplied)),
        }
    }
}

/// Applies commits in order. Whoever has one is at the order point.
pub(super) struct Applier<'a, E: Engine> {
    shared: &'a Shared<E>,
    engine: &'a E,
    sequencer: &'a mut Sequencer,
}

impl<'a, E: Engine> Applier<'a, E> {
    pub(super) fn new(shared: &'a Shared<E>, engine: &'a E, sequencer: &'a mut Sequencer) -> Self {
        Self {
            shared,
            engine,
            sequencer,
        }
    }

    /// Judges and applies a single commit on an async thread, unless the engine
    /// would have to wait. It is not synced yet.
    pub(super) fn try_apply_alone(
        &mut self,
        batch: WriteBatch,
        prepared: Option<&Prepared>,
        durability: Durability,
    ) -> Result<Applied> {
        let (guards, mutations) = batch.into_parts();
        if !guards.is_empty() {
            let Some(entries) = self.read_guarded_here(&guards)? else {
                return Ok(Applied::WouldWait);
            };
            self.judge(&guards, &entries)?;
        }
        let (sequence, changes) = self.number(mutations)?;
        let tried = match self.shared.context.write_policy {
            WritePolicy::Foretold => {
                let prepared = prepared.map_or(&[][..], slice::from_ref);
                self.apply(changes, prepared, durability, sequence)
            }
            WritePolicy::Tried => {
                match self.apply_by(E::try_apply, changes, durability, sequence) {
                    Ok(Tried::WouldWait) => return Ok(Applied::WouldWait),
                    tried => tried.map(drop),
                }
            }
        };
        tried.map(|()| Applied::Done(self.committed(sequence, durability)))
    }

    /// The stored entries of the guards' keys, if the engine need not wait.
    fn read_guarded_here(&self, guards: &[Guard]) -> Result<Option<Vec<Option<Entry>>>> {
        if self.shared.context.place_of(guards.len()) != Place::HereIfCached {
            return self.read_guarded(guards).map(Some);
        }
        let keys: Vec<OwnedKey> = guards.iter().map(|guard| guard.key().clone()).collect();
        no_panic(|| self.engine.get_many_cached(&keys).transpose())
            .and_then(|entries| entries.map(|entries| one_each(&keys, entries)).transpose())
            .map_err(|error| error.with_outcome(Outcome::NotApplied))
    }

    /// The stored entries of the guards' keys.
    pub(super) fn read_guarded(&self, guards: &[Guard]) -> Result<Vec<Option<Entry>>> {
        if let [guard] = guards {
            let read = no_panic(|| self.engine.get(guard.key().as_key()));
            return read
                .map(|entry| vec![entry])
                .map_err(|error| error.with_outcome(Outcome::NotApplied));
        }
        let keys: Vec<OwnedKey> = guards.iter().map(|guard| guard.key().clone()).collect();
        self.read_many(&keys)
    }

    /// The stored entries of `keys`.
    pub(super) fn read_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        no_panic(|| self.engine.get_many(keys))
            .and_then(|entries| one_each(keys, entries))
            .map_err(|error| error.with_outcome(Outcome::NotApplied))
    }

    /// Whether all guards hold, given the stored entries of their keys.
    pub(super) fn judge(&self, guards: &[Guard], entries: &[Option<Entry>]) -> Result<()> {
        let clock = &self.shared.context.facts.clock;
        for (index, (guard, entry)) in guards.iter().zip(entries).enumerate() {
            let live = entry.as_ref().filter(|entry| is_live(entry, clock));
            if !guard.holds(live) {
                return Err(Error::conflict(index, guard));
            }
        }
        Ok(())
    }

    /// Gives the commit its sequence, and its mutations their final form.
    pub(super) fn number(&mut self, mutations: Vec<Mutation>) -> Result<(Sequence, Vec<Change>)> {
        self.sequencer.raise(&mutations)?;
        let sequence = self.sequencer.next();
        let reservation = self.sequencer.reservation(sequence, &mutations);
        let mut changes = Vec::with_capacity(mutations.len() + 1);
        changes.extend(mutations.into_iter().map(|mutation| match mutation {
            Mutation::Put(put) => Change::Put(put),
            Mutation::PutSequenced(put) => Change::Put(put.at(sequence)),
            Mutation::Delete(key) => Change::Delete(key),
            Mutation::DeleteRange(range) => Change::DeleteRange(range),
        }));
        // Last, so that nothing in the commit takes it away.
        changes.extend(reservation);
        Ok((sequence, changes))
    }

    pub(super) const fn group_policy(&self) -> GroupPolicy {
        self.shared.group_policy
    }

    /// Says why nothing can be applied any more, if that is so.
    pub(super) fn check_poison(&self) -> Result<()> {
        self.shared.check_poison()
    }

    /// Applies changes that end with the commit `last`, as durably as can be
    /// without a sync, with what was prepared of them.
    pub(super) fn apply(
        &mut self,
        changes: Vec<Change>,
        prepared: &[Prepared],
        durability: Durability,
        last: Sequence,
    ) -> Result<()> {
        let apply = |engine: &E, changes, durability| {
            let applied = match prepared {
                [] => engine.apply(changes, durability),
                prepared => engine.apply_prepared(changes, prepared, durability),
            };
            applied.map(|()| Tried::Applied)
        };
        self.apply_by(apply, changes, durability, last).map(drop)
    }

    /// As [`apply`](Self::apply), by a call that may refuse to wait.
    fn apply_by(
        &mut self,
        call: impl FnOnce(&E, Vec<Change>, Durability) -> Result<Tried>,
        changes: Vec<Change>,
        durability: Durability,
        last: Sequence,
    ) -> Result<Tried> {
        if !changes.is_empty() {
            let changes = self.formed(changes)?;
            let tried = no_panic(|| call(self.engine, changes, unsynced(durability)))
                .map_err(|error| self.failed(error))?;
            if tried == Tried::WouldWait {
                return Ok(tried);
            }
            self.sequencer.applied(last);
        }
        self.took_effect(last);
        Ok(Tried::Applied)
    }

    /// The changes in the form that the engine expects.
    fn formed(&self, changes: Vec<Change>) -> Result<Vec<Change>> {
        match self.shared.change_form {
            ChangeForm::Ordered => Ok(changes),
            ChangeForm::Distinct => no_panic(|| distinct(self.engine, changes))
                .map_err(|error| error.with_outcome(Outcome::NotApplied)),
        }
    }

    fn took_effect(&self, last: Sequence) {
        self.shared
            .order
            .applied
            .store(last.get(), Ordering::Release);
    }

    /// The answer to a commit that was applied.
    pub(super) fn committed(&self, sequence: Sequence, durability: Durability) -> Committed {
        let numbered =
            self.shared.context.facts.capabilities.sequence != SequenceScope::Unsupported;
        Committed::new(numbered.then_some(sequence), durability)
    }

    /// Completes the error of a failed apply. After a panic, or damage found by a
    /// write whose end nobody knows, no later commit could count on what is there.
    fn failed(&self, error: Error) -> Error {
        let is_undone = error.outcome() == Some(Outcome::NotApplied);
        let is_fatal = match error.kind() {
            ErrorKind::Internal => true,
            ErrorKind::Poisoned | ErrorKind::Corrupt => !is_undone,
            _ => false,
        };
        if is_fatal {
            self.shared.poison(&error);
        }
        error.or_outcome(Outcome::Unknown)
    }
}

/// The entries, if there is one for each key: a guard without would go unjudged.
fn one_each(keys: &[OwnedKey], entries: Vec<Option<Entry>>) -> Result<Vec<Option<Entry>>> {
    if entries.len() == keys.len() {
        return Ok(entries);
    }
    Err(Error::new(
        ErrorKind::Internal,
        "the engine answered another number of keys than it was asked for",
    ))
}

/// What to ask of the engine before a sync.
fn unsynced(durability: Durability) -> Durability {
    durability.min(Durability::Buffered)
}
