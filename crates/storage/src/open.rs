//! Opening a store by its URL.

use storage_core::{ErasedStack, Result, SharedStore, memory::MemoryConfig};

use crate::StoreUrl;

/// Opens the store that `url` names; see [`StoreUrl`] for the schemes.
///
/// # Errors
/// `Invalid` for a URL that is none, an unknown scheme, or a scheme whose
/// feature is off; besides, whatever the engine answers.
pub async fn open(url: &str) -> Result<SharedStore> {
    url.parse::<StoreUrl>()?.open().await
}

impl StoreUrl {
    /// Opens the store, with the engine's default settings and no layers.
    ///
    /// # Errors
    /// `Invalid` if the scheme's feature is off; besides, whatever the engine
    /// answers.
    pub async fn open(&self) -> Result<SharedStore> {
        ErasedStack::on(self.open_engine().await?).open().await
    }

    /// Opens the engine alone, below the header and all layers: for checks,
    /// maintenance and copies, which work on what is stored, whatever layers
    /// wrote it. Data is read and written through [`open`](Self::open).
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_engine(&self) -> Result<SharedStore> {
        match self {
            Self::Memory => Ok(SharedStore::new(MemoryConfig::new().open())),
            Self::Directory { engine, path } => engine.open(path).await,
        }
    }
}
