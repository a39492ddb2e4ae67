//! Measuring a store.

use anyhow::{Result, ensure};
use storage::{
    Durability, ErrorKind, Key, KeyRange, Maintenance, ReadExt, ScanOptions, Store, WriteBatch,
    WriteOptions,
};

use super::target::{Pair, Target};

/// How many entries are loaded at once.
const LOAD_ENTRIES: usize = 1_000;

/// A store, of whatever layers.
#[derive(Debug)]
pub(crate) struct Stored<S>(pub(crate) S);

impl<S: Store> Target for Stored<S> {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        let durability = self.0.capabilities().durability_min;
        let options = WriteOptions::new().durability(durability);
        for chunk in entries.chunks(LOAD_ENTRIES) {
            let batch = chunk.iter().fold(WriteBatch::new(), |batch, (key, value)| {
                batch.put(key, value.clone())
            });
            self.0.commit_with(batch, &options).await?;
        }
        match self.0.maintain(Maintenance::Compact).await {
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let entry = self.0.get(Key::user(key)).await?;
        Ok(entry.map_or(0, |entry| entry.value().len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let options = ScanOptions::new().entries_max(entries_max);
        let page = self
            .0
            .scan_with(&KeyRange::between(start..), &options)
            .await?;
        let sizes = page
            .items
            .iter()
            .map(|item| item.key.len() + item.entry.value().len());
        Ok(sizes.sum())
    }

    async fn put(&self, (key, value): Pair, durability: Durability) -> Result<()> {
        let options = WriteOptions::new().durability(durability);
        let batch = WriteBatch::new().put(key, value);
        let committed = self.0.commit_with(batch, &options).await?;
        ensure!(
            committed.durability >= durability,
            "the put is less durable than asked for"
        );
        Ok(())
    }
}
