//! The two traits everything is built on: [`Read`] and [`Store`].
//!
//! Engines and layers implement them; applications call the methods of
//! [`ReadExt`] and [`StoreExt`], which fill in default options. A method that
//! takes options is called `…_with`.

mod page;
mod read_ext;
mod scan;
mod store_ext;

use std::{
    any::{Any, TypeId},
    fmt::Debug,
    future::Future,
};

pub use self::{
    page::{Item, Page},
    read_ext::ReadExt,
    scan::Scan,
    store_ext::StoreExt,
};
use crate::{
    Capabilities, CheckReport, Clock, Description, Durability, Entry, Health, Key, KeyRange,
    Maintenance, MaintenanceReport, OwnedKey, ReadOptions, Result, ScanOptions, Sequence, Stats,
    WriteBatch, WriteOptions,
};

/// Reading: of a store as it is now, or of a snapshot.
///
/// # Errors
/// Every method may return `Unavailable`, `TimedOut`, `Throttled`, `Denied`,
/// `Corrupt`, `Closed` and `Internal`; `Unsupported` and `Invalid` where the
/// capabilities or limits of the store forbid the request; snapshots also
/// `SnapshotExpired`. Absence is not an error.
///
/// # Cancel safety
/// Dropping the future of a read has no effect on the store.
pub trait Read: Debug + Send + Sync + 'static {
    /// The entry of `key`, unless it is absent or has expired.
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send;

    /// The entries of `keys`, in their order. On a store, each is read at some
    /// instant of the call; on a snapshot, all see the same state.
    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send;

    /// One page of the entries in `range`. [`Page::next`] is the rest.
    ///
    /// No batch is seen in part. Where batches are atomic within the
    /// [store](crate::BatchScope::Store), a page shows one state of it; elsewhere,
    /// one of each partition, or of each key.
    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send;

    /// The last commit this snapshot sees; for a store, the last one that has
    /// taken effect. `None` where commits have no sequence.
    fn sequence(&self) -> Option<Sequence>;
}

/// A store: one ordered map from keys to entries, and one way to change it.
///
/// Handles are cheap to clone where the type is [`Clone`]; all clones are the
/// same store.
pub trait Store: Read {
    /// A consistent, unchanging view of the store.
    type Snapshot: Read;

    /// The engine and the layers, outermost first.
    fn describe(&self) -> Description;

    /// What the store can do.
    fn capabilities(&self) -> &Capabilities;

    /// The clock that judges expiry.
    fn clock(&self) -> &Clock;

    /// Applies `batch`: all of it, or nothing.
    ///
    /// # Errors
    /// As for [`Read`]; besides, `Conflict` if a guard does not hold, `Full`
    /// and `Poisoned`. Every error says whether the batch may have been
    /// applied.
    ///
    /// # Durability
    /// As the options ask; without a wish, the strongest the store offers.
    ///
    /// # Cancel safety
    /// A commit is accepted when its future is first polled. From then on the
    /// store drives it to its end; dropping the future forfeits the answer.
    fn commit_with(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> impl Future<Output = Result<Committed>> + Send;

    /// Takes a snapshot: every commit answered before the call is in it.
    fn snapshot_with(
        &self,
        options: &SnapshotOptions,
    ) -> impl Future<Output = Result<Self::Snapshot>> + Send;

    /// Figures the engine keeps anyway.
    fn stats(&self) -> impl Future<Output = Result<Stats>> + Send;

    /// Whether the store can do its work.
    fn health(&self) -> impl Future<Output = Result<Health>> + Send;

    /// Reads everything and reports what is damaged.
    ///
    /// # Complexity
    /// Linear in the size of the store.
    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send;

    /// Does a kind of upkeep, without keeping others from reading or writing.
    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send;

    /// The value of type `id` that the store or one of its layers offers as its
    /// own controls. Use [`StoreExt::find`].
    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)>;

    /// Finishes accepted commits, makes them as durable as the store can, and
    /// frees the engine. Afterwards every clone answers `Closed`, and the data
    /// can be opened again. Closing twice is fine.
    fn close(&self) -> impl Future<Output = Result<()>> + Send;
}

/// Options of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotOptions {}

/// The answer to a commit that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// The commit's place in the order of commits; `None` where the store does
    /// not number them.
    pub sequence: Option<Sequence>,
    /// What the commit survives.
    pub durability: Durability,
}

impl Committed {
    /// The answer to a commit, for engines.
    #[must_use]
    pub const fn new(sequence: Option<Sequence>, durability: Durability) -> Self {
        Self {
            sequence,
            durability,
        }
    }
}
