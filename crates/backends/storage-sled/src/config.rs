//! Opening a sled store.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use storage_core::{Components, Error, ErrorKind, Result, embedded::Embedded};

use crate::{SledBackend, SledEngine};

/// Where a sled store is and how much it may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SledConfig {
    /// The directory of the store. Made if it is missing.
    pub path: PathBuf,
    /// How many bytes of pages, as they are on the disk, sled may keep in
    /// memory; at least 16 MiB. Default: 64 MiB. More keeps more reads off the
    /// disk. In memory a page takes two to three times as much, and what has
    /// been replaced stays for as long as some thread reads.
    #[serde(default = "defaults::cache_bytes")]
    pub cache_bytes: u64,
}

impl SledConfig {
    /// sled divides its cache into 256 parts, each of which has to hold a few
    /// of the largest pages.
    const CACHE_BYTES_MIN: u64 = 16 << 20;

    /// A store at `path`, with default settings.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            cache_bytes: defaults::cache_bytes(),
        }
    }

    /// Opens the store; makes one in a missing or empty directory.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a path that is not a directory,
    /// or a directory that is no sled store; `Unavailable` while another
    /// process has it open; `Unsupported` for a newer format; `Corrupt` for
    /// damaged files; `Denied` and `Full` from the operating system.
    pub async fn open(self) -> Result<SledBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock and threads.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<SledBackend> {
        Embedded::open(components, move || SledEngine::open(&self.validated()?)).await
    }

    fn validated(self) -> Result<Self> {
        if self.cache_bytes >= Self::CACHE_BYTES_MIN {
            return Ok(self);
        }
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "cache_bytes is {}, it must be at least {}",
                self.cache_bytes,
                Self::CACHE_BYTES_MIN
            ),
        ))
    }
}

mod defaults {
    pub(super) const fn cache_bytes() -> u64 {
        64 << 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error = serde_json::from_str::<SledConfig>(r#"{"path": "x", "cache": 1}"#).unwrap_err();
        assert!(error.to_string().contains("`cache`"), "{error}");
    }

    #[test]
    fn settings_left_out_have_their_defaults() {
        let config: SledConfig = serde_json::from_str(r#"{"path": "x"}"#).unwrap();
        assert_eq!(config, SledConfig::new("x"));
    }

    #[test]
    fn a_setting_out_of_bounds_is_refused_by_name() {
        let mut config = SledConfig::new("x");
        config.cache_bytes = 1;
        let error = config.validated().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("cache_bytes"), "{error}");
    }
}
