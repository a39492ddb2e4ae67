//! What the write-ahead log is for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the write-ahead log is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WriteAheadLog {
    /// Each commit is written to the log. `Buffered` commits survive the
    /// process, `Synced` ones a loss of power.
    #[default]
    On,
    /// As [`On`](Self::On), and the log is synced in the background too. So a
    /// loss of power takes `Buffered` commits of at most `interval`, or of
    /// `bytes`, whichever is less, and besides what is written while one sync
    /// takes. Nobody waits for these syncs. After one has failed, the store
    /// takes no more writes.
    Periodic {
        /// How long a commit stays unsynced; at least 1 ms.
        interval: Duration,
        /// How many bytes of commits stay unsynced; at least 1.
        bytes: u64,
    },
    /// There is no log, so a commit is in memory alone until its write buffer is
    /// written to a sorted file, and dies with the process. Commits are
    /// `Volatile`, the fastest there are, or `Synced`. `Synced` writes the whole
    /// buffer to a file: some milliseconds, shared by all that wait, and a small
    /// file each time, to be merged later. `Buffered` is given as `Synced`.
    Off,
}
