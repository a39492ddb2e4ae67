//! Opening a store by its URL.

use storage_core::{
    ErasedStack, Error, ErrorKind, Operation, Result, SharedStore, StoreDirectory,
    memory::MemoryConfig,
};

use crate::{StoreUrl, server_url::Missing};

/// Opens the store that `url` names; see [`StoreUrl`] for the schemes.
///
/// # Errors
/// `Invalid` for a URL that is none, an unknown scheme, or a scheme whose
/// feature is off; besides, whatever the engine answers.
pub async fn open(url: &str) -> Result<SharedStore> {
    url.parse::<StoreUrl>()?.open().await
}

impl StoreUrl {
    /// Opens the store, with the settings that the URL has, else the engine's
    /// default ones, and no layers.
    ///
    /// # Errors
    /// `Invalid` if the scheme's feature is off; besides, whatever the engine
    /// answers. A store across a network is opened on a Tokio runtime, and
    /// `Invalid` without one; see [`blocking`](crate::blocking).
    pub async fn open(&self) -> Result<SharedStore> {
        ErasedStack::on(self.open_engine().await?).open().await
    }

    /// As [`open`](Self::open), but makes no store.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and `Invalid` where there is no store. In
    /// memory there always is one.
    pub async fn open_existing(&self) -> Result<SharedStore> {
        ErasedStack::on(self.open_existing_engine().await?)
            .open()
            .await
    }

    /// Opens the engine alone, below the header and all layers: for checks,
    /// maintenance and copies, which work on what is stored, whatever layers
    /// wrote it. Data is read and written through [`open`](Self::open).
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_engine(&self) -> Result<SharedStore> {
        self.engine_at(Missing::Make).await
    }

    /// As [`open_engine`](Self::open_engine), but makes no store.
    ///
    /// # Errors
    /// As for [`open_existing`](Self::open_existing).
    pub async fn open_existing_engine(&self) -> Result<SharedStore> {
        self.engine_at(Missing::Refuse).await
    }

    async fn engine_at(&self, missing: Missing) -> Result<SharedStore> {
        match self {
            Self::Memory => Ok(SharedStore::new(MemoryConfig::new().open())),
            Self::Directory { engine, path } => {
                // Whatever else is wrong there, the engine finds out.
                if missing == Missing::Refuse && matches!(StoreDirectory::inspect(path), Ok(None)) {
                    let message = format!("there is no store at {}", path.display());
                    return Err(
                        Error::new(ErrorKind::Invalid, message).with_operation(Operation::Open)
                    );
                }
                engine.open(path).await
            }
            Self::Server(url) => url.open(missing).await,
        }
    }
}

#[cfg(not(all(
    feature = "fjall",
    feature = "fs",
    feature = "object",
    feature = "pg",
    feature = "redis",
    feature = "rocks",
    feature = "sled",
    feature = "sqlite"
)))]
pub(crate) fn feature_off(feature: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!(
            "this program was built without {feature}; \
             enable the feature `{feature}` of the crate `storage`"
        ),
    )
    .with_operation(Operation::Open)
}
