//! RocksDB, with the settings that `storage` opens it with.

use std::path::Path;

use anyhow::Result;
use rocksdb::{DB, Direction, IteratorMode, WriteOptions};
use storage::{Durability, rocks::RocksConfig};

use super::super::target::{Pair, Target};

/// A database with its default column family.
pub(crate) struct RawRocks {
    database: DB,
}

impl RawRocks {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let database = DB::open(&RocksConfig::new(path).options()?, path)?;
        Ok(Self { database })
    }
}

impl Target for RawRocks {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for (key, value) in entries {
            self.database.put(key, value)?;
        }
        self.database.flush()?;
        self.database.compact_range::<&[u8], &[u8]>(None, None);
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let value = self.database.get(key)?;
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let from_start = self
            .database
            .iterator(IteratorMode::From(start, Direction::Forward));
        let found = from_start
            .take(entries_max)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(found
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum())
    }

    async fn put(&self, (key, value): Pair, durability: Durability) -> Result<()> {
        let mut options = WriteOptions::new();
        options.set_sync(durability == Durability::Synced);
        self.database.put_opt(key, value, &options)?;
        Ok(())
    }
}
