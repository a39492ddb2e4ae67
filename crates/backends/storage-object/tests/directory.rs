//! The suite over objects in a directory.

use storage_core::{Components, Result};
use storage_object::{ObjectBackend, ObjectConfig};
use storage_testkit::Subject;
use tempfile::TempDir;

struct Directory(TempDir);

impl Directory {
    #[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Subject for Directory {
    type Store = ObjectBackend;
    const ENGINE: &'static str = "object";

    async fn open(&self, components: Components) -> Result<ObjectBackend> {
        let config = ObjectConfig::directory(self.0.path().join("store"));
        config.open_with(components).await
    }
}

storage_testkit::conformance!(Directory::new());
