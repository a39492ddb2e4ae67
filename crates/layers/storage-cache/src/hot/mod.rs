//! The hot set: the keys that a cache held last, for the next to begin with.
//!
//! It is a hint and no more: keys alone, which are read again as by any other read, so
//! that what was written meanwhile is what is cached. Whatever is wrong with
//! it is counted and has no other effect.

mod format;

use std::{
    cell::RefCell,
    sync::{Arc, atomic::Ordering},
};

use storage_core::{
    Executor, OwnedKey, ReadOptions, Result, Store, SystemKeys, WriteBatch, WriteOptions,
};

use crate::{
    Cache,
    cache::Turn,
    counters::Event,
    key::{CacheKey, Lookup},
    layer::NAME,
    level::Level,
    store::Shared,
    task::Task,
};

/// A hot set takes no more bytes than this, nor than the store takes in one value.
const BYTES_MAX: usize = 1 << 20;

/// So many keys are read at once, and no others meanwhile.
const KEYS_AT_ONCE: usize = 64;

fn key() -> OwnedKey {
    SystemKeys::of(NAME).key("hot")
}

impl<S: Store> Shared<S> {
    /// Keeps the hottest keys in the store, for the next to open it.
    pub(crate) async fn save_hot_set(&self, keys: &[CacheKey]) {
        let capabilities = self.inner.capabilities();
        let bytes_max = BYTES_MAX.min(capabilities.value_bytes_max);
        let batch = WriteBatch::new().put(key(), format::encode(keys, bytes_max));
        // To lose it costs a few misses, so it is written as cheaply as can be.
        let options = WriteOptions::new().durability(capabilities.durability_min);
        if self.inner.commit_with(batch, &options).await.is_err() {
            self.cache.counters.raise(Event::HotSetFailed);
        }
    }

    async fn load_hot_set(&self) -> Vec<CacheKey> {
        let stored = self
            .inner
            .get_with(key().as_key(), &ReadOptions::new())
            .await;
        let keys = stored.and_then(|entry| match entry {
            Some(entry) => format::decode(entry.value()),
            None => Ok(Vec::new()),
        });
        keys.unwrap_or_else(|_error| {
            self.cache.counters.raise(Event::HotSetFailed);
            Vec::new()
        })
    }

    /// Reads keys that are not cached. `false` once there is no point in going on.
    async fn warm(&self, keys: &[CacheKey]) -> bool {
        let cache = &*self.cache;
        let mut missing = Vec::new();
        let mut asked = Vec::new();
        for key in keys {
            if cache.level.contains(Lookup::of(key.as_key())) {
                continue;
            }
            // Whoever else reads the key fills the cache as well.
            if let Turn::Lead(leading) = cache.begin_read(key.as_key()) {
                asked.push((missing.len(), Some(leading)));
                missing.push(key.as_key().to_owned());
            }
        }
        let mut answers = vec![None; missing.len()];
        if missing.is_empty() {
            return true;
        }
        let read: Result<()> = self
            .ask_many(&missing, asked, &ReadOptions::new(), &mut answers)
            .await;
        if read.is_err() {
            cache.counters.raise(Event::HotSetFailed);
            return false;
        }
        for _ in answers.iter().flatten() {
            cache.counters.raise(Event::Warmed);
        }
        true
    }
}

/// Warms the cache in the background with what the last one held.
pub(crate) fn begin<S: Store>(shared: &Arc<Shared<S>>, executor: &Arc<dyn Executor>) -> Task {
    // The store may go while it is warmed.
    let shared = Arc::downgrade(shared);
    Task::spawn(executor, async move {
        let Some(opened) = shared.upgrade() else {
            return;
        };
        let keys = opened.load_hot_set().await;
        drop(opened);
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let Some(opened) = shared.upgrade() else {
                return;
            };
            if !opened.cache.has_room_to_warm() || !opened.warm(keys).await {
                return;
            }
        }
    })
}

impl Cache {
    /// The keys that would be evicted last, up to the number that is configured.
    pub(crate) fn hottest(&self) -> Vec<CacheKey> {
        let entries_max = u64::try_from(self.config.hot_set_entries).unwrap_or(u64::MAX);
        if entries_max == 0 {
            return Vec::new();
        }
        hottest(&self.level, entries_max)
    }

    /// Whether nothing in use would be given up for what is warmed.
    fn has_room_to_warm(&self) -> bool {
        const PART: u64 = 10;
        let capacity = self.level.capacity_bytes();
        !self.is_closed.load(Ordering::Acquire) && self.level.bytes() <= capacity - capacity / PART
    }
}

/// Takes from `level` until so many entries are left, as its policy would for want of
/// room, and returns their keys.
fn hottest(level: &Level, entries_max: u64) -> Vec<CacheKey> {
    // Entries differ in size: a few steps are enough, and the last may take too many.
    for _ in 0..64 {
        if level.entries() <= entries_max {
            break;
        }
        let bytes_each = level.bytes() / level.entries().max(1);
        let bytes = bytes_each.saturating_mul(entries_max);
        level.resize(bytes.min(level.bytes() / 8 * 7));
    }
    let keys = RefCell::new(Vec::new());
    level.retain(|key| {
        keys.borrow_mut().push(key.clone());
        true
    });
    keys.into_inner()
}
