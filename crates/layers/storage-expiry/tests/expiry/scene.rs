//! The layer over a store that fails as it is told, with a clock that tests set.

use std::time::Duration;

use storage_core::{
    Components, Direction, KeyRange, ManualClock, Projection, ReadExt, ScanOptions, Space, Stack,
    StoreExt, SystemKeys, Timestamp,
    blocking::block_on,
    embedded::EngineRead,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_expiry::{ExpiryConfig, ExpiryControl, ExpiryLayer, ExpiryStats, ExpiryStore, Sweep};
use storage_testkit::faulty::{Faults, FaultyStore};

pub(crate) const START: u64 = 1_700_000_000_000;

pub(crate) struct Scene {
    pub(crate) store: ExpiryStore<FaultyStore<MemoryBackend>>,
    /// The store below, without faults.
    pub(crate) below: MemoryBackend,
    pub(crate) faults: Faults,
    pub(crate) clock: ManualClock,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(ExpiryConfig::new().sweep(Sweep::OnDemand))
    }

    pub(crate) fn with(config: ExpiryConfig) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_milliseconds(START));
        let components = Components::default().with_clock(clock.clone());
        let below = MemoryConfig::new().open_with(&components);
        let faults = Faults::new();
        let opening = Stack::on(FaultyStore::new(below.clone(), &faults))
            .with(ExpiryLayer::new(config))
            .components(components)
            .open();
        Self {
            store: block_on(opening).unwrap(),
            below,
            faults,
            clock,
        }
    }

    pub(crate) fn control(&self) -> &ExpiryControl {
        self.store.find().unwrap()
    }

    pub(crate) fn stats(&self) -> ExpiryStats {
        self.control().stats()
    }

    pub(crate) fn sweep(&self) -> u64 {
        block_on(self.control().sweep_now()).unwrap()
    }

    pub(crate) fn put_for(&self, key: &str, seconds: u64) {
        block_on(self.store.put_for(key, "v", Duration::from_secs(seconds))).unwrap();
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The layer's rows.
    pub(crate) fn rows(&self) -> usize {
        let rows = SystemKeys::of("expiry").range();
        let rows = self.below.scan(rows, ScanOptions::new().keys_only());
        block_on(rows.collect()).unwrap().len()
    }

    /// The user entries that the engine keeps, expired ones among them.
    pub(crate) fn kept(&self) -> usize {
        let range = KeyRange::all().in_space(Space::User);
        let count = self.below.with_engine(move |engine| {
            let items = engine.scan(&range, Direction::Forward, Projection::Keys)?;
            Ok(items.count())
        });
        block_on(count).unwrap()
    }
}
