//! What a store can do, as values, and the one place that judges requests.
//!
//! Advertised means tested: the conformance suite runs every capability a store
//! declares, and checks that what it does not declare is refused without
//! effect.

mod admit;

pub use self::admit::Admit;
use crate::{Consistency, Durability, ReadOptions, Result};

use std::time::Duration;

/// What a store can do. Layers pass on what lies below, less what they take away
/// and with what they add.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// How many keys one batch may change atomically.
    pub batch: BatchScope,
    /// The most guards and mutations one batch may hold.
    pub batch_operations_max: usize,
    /// The most bytes one batch may hold, as
    /// [`WriteBatch::size_bytes`](crate::WriteBatch::size_bytes) counts them.
    pub batch_bytes_max: usize,
    /// Whether batches may carry guards.
    pub guards: Support,
    /// Whether batches may delete ranges.
    pub range_deletes: Support,
    /// Whether entries may expire.
    pub expiry: Support,
    /// Whether snapshots can be taken, and how long they last.
    pub snapshots: SnapshotSupport,
    /// In which order scans return keys.
    pub scan_order: ScanOrder,
    /// Whether reads see every answered commit.
    pub reads: ReadSupport,
    /// The weakest durability offered.
    pub durability_min: Durability,
    /// The strongest durability offered, and the default.
    pub durability_max: Durability,
    /// What a crash may take of the commits that were not durable.
    pub crash_order: CrashOrder,
    /// How far commit sequences grow.
    pub sequence: SequenceScope,
    /// The longest user key, in bytes. Portable code stays within
    /// [`Capabilities::PORTABLE_KEY_BYTES`].
    pub key_bytes_max: usize,
    /// The longest value, in bytes.
    pub value_bytes_max: usize,
}

impl Capabilities {
    /// The longest key that every store takes.
    pub const PORTABLE_KEY_BYTES: usize = 512;

    /// How much longer than a user key a system key may be: room for a layer's
    /// name and its own fields around a user key.
    pub const SYSTEM_KEY_EXTRA_BYTES: usize = 256;

    /// The least that a store must do: atomic single-key changes, unordered
    /// scans, `Volatile` writes, portable keys and values of 1 MiB.
    #[must_use]
    pub const fn least() -> Self {
        Self {
            batch: BatchScope::Key,
            batch_operations_max: 1,
            batch_bytes_max: 2 << 20,
            guards: Support::Unsupported,
            range_deletes: Support::Unsupported,
            expiry: Support::Unsupported,
            snapshots: SnapshotSupport::Unsupported,
            scan_order: ScanOrder::Unordered,
            reads: ReadSupport::Eventual,
            durability_min: Durability::Volatile,
            durability_max: Durability::Volatile,
            crash_order: CrashOrder::Any,
            sequence: SequenceScope::Unsupported,
            key_bytes_max: Self::PORTABLE_KEY_BYTES,
            value_bytes_max: 1 << 20,
        }
    }

    /// What an embedded engine with a log and snapshots does with the help of its
    /// adapter: all there is, in batches of up to a million changes and 1 GiB,
    /// with values of up to 512 MiB. How long keys may be is the engine's to say.
    #[must_use]
    pub const fn embedded() -> Self {
        Self {
            batch: BatchScope::Store,
            batch_operations_max: 1 << 20,
            batch_bytes_max: 1 << 30,
            guards: Support::Supported,
            range_deletes: Support::Supported,
            expiry: Support::Supported,
            snapshots: SnapshotSupport::Unlimited,
            scan_order: ScanOrder::Ordered,
            reads: ReadSupport::Linearizable,
            durability_min: Durability::Buffered,
            durability_max: Durability::Synced,
            crash_order: CrashOrder::Suffix,
            sequence: SequenceScope::Store,
            key_bytes_max: Self::PORTABLE_KEY_BYTES,
            value_bytes_max: 512 << 20,
        }
    }

    /// Judges a request: `Ok` if this store offers all it asks for.
    ///
    /// # Errors
    /// `Invalid` for a request that no store could meet, or over a limit;
    /// `Unsupported` for one that this store does not offer.
    pub fn admit(&self, request: &impl Admit) -> Result<()> {
        request.admit(self)
    }

    /// The longest key this store takes in `space`.
    #[must_use]
    pub const fn key_bytes_max_in(&self, space: crate::Space) -> usize {
        match space {
            crate::Space::User => self.key_bytes_max,
            crate::Space::System => self.key_bytes_max + Self::SYSTEM_KEY_EXTRA_BYTES,
        }
    }
}

/// Whether a store offers something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Support {
    /// It answers `Unsupported`, with no effect.
    Unsupported,
    /// It does.
    Supported,
}

/// How many keys one batch may change atomically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchScope {
    /// One.
    Key,
    /// Any number within one partition of the store; over several, a batch is
    /// `Unsupported`. Keys with the same bytes between their first `{` and the next
    /// `}` lie in one, if there is something between.
    Partition,
    /// Any number.
    Store,
}

/// Whether snapshots can be taken, and how long they last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotSupport {
    /// They cannot.
    Unsupported,
    /// A snapshot older than this answers `SnapshotExpired`.
    Within(Duration),
    /// A snapshot lasts until it is dropped or the store is closed.
    Unlimited,
}

/// In which order scans return keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanOrder {
    /// Each page is in byte order; the pages of a scan are not ordered.
    Unordered,
    /// Byte order, forward and in reverse.
    Ordered,
}

/// Whether reads see every answered commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadSupport {
    /// They may lag behind.
    Eventual,
    /// Those that [demand](crate::Consistency::Linearizable) it do; others may lag
    /// behind.
    OnDemand,
    /// They do.
    Linearizable,
}

impl ReadSupport {
    /// Options of reads that see every answered commit, unless reads are eventual.
    #[must_use]
    pub const fn fresh(self) -> ReadOptions {
        match self {
            Self::OnDemand => ReadOptions::new().consistency(Consistency::Linearizable),
            Self::Linearizable | Self::Eventual => ReadOptions::new(),
        }
    }
}

/// What a crash may take of the commits that were not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrashOrder {
    /// Any of them.
    Any,
    /// Only a suffix: if a commit is lost, so is every later one.
    Suffix,
}

/// How far commit sequences grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SequenceScope {
    /// Commits have no sequence.
    Unsupported,
    /// They start anew each time the store is opened.
    Process,
    /// They grow for as long as the store exists.
    Store,
}
