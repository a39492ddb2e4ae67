//! Opening a SQLite store.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use storage_core::{Components, Error, ErrorKind, Result, embedded::Embedded};

use crate::{SqliteBackend, SqliteEngine};

/// Where a SQLite store is and how much it may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The directory of the store. Made if it is missing. With links followed,
    /// its absolute path may have 480 bytes, because SQLite takes 512.
    pub path: PathBuf,
    /// The size of a page, in bytes: a power of two from 512 to 65,536.
    /// Default: 4,096. A commit writes each page that it changes, so larger
    /// pages suit large values and long scans, smaller ones small commits.
    /// Settled when the store is made.
    #[serde(default = "defaults::page_bytes")]
    pub page_bytes: u32,
    /// Whether pages that become free can be given back without rewriting
    /// everything. Default: [`AutoVacuum::Incremental`]. Settled when the store
    /// is made.
    #[serde(default)]
    pub auto_vacuum: AutoVacuum,
    /// Memory for pages, in bytes, of each connection: the writer's, and those
    /// of up to [`readers_max`](Self::readers_max) readers and
    /// [`snapshots_max`](Self::snapshots_max) snapshots. Taken as it is needed.
    /// Default: 16 MiB. A reader's pages are read anew after each commit, mostly
    /// from the operating system's memory.
    #[serde(default = "defaults::cache_bytes")]
    pub cache_bytes: u64,
    /// How much of the database is mapped into memory for reading, in bytes.
    /// Default: 0, none. It makes reads of large stores cheaper; but where a
    /// mapped page cannot be read from the disk, the process dies of `SIGBUS`.
    #[serde(default)]
    pub mmap_bytes: u64,
    /// How long a commit waits for another process that holds the write lock,
    /// such as a `sqlite3` shell in a transaction. Default: 5 seconds. Then it
    /// answers `Unavailable`, and nothing was applied.
    #[serde(default = "defaults::busy_timeout")]
    pub busy_timeout: Duration,
    /// How many connections for reading are kept open. Default: two a core, at
    /// most 16. More reads than that at the same moment open connections that
    /// are closed afterwards, which takes a fraction of a millisecond each.
    #[serde(default = "defaults::readers_max")]
    pub readers_max: NonZeroUsize,
    /// How many snapshots may be open at once; one more is `Throttled`. Each has
    /// a connection of its own. Default: 64.
    #[serde(default = "defaults::snapshots_max")]
    pub snapshots_max: NonZeroUsize,
    /// How long a snapshot lasts; then it answers `SnapshotExpired`. Default:
    /// until it is dropped. While there is a snapshot, the log cannot begin
    /// anew, and grows with every commit; this bounds by how much.
    #[serde(default)]
    pub snapshot_age_max: Option<Duration>,
    /// How large the log grows before its pages are written to the database, in
    /// bytes; at least 64 KiB. Default: 16 MiB. More means that a page which
    /// changes often is written less often, a larger log, and a longer open
    /// after a crash.
    #[serde(default = "defaults::checkpoint_bytes")]
    pub checkpoint_bytes: u64,
    /// How large the database may be, in bytes, for a close to seal it and the
    /// next open to compare it with the seal. Default: 64 MiB, which takes some
    /// 20 ms each. Damage to a larger one is met by reads of the damaged rows,
    /// and by a check; until then, damage to a page may hide rows from single
    /// reads.
    #[serde(default = "defaults::sealed_bytes_max")]
    pub sealed_bytes_max: u64,
}

/// What becomes of pages that are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoVacuum {
    /// They are used again, but given back only by a vacuum, which rewrites
    /// the whole database.
    None,
    /// They are given back when asked for, a few at a time.
    #[default]
    Incremental,
    /// Each commit gives back what it frees, which makes deletes slower.
    Full,
}

impl SqliteConfig {
    const CHECKPOINT_BYTES_MIN: u64 = 64 << 10;
    const PAGE_BYTES_MIN: u32 = 512;
    const PAGE_BYTES_MAX: u32 = 65_536;
    /// The largest cache that SQLite takes, which counts it in KiB.
    const CACHE_BYTES_MAX: u64 = 1 << 40;
    /// SQLite counts the milliseconds of its busy time-out in 32 bits.
    const BUSY_TIMEOUT_MAX: Duration = Duration::from_hours(24);

