//! The calls of a store, and what each of them touches.

use std::fmt;

use storage_core::{ErrorKind, Key, KeyRange, Mutation, Operation, OwnedKey, Space, WriteBatch};

/// A call of a store or of one of its snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [`get_with`](storage_core::Read::get_with) of the store.
    Get,
    /// [`get_many_with`](storage_core::Read::get_many_with) of the store.
    GetMany,
    /// [`scan_with`](storage_core::Read::scan_with) of the store: one page.
    Scan,
    /// [`commit_with`](storage_core::Store::commit_with).
    Commit,
    /// [`snapshot_with`](storage_core::Store::snapshot_with).
    Snapshot,
    /// [`get_with`](storage_core::Read::get_with) of a snapshot.
    SnapshotGet,
    /// [`get_many_with`](storage_core::Read::get_many_with) of a snapshot.
    SnapshotGetMany,
    /// [`scan_with`](storage_core::Read::scan_with) of a snapshot: one page.
    SnapshotScan,
    /// [`stats`](storage_core::Store::stats).
    Stats,
    /// [`health`](storage_core::Store::health).
    Health,
    /// [`check`](storage_core::Store::check).
    Check,
    /// [`maintain`](storage_core::Store::maintain).
    Maintain,
    /// [`close`](storage_core::Store::close).
    Close,
}

impl Call {
    /// Every call.
    pub const ALL: [Self; 13] = [
        Self::Get,
        Self::GetMany,
        Self::Scan,
        Self::Commit,
        Self::Snapshot,
        Self::SnapshotGet,
        Self::SnapshotGetMany,
        Self::SnapshotScan,
        Self::Stats,
        Self::Health,
        Self::Check,
        Self::Maintain,
        Self::Close,
    ];

    /// The calls that read entries, of the store and of its snapshots.
    pub const READS: [Self; 6] = [
        Self::Get,
        Self::GetMany,
        Self::Scan,
        Self::SnapshotGet,
        Self::SnapshotGetMany,
        Self::SnapshotScan,
    ];

    /// The operation that errors of this call name.
    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::Get | Self::GetMany | Self::SnapshotGet | Self::SnapshotGetMany => Operation::Get,
            Self::Scan | Self::SnapshotScan => Operation::Scan,
            Self::Commit => Operation::Commit,
            Self::Snapshot => Operation::Snapshot,
            Self::Stats | Self::Health => Operation::Inspect,
            Self::Check => Operation::Check,
            Self::Maintain => Operation::Maintain,
            Self::Close => Operation::Close,
        }
    }

    /// Whether the contract lets this call fail with `kind`, whatever was asked
    /// and whatever the store holds.
    pub(super) const fn may_fail_with(self, kind: ErrorKind) -> bool {
        match kind {
            ErrorKind::Unavailable
            | ErrorKind::Throttled
            | ErrorKind::TimedOut
            | ErrorKind::Denied
            | ErrorKind::Corrupt
            | ErrorKind::Internal => true,
            ErrorKind::Full | ErrorKind::Poisoned => {
                matches!(self, Self::Commit | Self::Maintain | Self::Close)
            }
            ErrorKind::SnapshotExpired => matches!(
                self,
                Self::SnapshotGet | Self::SnapshotGetMany | Self::SnapshotScan
            ),
            ErrorKind::Unsupported => matches!(self, Self::Maintain),
            // These say something of the request or the store that is not so.
            _ => false,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::Scan => "scan",
            Self::Commit => "commit",
            Self::Snapshot => "snapshot",
            Self::SnapshotGet => "get of a snapshot",
            Self::SnapshotGetMany => "get_many of a snapshot",
            Self::SnapshotScan => "scan of a snapshot",
            Self::Stats => "stats",
            Self::Health => "health",
            Self::Check => "check",
            Self::Maintain => "maintain",
            Self::Close => "close",
        })
    }
}

/// What one call reads or changes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touched<'a> {
    Nothing,
    Key(Key<'a>),
    Keys(&'a [OwnedKey]),
    Range(&'a KeyRange),
    Batch(&'a WriteBatch),
}

impl<'a> Touched<'a> {
    /// Whether the call reads or changes `key`, or looks at it for a guard.
    pub(super) fn has_key(self, key: &OwnedKey) -> bool {
        match self {
            Self::Nothing => false,
            Self::Key(touched) => touched == key.as_key(),
            Self::Keys(keys) => keys.contains(key),
            Self::Range(range) => range.contains(key.as_key()),
            Self::Batch(batch) => {
                batch.guards().iter().any(|guard| guard.key() == key)
                    || batch.mutations().iter().any(|mutation| match mutation {
                        Mutation::DeleteRange(range) => range.contains(key.as_key()),
                        mutation => first_key(mutation) == Some(key),
                    })
            }
        }
    }

    /// Whether the call reads or changes anything in `space`.
    pub(super) fn is_in(self, space: Space) -> bool {
        match self {
            Self::Nothing => false,
            Self::Key(key) => key.space() == space,
            Self::Keys(keys) => keys.iter().any(|key| key.space() == space),
            Self::Range(range) => range.space() == space,
            Self::Batch(batch) => {
                batch
                    .guards()
                    .iter()
                    .any(|guard| guard.key().space() == space)
                    || batch.mutations().iter().any(|mutation| match mutation {
                        Mutation::DeleteRange(range) => range.space() == space,
                        mutation => first_key(mutation).is_some_and(|key| key.space() == space),
                    })
            }
        }
    }

    /// The key that an error of the call names.
    pub(super) fn first_key(self) -> Option<Key<'a>> {
        match self {
            Self::Nothing | Self::Range(_) => None,
            Self::Key(key) => Some(key),
            Self::Keys(keys) => keys.first().map(OwnedKey::as_key),
            Self::Batch(batch) => batch
                .mutations()
                .iter()
                .find_map(first_key)
                .map(OwnedKey::as_key),
        }
    }
}

/// The key of a mutation; of a sequenced put, what its key begins with.
const fn first_key(mutation: &Mutation) -> Option<&OwnedKey> {
    match mutation {
        Mutation::Put(put) => Some(&put.key),
        Mutation::PutSequenced(put) => Some(&put.prefix),
        Mutation::Delete(key) => Some(key),
        Mutation::DeleteRange(_) => None,
    }
}
