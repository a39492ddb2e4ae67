//! Reads of a store or a snapshot: judged against the capabilities before, and
//! by the clock afterwards.

use super::{EngineRead, reads::Reads};
use crate::{
    Entry, Key, KeyRange, Operation, OwnedKey, Page, ReadOptions, Result, ScanOptions,
    adapter::{Facts, live},
};

/// Reads one source.
#[derive(Debug)]
pub(super) struct Reader<'a, S> {
    pub(super) reads: &'a Reads<S>,
    pub(super) facts: &'a Facts,
}

impl<S: EngineRead> Reader<'_, S> {
    pub(super) async fn get(self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.get_live(key, options)
            .await
            .map_err(|error| self.facts.annotated(error.with_key(key), Operation::Get))
    }

    async fn get_live(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.facts.admit_read(key, options)?;
        let found = self
            .reads
            .get_many(vec![key.to_owned()], options.consistency);
        let entry = found.await?.pop().flatten();
        Ok(live(entry, &self.facts.clock))
    }

    pub(super) async fn get_many(
        self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.get_many_live(keys, options)
            .await
            .map_err(|error| self.facts.annotated(error, Operation::Get))
    }

    async fn get_many_live(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.facts.admit_reads(keys, options)?;
        let mut entries = self
            .reads
            .get_many(keys.to_vec(), options.consistency)
            .await?;
        for entry in &mut entries {
            *entry = live(entry.take(), &self.facts.clock);
        }
        Ok(entries)
    }

    pub(super) async fn scan(self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.scan_live(range, options)
            .await
            .map_err(|error| self.facts.annotated(error, Operation::Scan))
    }

    async fn scan_live(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.facts.capabilities.admit(&(range, options))?;
        self.reads.scan(range, options, &self.facts.clock).await
    }
}
