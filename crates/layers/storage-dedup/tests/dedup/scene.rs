//! The layer over a store whose rows can be looked at and changed.

use std::{fmt::Write, time::Duration};

use bytes::Bytes;
use storage_core::{
    CheckReport, Components, Entry, KeyRange, ManualClock, OwnedKey, Random, ReadExt, Result,
    ScanOptions, SeededRandom, Space, Stack, Store, StoreExt, SystemKeys, Timestamp,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_dedup::{
    CollectConfig, CollectReport, CutConfig, DedupConfig, DedupControl, DedupLayer, DedupStats,
    DedupStore,
};
use storage_testkit::faulty::{Faults, FaultyStore};

pub(crate) const GRACE: Duration = Duration::from_mins(10);

pub(crate) struct Scene {
    pub(crate) store: DedupStore<FaultyStore<MemoryBackend>>,
    /// The store below, which holds rows and chunks.
    pub(crate) below: MemoryBackend,
    /// What happens to the layer's calls of it.
    pub(crate) faults: Faults,
    pub(crate) clock: ManualClock,
}

impl Scene {
    /// Values of at least 64 bytes are chunks, of more than 1 KiB several; nobody collects
    /// unless told to.
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: DedupConfig) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_000_000));
        let components = Components::default()
            .with_clock(clock.clone())
            .with_random(SeededRandom::new(7));
        let below = MemoryConfig::new().open_with(&components);
        let faults = Faults::new();
        let opening = Stack::on(FaultyStore::new(below.clone(), &faults))
            .with(DedupLayer::new(config))
            .components(components)
            .open();
        let store = block_on(opening).unwrap();
        Self {
            store,
            below,
            faults,
            clock,
        }
    }

    pub(crate) fn control(&self) -> &DedupControl {
        self.store.find().unwrap()
    }

    pub(crate) fn stats(&self) -> DedupStats {
        self.control().stats()
    }

    pub(crate) fn collect(&self) -> CollectReport {
        block_on(self.control().collect_now()).unwrap()
    }

    pub(crate) fn put(&self, key: &str, value: impl Into<Bytes>) {
        block_on(self.store.put(key, value)).unwrap();
    }

    pub(crate) fn delete(&self, key: &str) {
        assert!(block_on(self.store.delete(key)).unwrap());
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let entry = block_on(self.store.get(key))?;
        Ok(entry.map(Entry::into_value))
    }

    /// What stands in the row of a key.
    pub(crate) fn row(&self, key: &str) -> Bytes {
        let entry = block_on(self.below.get(key)).unwrap();
        entry.unwrap().into_value()
    }

    /// Writes this row, as the layer did not.
    pub(crate) fn put_row<'a>(&self, key: impl Into<OwnedKey> + 'a, row: impl Into<Bytes>) {
        block_on(self.below.put(key, row)).unwrap();
    }

    /// The layer's own rows of a kind: what follows the kind in their keys, and values.
    pub(crate) fn rows(&self, kind: &str) -> Vec<(Bytes, Bytes)> {
        let prefix = SystemKeys::of("dedup").key(kind).into_bytes();
        let range = KeyRange::prefix(prefix.clone()).in_space(Space::System);
        let items = self.below.scan(range, ScanOptions::new()).collect();
        block_on(items)
            .unwrap()
            .into_iter()
            .map(|item| (item.key.slice(prefix.len()..), item.entry.into_value()))
            .collect()
    }

    pub(crate) fn own_key(kind: &str, rest: &[u8]) -> OwnedKey {
        SystemKeys::of("dedup").key([kind.as_bytes(), rest].concat())
    }

    /// How many chunks are stored.
    pub(crate) fn chunks(&self) -> usize {
        self.rows("c").len()
    }

    pub(crate) fn check(&self) -> CheckReport {
        block_on(self.store.check()).unwrap()
    }

    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.check().damages, []);
    }
}

pub(crate) fn config() -> DedupConfig {
    DedupConfig::new()
        .bytes_min(64)
        .cut(CutConfig::of(64, 256, 1_024))
        .collect(CollectConfig::new().on_demand().grace(GRACE))
}

/// Bytes that are like no others.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    SeededRandom::new(seed).fill(&mut noise).unwrap();
    noise
}

/// Bytes in hexadecimal digits, as errors give the names of chunks.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
