//! What an embedded engine implements: a small trait of blocking calls.

use std::{fmt::Debug, num::NonZeroUsize};

use crate::{
    Capabilities, CheckReport, Description, Direction, Durability, Entry, Error, ErrorKind, Health,
    Item, Key, KeyRange, Maintenance, MaintenanceReport, Mutation, Outcome, OwnedKey, Projection,
    Put, Result, Stats,
};

use super::Prepared;

/// Blocking reads of an engine or of one of its snapshots.
///
/// Entries come back as stored: judging expiry is the adapter's work.
pub trait EngineRead: Send + Sync + 'static {
    /// The stored entry of `key`.
    ///
    /// # Errors
    /// `Corrupt` if the stored form cannot be decoded; what else the engine
    /// reports, in its own mapping.
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>>;

    /// The stored entries of `keys`, in their order.
    ///
    /// # Errors
    /// As for [`get`](EngineRead::get).
    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        keys.iter().map(|key| self.get(key.as_key())).collect()
    }

    /// The stored entries of `range`, all of one state, in `direction`.
    /// [`Projection::Keys`] lets the engine leave values out; expiries it must
    /// give all the same.
    ///
    /// # Errors
    /// As for [`get`](EngineRead::get).
    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>>;

    /// The stored entry of `key` if the engine can tell without waiting for a
    /// disk; `None` if it would have to wait. Asked only under
    /// [`ReadPolicy::Cached`].
    ///
    /// # Errors
    /// As for [`get`](EngineRead::get).
    fn get_cached(&self, _key: Key<'_>) -> Option<Result<Option<Entry>>> {
        None
    }

    /// As [`get_many`](EngineRead::get_many), if the engine can tell all of it
    /// without waiting for a disk. Asked only under [`ReadPolicy::Cached`].
    ///
    /// # Errors
    /// As for [`get`](EngineRead::get).
    fn get_many_cached(&self, _keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        None
    }

    /// As [`scan`](EngineRead::scan), for as long as the engine need not wait
    /// for a disk: where it would have to, the iterator yields `None`, and the
    /// scan is begun anew where it may wait. Asked only under
    /// [`ReadPolicy::Cached`].
    ///
    /// # Errors
    /// As for [`get`](EngineRead::get).
    fn scan_cached(
        &self,
        _range: &KeyRange,
        _direction: Direction,
        _projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        Ok(std::iter::once(None))
    }
}

/// An embedded engine: an ordered map with atomic changes, behind blocking
/// calls. [`Embedded`](super::Embedded) makes a [`Store`](crate::Store) of it.
///
/// The adapter judges guards and limits, orders writes, fills in sequences,
/// groups commits and syncs, and decides which thread a call runs on. It makes
/// one call of [`apply`](Engine::apply) at a time and one of
/// [`sync`](Engine::sync), which may overlap; all else may come from many
/// threads at once.
pub trait Engine: EngineRead + Debug {
    /// A consistent view that stays as it is.
    type Snapshot: EngineRead;

    /// The engine's name and the place of its data.
    fn describe(&self) -> Description;

    /// What the engine does, with the adapter's help.
    fn capabilities(&self) -> Capabilities;

    /// Where reads run.
    fn read_policy(&self) -> ReadPolicy;

    /// How the adapter learns that a write would have to wait.
    fn write_policy(&self) -> WritePolicy {
        WritePolicy::Foretold
    }

    /// Which commits [`prepare`](Engine::prepare) is asked for.
    fn prepare_policy(&self) -> PreparePolicy {
        PreparePolicy::Never
    }

    /// What the adapter makes of commits that wait at the same time.
    fn group_policy(&self) -> GroupPolicy {
        GroupPolicy::Merged
    }

    /// What `apply` expects of the changes it is given.
    fn change_form(&self) -> ChangeForm;

    /// How durable a commit becomes that asks for `Buffered`: `Synced` for an
    /// engine that keeps what it was given in its own memory until it syncs.
    fn buffered_as(&self) -> Durability {
        Durability::Buffered
    }

    /// Applies `changes` atomically, so that they survive as `durability` says;
    /// the adapter asks for `Volatile` or `Buffered` only and calls
    /// [`sync`](Engine::sync) for the rest.
    ///
    /// # Errors
    /// The error's outcome says whether the changes may have been applied;
    /// without one, the adapter takes it to be unknown. `Corrupt` and `Poisoned`
    /// end all writing then, unless nothing was applied. A lock of another
    /// process that was waited for in vain is marked by
    /// [`Error::with_foreign_lock`]: commits that queue together then wait for
    /// it once, not one by one.
    fn apply(&self, changes: Vec<Change>, durability: Durability) -> Result<()>;

    /// Whether an `apply` now might wait for a disk or sleep, so that it must
    /// not run on an async thread.
    fn apply_may_wait(&self) -> bool;

