//! What an engine across a network implements: a small trait of async calls.

use std::fmt::Debug;

use tokio::time::Instant;

use super::{Limits, Partitions};
use crate::{
    Capabilities, CheckReport, Committed, Consistency, Description, Durability, Entry, Error,
    ErrorKind, Health, KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Result,
    ScanOptions, Sequence, Stats, Timestamp, WriteBatch,
};

/// Reads of an engine or of one of its snapshots.
///
/// # Errors
/// `Unavailable` if the server cannot be reached, `TimedOut` if it did not
/// answer by the deadline, `Corrupt` if what it stores cannot be decoded; what
/// else the engine reports, in its own mapping. Of a group of reads that failed
/// for a reason that may lie in one of them, the adapter tries the parts again.
///
/// # Cancel safety
/// The adapter drops a call's future when nobody waits for it any more or the
/// deadline has passed. The next call must find the engine in order.
pub trait EngineRead: Send + Sync + 'static {
    /// The stored entries of `keys`, in their order; a key may be there more
    /// than once. Whether they have expired is judged by the adapter.
    ///
    /// There is at least one key, and there are no more than
    /// [`Limits::keys_at_once_max`]. On a snapshot, `consistency` says nothing.
    fn get_many(
        &self,
        keys: &[OwnedKey],
        consistency: Option<Consistency>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send;

    /// One page of the entries in `range` that are live at `now`, all of one
    /// state unless batches change one key. The range is not empty.
    fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> impl Future<Output = Result<Page>> + Send;
}

/// An engine behind a server: an ordered map with atomic changes, behind async
/// calls. [`Networked`](super::Networked) makes a [`Store`](crate::Store) of it.
///
/// The adapter judges limits and capabilities, groups reads and commits that
/// wait, bounds how many calls there are at once and how long they take, drives
/// commits to their end, and closes. It calls the engine, and drops what the
/// engine returns, on the Tokio runtime that the store was opened on. A panic
/// becomes an error of kind `Internal`.
///
/// Every call that is given a deadline should end by it. One that does not is
/// cut off: reads at once, commits a little later.
pub trait Engine: EngineRead + Debug {
    /// A consistent view that stays as it is. Dropping it gives free what it
    /// holds.
    type Snapshot: EngineRead;

    /// The engine's name and the place of its data. The adapter adds that it
    /// needs a runtime.
    fn describe(&self) -> Description;

    /// What the engine does, with the adapter's help. A snapshot that lasts
    /// [`Within`](crate::SnapshotSupport::Within) an age is ended by the adapter
    /// when it is older.
    fn capabilities(&self) -> Capabilities;

    /// How much is asked of the engine at once; of each of its partitions, if it
    /// has several.
    fn limits(&self) -> Limits;

    /// How its keys are spread over parts that stand and fall by themselves. The
    /// keys of one call that reads are all in one, and so is the first key of each
    /// member of a group. Asked once, when the store is opened.
    fn partitions(&self) -> Partitions {
        Partitions::one()
    }

    /// How durable a commit becomes that asks for `Buffered`.
    fn buffered_as(&self) -> Durability {
        Durability::Buffered
    }

    /// The last commit that has taken effect; `None` where commits have no
    /// sequence. Asked once, when the store is opened.
    ///
    /// # Errors
    /// As for [`EngineRead`].
    fn sequence(&self, deadline: Instant) -> impl Future<Output = Result<Option<Sequence>>> + Send;

    /// Applies the commits of `group` in order, in one transaction that survives
    /// as `durability` says. Each is judged by its own guards, which see what the
    /// members before it did, at the time `now`, and is applied whole or not at
    /// all. One that does not pass, or cannot be applied, is answered its own
    /// error, and the others go ahead.
    ///
    /// The answers are in the order of the group, one for each. Once a commit is
    /// answered with its sequence, all those with smaller sequences have taken
    /// effect, and every read that begins then sees it.
    ///
    /// # Errors
    /// An error besides those of the members is about all of them. Its outcome
    /// says whether any may have been applied; without one, the adapter takes it
    /// to be unknown. `NotApplied` is to be said wherever it is certain: of a
    /// connection that was refused, a transaction that was not asked to commit.
    /// A group refused so is tried again in parts, unless the reason is one
    /// that concerns all of them, such as `Unavailable`.
    ///
    /// # Cancel safety
    /// The future is driven to its end, or dropped a little after the deadline;
    /// the members' outcome is taken to be unknown then.
    fn commit(
        &self,
        group: &[WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Result<Committed>>>> + Send;

    /// Takes a snapshot, and names the last commit in it: every commit answered
    /// before the call is.
    ///
    /// # Errors
    /// As for [`EngineRead`]; `Unsupported` where the engine has none, `Throttled`
    /// where there are too many.
    fn snapshot(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<(Self::Snapshot, Option<Sequence>)>> + Send;

    /// Figures the engine keeps anyway.
    ///
    /// # Errors
    /// What the engine reports.
    fn stats(&self, deadline: Instant) -> impl Future<Output = Result<Stats>> + Send;

    /// What is wrong with the engine. A server that cannot be reached may be an
    /// issue or an error.
    ///
    /// # Errors
    /// What the engine reports.
    fn health(&self, deadline: Instant) -> impl Future<Output = Result<Health>> + Send;

    /// Reports what is damaged, as far as a walk through all entries cannot see
    /// it: the adapter adds such a walk, and counts the entries.
    ///
    /// # Errors
    /// What the engine reports.
    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        async { Ok(CheckReport::default()) }
    }

    /// Does a kind of upkeep.
    ///
    /// # Errors
    /// `Unsupported` for kinds that mean nothing to the engine.
    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        async move {
            Err(Error::new(
                ErrorKind::Unsupported,
                format!("this engine has no {maintenance:?} maintenance"),
            ))
        }
    }

    /// Gives free all connections. Called once, when all requests but checks and
    /// maintenance have ended; what is still under way may fail.
    ///
    /// # Errors
    /// What keeps accepted commits from being as durable as they were answered.
    fn close(&self, deadline: Instant) -> impl Future<Output = Result<()>> + Send;
}
