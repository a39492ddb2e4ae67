//! How much is asked of an engine at once, and how long anything may take.

use std::{num::NonZeroUsize, time::Duration};

const READS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();
const COMMITS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
const KEYS_AT_ONCE_MAX: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// What the adapter keeps to when it calls an engine, or one of its
/// [partitions](super::Partitions).
///
/// The defaults suit a database server in the same network. More lanes put more
/// calls under way at once; fewer make larger groups.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many calls that read are under way at once. Default: 8.
    pub reads_at_once: NonZeroUsize,
    /// How many calls that commit are under way at once. Default: 2.
    pub commits_at_once: NonZeroUsize,
    /// How many calls are under way at once on one snapshot. Default: 1, for
    /// engines whose snapshot is a transaction on one connection.
    pub snapshot_reads_at_once: NonZeroUsize,
    /// The most keys of one call that reads. Longer reads take several calls.
    /// Default: 512.
    pub keys_at_once_max: NonZeroUsize,
    /// The most guards and mutations of commits that are grouped. A single
    /// commit may have more. Default: 4,096.
    pub group_operations_max: usize,
    /// The most bytes of keys and values of commits that are grouped. A single
    /// commit may have more. Default: 4 MiB.
    pub group_bytes_max: usize,
    /// How many requests may wait for a lane of a partition, of each kind: reads and
    /// commits. Default: 4,096.
    pub queue_max: usize,
    /// How many bytes of keys and values may wait, of each kind; each partition has
    /// its share. A single request may have more. Default: 256 MiB.
    pub queue_bytes_max: usize,
    /// How long a request may take, waiting for a lane among it. Checks and
    /// maintenance take as long as they take. Default: 10 s.
    pub time_limit: Duration,
}

impl Limits {
    /// The default limits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reads_at_once: READS_AT_ONCE,
            commits_at_once: COMMITS_AT_ONCE,
            snapshot_reads_at_once: NonZeroUsize::MIN,
            keys_at_once_max: KEYS_AT_ONCE_MAX,
            group_operations_max: 4_096,
            group_bytes_max: 4 << 20,
            queue_max: 4_096,
            queue_bytes_max: 256 << 20,
            time_limit: Duration::from_secs(10),
        }
    }

    /// Sets how many calls that read are under way at once.
    #[must_use]
    pub const fn reads_at_once(mut self, calls: NonZeroUsize) -> Self {
        self.reads_at_once = calls;
        self
    }

    /// Sets how many calls that commit are under way at once.
    #[must_use]
    pub const fn commits_at_once(mut self, calls: NonZeroUsize) -> Self {
        self.commits_at_once = calls;
        self
    }

    /// Sets how many calls are under way at once on one snapshot.
    #[must_use]
    pub const fn snapshot_reads_at_once(mut self, calls: NonZeroUsize) -> Self {
        self.snapshot_reads_at_once = calls;
        self
    }

    /// Sets the most keys of one call that reads.
    #[must_use]
    pub const fn keys_at_once_max(mut self, keys: NonZeroUsize) -> Self {
        self.keys_at_once_max = keys;
        self
    }

    /// Sets the most guards and mutations of commits that are grouped.
    #[must_use]
    pub const fn group_operations_max(mut self, operations: usize) -> Self {
        self.group_operations_max = operations;
        self
    }

    /// Sets the most bytes of commits that are grouped.
    #[must_use]
    pub const fn group_bytes_max(mut self, bytes: usize) -> Self {
        self.group_bytes_max = bytes;
        self
    }

    /// Sets how many requests of each kind may wait.
    #[must_use]
    pub const fn queue_max(mut self, requests: usize) -> Self {
        self.queue_max = requests;
        self
    }

    /// Sets how many bytes of each kind of requests may wait.
    #[must_use]
    pub const fn queue_bytes_max(mut self, bytes: usize) -> Self {
        self.queue_bytes_max = bytes;
        self
    }

    /// Sets how long a request may take.
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