    /// Does as [`apply`](Engine::apply), or refuses without effect because it
    /// would have to wait for a disk or sleep. Called on async threads, and
    /// only under [`WritePolicy::Tried`].
    ///
    /// # Errors
    /// As for [`apply`](Engine::apply).
    fn try_apply(&self, changes: Vec<Change>, durability: Durability) -> Result<Tried> {
        self.apply(changes, durability).map(|()| Tried::Applied)
    }

    /// Does ahead of the order point what can be done of a commit without its
    /// place in the order, and without effect for any reader. Called on the
    /// callers' threads, by many at once, if
    /// [`apply_may_wait`](Engine::apply_may_wait) has just said no; `None` if
    /// there is nothing to prepare, or it would take waiting.
    ///
    /// What is answered comes back with the changes of the commit, unless that is
    /// refused, and is dropped in any case.
    ///
    /// # Errors
    /// As for [`apply`](Engine::apply). The commit has had no effect.
    fn prepare(&self, _mutations: &[Mutation]) -> Result<Option<Prepared>> {
        Ok(None)
    }

    /// Does as [`apply`](Engine::apply), with what was prepared of the commits
    /// that the changes come from, in their order. What is left of several
    /// commits may be less than was prepared: a later one may have changed the
    /// same key. After an error without effect, the parts may be applied anew.
    ///
    /// # Errors
    /// As for [`apply`](Engine::apply).
    fn apply_prepared(
        &self,
        changes: Vec<Change>,
        _prepared: &[Prepared],
        durability: Durability,
    ) -> Result<()> {
        self.apply(changes, durability)
    }

    /// Makes everything applied so far survive a loss of power. Called by one
    /// thread at a time, and beside `apply`, which should not have to wait.
    ///
    /// # Errors
    /// After any error the adapter poisons the store.
    fn sync(&self) -> Result<()>;

    /// Takes a snapshot.
    ///
    /// # Errors
    /// `Unsupported` where the engine has none.
    fn snapshot(&self) -> Result<Self::Snapshot>;

    /// Figures the engine keeps anyway.
    ///
    /// # Errors
    /// What the engine reports.
    fn stats(&self) -> Result<Stats>;

    /// What is wrong with the engine.
    ///
    /// # Errors
    /// What the engine reports.
    fn health(&self) -> Result<Health>;

    /// Reads everything and reports what is damaged. The adapter adds a walk
    /// through all entries; this is for what such a walk cannot see.
    ///
    /// # Errors
    /// What the engine reports.
    fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    /// Does a kind of upkeep.
    ///
    /// # Errors
    /// `Unsupported` for kinds that mean nothing to the engine.
    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("this engine has no {maintenance:?} maintenance"),
        ))
    }
}

/// One change as an engine applies it: a [`Mutation`](crate::Mutation) whose
/// sequence is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a key to a value.
    Put(Put),
    /// Removes a key.
    Delete(OwnedKey),
    /// Removes every key of a range.
    DeleteRange(KeyRange),
}

impl Change {
    /// What an engine of [`ChangeForm::Distinct`] answers to a range delete: the
    /// adapter hands it none.
    #[must_use]
    pub fn unexpected_range_delete() -> Error {
        Error::new(
            ErrorKind::Internal,
            "a range delete reached an engine that takes none",
        )
        .with_outcome(Outcome::NotApplied)
    }
}

/// Where an engine's reads run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadPolicy {
    /// On the caller's thread: they hardly ever wait. Scans of more than the
    /// given number of entries go to the pool all the same.
    Inline {
        /// The longest scan or multi-get that runs on the caller's thread.
        entries_max: NonZeroUsize,
    },
    /// On the caller's thread if the engine can tell without waiting
    /// ([`EngineRead::get_cached`] and its like), else on the pool.
    Cached {
        /// The longest scan or multi-get that is tried on the caller's thread.
        entries_max: NonZeroUsize,
    },
    /// On the pool: they may wait for a disk.
    Pool,
}

/// How the adapter learns that a write would have to wait. What would goes to
/// the writer thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WritePolicy {
    /// [`Engine::apply_may_wait`] foretells it.
    Foretold,
    /// Besides, [`Engine::try_apply`] may refuse.
    Tried,
}

/// Which commits an engine prepares ahead of the order point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreparePolicy {
    /// None.
    Never,
    /// Those that are small enough for their caller's thread and have no guards:
    /// a commit that is refused would have been prepared in vain. Under
    /// [`WritePolicy::Tried`] there are none of these either.
    Unguarded,
}

/// What becomes of commits that wait at the same time. Either way they share a
/// [`sync`](Engine::sync).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupPolicy {
    /// One [`apply`](Engine::apply), with the changes of all of them.
    Merged,
    /// An `apply` for each: to apply several changes as one takes the engine
    /// longer than one after the other.
    Apart,
}

/// What became of changes that were not allowed to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tried {
    /// They are applied.
    Applied,
    /// They had no effect: to apply them takes waiting.
    WouldWait,
}

/// What an engine's `apply` expects of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeForm {
    /// In order, the last wins, range deletes among them.
    Ordered,
    /// Puts and deletes only, each key at most once. The adapter works out what
    /// remains, at the cost of a scan for each range delete.
    Distinct,
}
