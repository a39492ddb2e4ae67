//! The suite over objects in memory.

use storage_core::{Components, Result};
use storage_object::{ObjectBackend, ObjectConfig, ObjectPlace};
use storage_testkit::Subject;

struct Memory;

impl Subject for Memory {
    type Store = ObjectBackend;
    const ENGINE: &'static str = "object-memory";

    async fn open(&self, components: Components) -> Result<ObjectBackend> {
        let config = ObjectConfig::new(ObjectPlace::Memory);
        config.open_with(components).await
    }
}

storage_testkit::conformance!(Memory);
