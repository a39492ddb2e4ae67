//! A cache over a store that counts its calls and fails as it is told.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use storage_cache::{Cache, CacheConfig, CacheLayer, CacheStats, CacheStore};
use storage_core::{
    Components, ManualClock, ReadExt, Stack, StoreExt, Timestamp,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Faults, FaultyStore};

pub(crate) type Below = FaultyStore<MemoryBackend>;

pub(crate) struct Scene {
    pub(crate) store: CacheStore<Below>,
    /// The store below, without faults: what another process would write to.
    pub(crate) below: MemoryBackend,
    pub(crate) faults: Faults,
    pub(crate) clock: ManualClock,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(CacheConfig::exclusive(1 << 20))
    }

    pub(crate) fn with(config: CacheConfig) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_700_000_000_000));
        let components = Components::default().with_clock(clock.clone());
        let below = MemoryConfig::new().open_with(&components);
        let faults = Faults::new();
        let opening = Stack::on(FaultyStore::new(below.clone(), &faults))
            .with(CacheLayer::new(config))
            .components(components)
            .open();
        Self {
            store: block_on(opening).unwrap(),
            below,
            faults,
            clock,
        }
    }

    pub(crate) fn cache(&self) -> &Cache {
        self.store.find().unwrap()
    }

    pub(crate) fn stats(&self) -> CacheStats {
        self.cache().stats()
    }

    pub(crate) fn put(&self, key: &str, value: &str) {
        block_on(self.store.put(key, value.to_owned())).unwrap();
    }

    /// What another process writes.
    pub(crate) fn put_below(&self, key: &str, value: &str) {
        block_on(self.below.put(key, value.to_owned())).unwrap();
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        let entry = block_on(self.store.get(key)).unwrap()?;
        Some(String::from_utf8(entry.value().to_vec()).unwrap())
    }

    /// How often the store below was asked for entries.
    pub(crate) fn reads_below(&self) -> u64 {
        [Call::Get, Call::GetMany, Call::Scan]
            .map(|call| self.faults.calls(call))
            .iter()
            .sum()
    }

    /// How often the store below is asked for entries during `work`.
    pub(crate) fn reads_during(&self, work: impl FnOnce()) -> u64 {
        let before = self.reads_below();
        work();
        self.reads_below() - before
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}
