//! sled, with the settings that `storage` opens it with.

use std::path::Path;

use anyhow::Result;
use sled::{Db, IVec};
use storage::{Durability, sled::SledConfig};

use super::super::target::{Pair, Target};

/// A database with its default tree.
#[derive(Debug)]
pub(crate) struct RawSled {
    database: Db,
}

impl RawSled {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let config = SledConfig::new(path);
        let database = sled::Config::new()
            .path(path)
            .cache_capacity(config.cache_bytes)
            .segment_size(4 << 20)
            .flush_every_ms(None)
            .open()?;
        Ok(Self { database })
    }
}

impl Target for RawSled {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for (key, value) in entries {
            self.database.insert(key, value)?;
        }
        self.database.flush()?;
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let value = self.database.get(key)?.map(|value| value.to_vec());
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let found = self
            .database
            .range(start..)
            .take(entries_max)
            .map(|entry| entry.map(|(key, value): (IVec, IVec)| (key.to_vec(), value.to_vec())))
            .collect::<sled::Result<Vec<_>>>()?;
        Ok(found
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum())
    }

    async fn put(&self, (key, value): Pair, durability: Durability) -> Result<()> {
        self.database.insert(key, value)?;
        if durability == Durability::Synced {
            self.database.flush()?;
        }
        Ok(())
    }
}
