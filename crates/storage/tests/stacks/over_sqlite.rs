//! Stacks that alter what is stored over SQLite.

use storage::{Components, Result, SharedStore, sqlite::SqliteConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

use crate::{
    each::{for_each_stack_that_alters, test_each},
    layers::{Below, Layer, open},
};

/// SQLite under layers, in a directory that lives as long as the test.
struct OverSqlite(&'static [Layer], TempDir);

fn over_sqlite(layers: &'static [Layer]) -> OverSqlite {
    OverSqlite(layers, TempDir::new().expect("a temporary directory"))
}

impl Subject for OverSqlite {
    type Store = SharedStore;
    const ENGINE: &'static str = "sqlite";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let config = SqliteConfig::new(self.1.path());
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        open(self.0, Below::Embedded, engine, components).await
    }
}

for_each_stack_that_alters!(test_each, conformance, over_sqlite;);
