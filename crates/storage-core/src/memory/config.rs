//! Opening a memory store.

use super::{MemoryBackend, MemoryEngine};
use crate::{Components, embedded::Embedded};

/// How to open a memory store.
///
/// ```
/// use storage_core::{ReadExt, StoreExt, memory::MemoryConfig};
///
/// # storage_core::blocking::block_on(async {
/// let store = MemoryConfig::new().open();
/// store.put("key", "value").await?;
/// assert_eq!(store.get("key").await?.unwrap().value(), "value");
/// # Ok::<_, storage_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MemoryConfig {}

impl MemoryConfig {
    /// The default configuration.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }

    /// An empty store.
    #[must_use]
    pub fn open(self) -> MemoryBackend {
        self.open_with(&Components::default())
    }

    /// An empty store that uses the given clock and threads.
    #[must_use]
    pub fn open_with(self, components: &Components) -> MemoryBackend {
        Embedded::of_new(MemoryEngine::default(), components)
    }
}
