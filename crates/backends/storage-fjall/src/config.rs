//! Opening a fjall store.

use std::{num::NonZeroUsize, path::PathBuf};

use serde::{Deserialize, Serialize};
use storage_core::{Components, Error, ErrorKind, Result, embedded::Embedded};

use crate::{FjallBackend, FjallEngine};

/// Where a fjall store is and how much it may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FjallConfig {
    /// The directory of the store. Made if it is missing.
    pub path: PathBuf,
    /// Memory for blocks of the files, in bytes. Default: 64 MiB. More keeps
    /// more reads off the disk.
    #[serde(default = "defaults::cache_bytes")]
    pub cache_bytes: u64,
    /// How much is gathered in memory before it is written to a sorted file, in
    /// bytes; at least 1 MiB. Default: 16 MiB. Up to five times as much is in use while writes
    /// come faster than files can be written. More means fewer and larger
    /// files, more memory, and a longer open after a crash. Settled when the
    /// store is made: fjall keeps it with the store.
    #[serde(default = "defaults::write_buffer_bytes")]
    pub write_buffer_bytes: u64,
    /// How large the journals may grow before data is written to sorted files
    /// to free them, in bytes; at least 64 MiB. Default: 512 MiB.
    #[serde(default = "defaults::journal_bytes_max")]
    pub journal_bytes_max: u64,
    /// Threads that write and merge files. Default: one a core, at most 4.
    #[serde(default = "defaults::background_threads")]
    pub background_threads: NonZeroUsize,
}

impl FjallConfig {
    const JOURNAL_BYTES_MIN: u64 = 64 << 20;
    const WRITE_BUFFER_BYTES_MIN: u64 = 1 << 20;

    /// A store at `path`, with default settings.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            cache_bytes: defaults::cache_bytes(),
            write_buffer_bytes: defaults::write_buffer_bytes(),
            journal_bytes_max: defaults::journal_bytes_max(),
            background_threads: defaults::background_threads(),
        }
    }

    /// Opens the store; makes one in a missing or empty directory.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a path that is not a directory,
    /// or a directory that is no fjall store; `Unavailable` while another
    /// process has it open; `Unsupported` for a newer format; `Corrupt` for
    /// damaged files; `Denied` and `Full` from the operating system.
    pub async fn open(self) -> Result<FjallBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock and threads.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<FjallBackend> {
        Embedded::open(components, move || FjallEngine::open(&self.validated()?)).await
    }

    fn validated(self) -> Result<Self> {
        at_least(
            "journal_bytes_max",
            self.journal_bytes_max,
            Self::JOURNAL_BYTES_MIN,
        )?;
        at_least(
            "write_buffer_bytes",
            self.write_buffer_bytes,
            Self::WRITE_BUFFER_BYTES_MIN,
        )?;
        Ok(self)
    }
}

fn at_least(setting: &str, value: u64, least: u64) -> Result<()> {
    if value >= least {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{setting} is {value}, it must be at least {least}"),
    ))
}

mod defaults {
    use std::{num::NonZeroUsize, thread};

    pub(super) const fn cache_bytes() -> u64 {
        64 << 20
    }

    pub(super) const fn write_buffer_bytes() -> u64 {
        16 << 20
    }

    pub(super) const fn journal_bytes_max() -> u64 {
        512 << 20
    }

    pub(super) fn background_threads() -> NonZeroUsize {
        const MOST: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        thread::available_parallelism()
            .unwrap_or(NonZeroUsize::MIN)
            .min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error =
            serde_json::from_str::<FjallConfig>(r#"{"path": "x", "cache": 1}"#).unwrap_err();
        assert!(error.to_string().contains("`cache`"), "{error}");
    }

    #[test]
    fn settings_left_out_have_their_defaults() {
        let config: FjallConfig = serde_json::from_str(r#"{"path": "x"}"#).unwrap();
        assert_eq!(config, FjallConfig::new("x"));
    }
}
