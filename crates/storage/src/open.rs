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
    #[cfg_attr(
        not(feature = "fjall"),
        expect(clippy::unused_async, reason = "the engines that wait are left out")
    )]
    pub async fn open_engine(&self) -> Result<SharedStore> {
        match self {
            Self::Memory => Ok(SharedStore::new(MemoryConfig::new().open())),
            #[cfg(feature = "fjall")]
            Self::Fjall { path } => {
                let backend = crate::fjall::FjallConfig::new(path).open().await?;
                Ok(SharedStore::new(backend))
            }
            #[cfg(not(feature = "fjall"))]
            Self::Fjall { .. } => Err(feature_off("fjall")),
        }
    }
}

#[cfg(not(feature = "fjall"))]
fn feature_off(feature: &str) -> storage_core::Error {
    storage_core::Error::new(
        storage_core::ErrorKind::Invalid,
        format!(
            "this program was built without {feature}; \
             enable the feature `{feature}` of the crate `storage`"
        ),
    )
    .with_operation(storage_core::Operation::Open)
}
