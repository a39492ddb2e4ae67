//! Many puts as few commits.
//!
//! A batch is bounded in entries and bytes, so a load of any size takes little
//! memory. All batches but the last are buffered; the last is as durable as the
//! store can, which makes all of them so.

use std::mem;

use storage::{Capabilities, Durability, Put, SharedStore, prelude::*};

use crate::failure::Result;

/// How large one batch may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) entries: usize,
    /// A larger entry makes a batch of its own.
    pub(crate) bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            entries: 1_000,
            bytes: 8 << 20,
        }
    }
}

/// What a load has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) entries: u64,
    /// Of keys and values.
    pub(crate) bytes: u64,
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    store: &'a SharedStore,
    limits: BatchLimits,
    /// Of all batches but the last.
    options: WriteOptions,
    pending: WriteBatch,
    pending_bytes: usize,
    acknowledged: Loaded,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(store: &'a SharedStore, limits: BatchLimits) -> Self {
        let capabilities = store.capabilities();
        Self {
            store,
            limits: BatchLimits {
                entries: limits.entries.min(entries_max(capabilities)),
                bytes: limits.bytes.min(capabilities.batch_bytes_max),
            },
            options: WriteOptions::new().durability(while_loading(capabilities)),
            pending: WriteBatch::new(),
            pending_bytes: 0,
            acknowledged: Loaded::default(),
        }
    }

    /// Adds a put, after committing those before it if they fill a batch.
    ///
    /// # Errors
    /// `Invalid` and `Unsupported` if the store does not take this put, which
    /// then is left out; besides, as for any commit.
    pub(crate) async fn add(&mut self, put: Put) -> Result<()> {
        let bytes = put.key.bytes().len() + put.value.len();
        let single = WriteBatch::new().mutation(put);
        self.store.capabilities().admit(&single)?;
        let entries = self.pending.mutations().len();
        if entries > 0
            && (entries >= self.limits.entries || self.pending_bytes + bytes > self.limits.bytes)
        {
            let options = self.options.clone();
            self.commit_pending(&options).await?;
        }
        self.pending.extend(single.into_parts().1);
        self.pending_bytes += bytes;
        Ok(())
    }

    /// What the store has acknowledged so far.
    pub(crate) fn acknowledged(&self) -> Loaded {
        self.acknowledged
    }

    /// Commits what is left, and makes all of the load durable.
    pub(crate) async fn finish(mut self) -> Result<Loaded> {
        if !self.pending.is_empty() {
            self.commit_pending(&WriteOptions::new()).await?;
        }
        Ok(self.acknowledged)
    }

    async fn commit_pending(&mut self, options: &WriteOptions) -> Result<()> {
        let batch = mem::take(&mut self.pending);
        let bytes = mem::take(&mut self.pending_bytes);
        let entries = batch.mutations().len();
        self.store.commit_with(batch, options).await?;
        self.acknowledged.entries += u64::try_from(entries).unwrap_or(u64::MAX);
        self.acknowledged.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        Ok(())
    }
}

fn entries_max(capabilities: &Capabilities) -> usize {
    match capabilities.batch {
        storage::BatchScope::Store => capabilities.batch_operations_max,
        storage::BatchScope::Key | storage::BatchScope::Partition => 1,
    }
}

fn while_loading(capabilities: &Capabilities) -> Durability {
    Durability::Buffered.clamp(capabilities.durability_min, capabilities.durability_max)
}
