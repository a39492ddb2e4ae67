//! The suite of stores on disk over SQLite.

use std::path::Path;

use storage_core::{Components, Result};
use storage_sqlite::{SqliteBackend, SqliteConfig};
use storage_testkit::on_disk::OnDisk;

struct Sqlite;

impl OnDisk for Sqlite {
    type Store = SqliteBackend;
    const ENGINE: &'static str = "sqlite";
    const FORMAT_VERSION: u32 = 1;

    async fn open(&self, directory: &Path, components: Components) -> Result<SqliteBackend> {
        let mut config = SqliteConfig::new(directory);
        config.checkpoint_bytes = 256 << 10;
        config.open_with(components).await
    }
}

storage_testkit::on_disk!(Sqlite);
