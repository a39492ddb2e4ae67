//! fjall, with the settings that `storage` opens it with.

use std::path::Path;

use anyhow::Result;
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use storage::{Durability, fjall::FjallConfig};

use super::super::target::{Pair, Target};

/// A database with one keyspace.
pub(crate) struct RawFjall {
    database: Database,
    keyspace: Keyspace,
}

impl RawFjall {
    /// Opens a database that has been opened before, as `storage` makes it:
    /// fjall writes its first journal ahead of its use, and appends to one that
    /// it finds, which takes longer to sync.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        drop(Self::open_once(path)?);
        Self::open_once(path)
    }

    fn open_once(path: &Path) -> Result<Self> {
        let config = FjallConfig::new(path);
        let database = Database::builder(path)
            .cache_size(config.cache_bytes)
            .max_journaling_size(config.journal_bytes_max)
            .worker_threads(config.background_threads.get())
            .open()?;
        let keyspace = database.keyspace("entries", || {
            KeyspaceCreateOptions::default().max_memtable_size(config.write_buffer_bytes)
        })?;
        Ok(Self { database, keyspace })
    }
}

impl Target for RawFjall {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for (key, value) in entries {
            self.keyspace.insert(key, value)?;
        }
        self.keyspace.rotate_memtable_and_wait()?;
        self.keyspace.major_compact()?;
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let value = self.keyspace.get(key)?.map(Bytes::from);
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let entries = self.keyspace.range(start..).take(entries_max);
        let found = entries
            .map(|guard| {
                guard
                    .into_inner()
                    .map(|(key, value)| (Bytes::from(key), Bytes::from(value)))
            })
            .collect::<fjall::Result<Vec<_>>>()?;
        Ok(found
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum())
    }

    async fn put(&self, (key, value): Pair, durability: Durability) -> Result<()> {
        self.keyspace.insert(key, value)?;
        if durability == Durability::Synced {
            self.database.persist(PersistMode::SyncData)?;
        }
        Ok(())
    }
}
