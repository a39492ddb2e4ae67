//! An ordered map of the standard library.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock},
};

use anyhow::Result;
use bytes::Bytes;
use storage::Durability;

use super::super::target::{Pair, Target};

/// A map that many threads share. Its values are counted references: getting
/// one copies no bytes.
#[derive(Debug, Default)]
pub(crate) struct RawMap {
    entries: RwLock<BTreeMap<Bytes, Bytes>>,
}

impl Target for RawMap {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        let mut map = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        map.extend(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into())),
        );
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let map = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let value = map.get(key).cloned();
        drop(map);
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let map = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let from_start = map.range::<[u8], _>((Bound::Included(start), Bound::Unbounded));
        let found: Vec<(Bytes, Bytes)> = from_start
            .take(entries_max)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        drop(map);
        Ok(found
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum())
    }

    async fn put(&self, (key, value): Pair, _: Durability) -> Result<()> {
        let mut map = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        map.insert(key.into(), value.into());
        Ok(())
    }
}
