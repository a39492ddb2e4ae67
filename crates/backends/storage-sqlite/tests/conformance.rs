//! The conformance suite and the model test over SQLite: alone, under a layer
//! that passes everything on, and as a shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{Components, Result};
use storage_sqlite::{SqliteBackend, SqliteConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }
}

impl Subject for Sqlite {
    type Store = SqliteBackend;
    const ENGINE: &'static str = "sqlite";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        SqliteConfig::new(self.0.path()).open_with(components).await
    }
}

mod sqlite {
    use super::*;

    conformance!(Sqlite::new());
}

mod pass_through_over_sqlite {
    use super::*;
    use storage_testkit::PassedThrough;

    conformance!(PassedThrough(Sqlite::new()));
}

mod shared_sqlite {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Sqlite::new()));
}