    /// A store at `path`, with default settings.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            page_bytes: defaults::page_bytes(),
            auto_vacuum: AutoVacuum::default(),
            cache_bytes: defaults::cache_bytes(),
            mmap_bytes: 0,
            busy_timeout: defaults::busy_timeout(),
            readers_max: defaults::readers_max(),
            snapshots_max: defaults::snapshots_max(),
            snapshot_age_max: None,
            checkpoint_bytes: defaults::checkpoint_bytes(),
            sealed_bytes_max: defaults::sealed_bytes_max(),
        }
    }

    /// Opens the store; makes one in a missing or empty directory.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a path that is too long or not a
    /// directory, or a directory that is no SQLite store of this library; `Unavailable` while
    /// another process has it open; `Unsupported` for a newer format; `Corrupt`
    /// for damaged files; `Denied` and `Full` from the operating system.
    pub async fn open(self) -> Result<SqliteBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock and threads.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<SqliteBackend> {
        let clock = components.clock.clone();
        Embedded::open(components, move || {
            SqliteEngine::open(self.validated()?, clock)
        })
        .await
    }

    pub(crate) fn validated(self) -> Result<Self> {
        if !self.page_bytes.is_power_of_two()
            || !(Self::PAGE_BYTES_MIN..=Self::PAGE_BYTES_MAX).contains(&self.page_bytes)
        {
            return Err(invalid(format!(
                "page_bytes is {}, it must be a power of two from {} to {}",
                self.page_bytes,
                Self::PAGE_BYTES_MIN,
                Self::PAGE_BYTES_MAX
            )));
        }
        if self.checkpoint_bytes < Self::CHECKPOINT_BYTES_MIN {
            return Err(invalid(format!(
                "checkpoint_bytes is {}, it must be at least {}",
                self.checkpoint_bytes,
                Self::CHECKPOINT_BYTES_MIN
            )));
        }
        for (setting, bytes) in [
            ("cache_bytes", self.cache_bytes),
            ("mmap_bytes", self.mmap_bytes),
        ] {
            if bytes > Self::CACHE_BYTES_MAX {
                return Err(invalid(format!(
                    "{setting} is {bytes}, it must be at most {}",
                    Self::CACHE_BYTES_MAX
                )));
            }
        }
        if self.busy_timeout > Self::BUSY_TIMEOUT_MAX {
            return Err(invalid(format!(
                "busy_timeout is {:?}, it must be at most {:?}",
                self.busy_timeout,
                Self::BUSY_TIMEOUT_MAX
            )));
        }
        if self.snapshot_age_max.is_some_and(|age| age.is_zero()) {
            return Err(invalid(
                "snapshot_age_max is zero; leave it out, or let a snapshot last for some time"
                    .into(),
            ));
        }
        Ok(self)
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

mod defaults {
    use std::{num::NonZeroUsize, thread, time::Duration};

    pub(super) const fn page_bytes() -> u32 {
        4_096
    }

    pub(super) const fn cache_bytes() -> u64 {
        16 << 20
    }

    pub(super) const fn busy_timeout() -> Duration {
        Duration::from_secs(5)
    }

    pub(super) fn readers_max() -> NonZeroUsize {
        const MOST: NonZeroUsize = NonZeroUsize::new(16).unwrap();
        const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        cores.saturating_mul(TWO).min(MOST)
    }

    pub(super) const fn snapshots_max() -> NonZeroUsize {
        const SNAPSHOTS: NonZeroUsize = NonZeroUsize::new(64).unwrap();
        SNAPSHOTS
    }

    pub(super) const fn checkpoint_bytes() -> u64 {
        16 << 20
    }

    pub(super) const fn sealed_bytes_max() -> u64 {
        64 << 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error =
            serde_json::from_str::<SqliteConfig>(r#"{"path": "x", "cache": 1}"#).unwrap_err();
        assert!(error.to_string().contains("`cache`"), "{error}");
    }

    #[test]
    fn settings_left_out_have_their_defaults() {
        let config: SqliteConfig = serde_json::from_str(r#"{"path": "x"}"#).unwrap();
        assert_eq!(config, SqliteConfig::new("x"));
        let config: SqliteConfig =
            serde_json::from_str(r#"{"path": "x", "auto_vacuum": "full"}"#).unwrap();
        assert_eq!(config.auto_vacuum, AutoVacuum::Full);
    }

    #[test]
    fn a_setting_out_of_bounds_is_refused_by_name() {
        type Change = fn(&mut SqliteConfig);
        let changes: [(&str, Change); 8] = [
            ("page_bytes", |config| config.page_bytes = 256),
            ("page_bytes", |config| config.page_bytes = 5_000),
            ("page_bytes", |config| config.page_bytes = 1 << 17),
            ("checkpoint_bytes", |config| config.checkpoint_bytes = 1),
            ("cache_bytes", |config| config.cache_bytes = u64::MAX),
            ("mmap_bytes", |config| config.mmap_bytes = u64::MAX),
            ("busy_timeout", |config| config.busy_timeout = Duration::MAX),
            ("snapshot_age_max", |config| {
                config.snapshot_age_max = Some(Duration::ZERO);
            }),
        ];
        for (name, change) in changes {
            let mut config = SqliteConfig::new("x");
            change(&mut config);
            let error = config.validated().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
