//! The engines that keep a store in a directory of its own.

use std::path::Path;

use storage_core::{Result, SharedStore};

/// An embedded engine, by the name that its stores and their URLs have.
///
/// All engines have a name, whatever features are on; to
/// [open](crate::StoreUrl::open) a store takes the engine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DirectoryEngine {
    /// fjall, the default: a log-structured merge tree in pure Rust.
    Fjall,
    /// The filesystem: each value is a file.
    Fs,
    /// RocksDB: a log-structured merge tree in C++.
    Rocks,
    /// sled: a lock-free tree in pure Rust.
    Sled,
    /// SQLite: one database that its shell can read.
    Sqlite,
}

impl DirectoryEngine {
    /// Every one of them, the default first.
    pub const ALL: [Self; 5] = [Self::Fjall, Self::Sqlite, Self::Fs, Self::Sled, Self::Rocks];

    /// Its name, which is also its scheme in URLs and its feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Fs => "fs",
            Self::Rocks => "rocks",
            Self::Sled => "sled",
            Self::Sqlite => "sqlite",
        }
    }

    /// Whether its feature is on, so that its stores can be opened.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::Fjall => cfg!(feature = "fjall"),
            Self::Fs => cfg!(feature = "fs"),
            Self::Rocks => cfg!(feature = "rocks"),
            Self::Sled => cfg!(feature = "sled"),
            Self::Sqlite => cfg!(feature = "sqlite"),
        }
    }

    /// Whether `url` begins with its scheme.
    pub(crate) fn has_url(self, url: &str) -> bool {
        let rest = url.strip_prefix(self.name());
        rest.is_some_and(|rest| rest.starts_with(':'))
    }

    /// Opens the store at `path` with the engine's default settings.
    #[cfg_attr(
        not(any(
            feature = "fjall",
            feature = "fs",
            feature = "rocks",
            feature = "sled",
            feature = "sqlite"
        )),
        expect(
            clippy::unused_async,
            unused_variables,
            reason = "the engines that wait are left out"
        )
    )]
    pub(crate) async fn open(self, path: &Path) -> Result<SharedStore> {
        match self {
            #[cfg(feature = "fjall")]
            Self::Fjall => Ok(SharedStore::new(
                crate::fjall::FjallConfig::new(path).open().await?,
            )),
            #[cfg(feature = "fs")]
            Self::Fs => Ok(SharedStore::new(
                crate::fs::FsConfig::new(path).open().await?,
            )),
            #[cfg(feature = "rocks")]
            Self::Rocks => Ok(SharedStore::new(
                crate::rocks::RocksConfig::new(path).open().await?,
            )),
            #[cfg(feature = "sled")]
            Self::Sled => Ok(SharedStore::new(
                crate::sled::SledConfig::new(path).open().await?,
            )),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => Ok(SharedStore::new(
                crate::sqlite::SqliteConfig::new(path).open().await?,
            )),
            #[cfg(not(all(
                feature = "fjall",
                feature = "fs",
                feature = "rocks",
                feature = "sled",
                feature = "sqlite"
            )))]
            left_out => Err(crate::open::feature_off(left_out.name())),
        }
    }
}
