//! The ten lines that certify a store, as the README and the guide show them.

use storage_core::memory::{MemoryBackend, MemoryConfig};
use storage_testkit::{Components, Subject, storage_core};

struct Memory;

impl Subject for Memory {
    type Store = MemoryBackend;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> storage_core::Result<MemoryBackend> {
        Ok(MemoryConfig::new().open_with(&components))
    }
}

storage_testkit::conformance!(Memory);
