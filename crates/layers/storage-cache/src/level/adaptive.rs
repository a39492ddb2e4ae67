//! The default: `quick_cache`, which tells what is used again from what is not.
//!
//! Its policy is a variant of CLOCK-Pro (Jiang, Chen and Zhang, USENIX 2005)
//! close to S3-FIFO (Yang et al., SOSP 2023). A hit takes a shared lock and one
//! relaxed store.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync::Cache};

use super::door::Door;
use crate::{
    CacheConfig,
    cached::Cached,
    key::{CacheKey, Lookup},
};

/// The share of the room, in percent, for what was used again. The crate's own default of 97
/// leaves what is new too little time to be used a second time where what is
/// used shifts.
const HOT_PERCENT: u64 = 95;

/// Half as many keys are remembered after their eviction as have room. With as many, a loop
/// of twice the room finds each key remembered, takes it for one that is used
/// again, and pushes out what it will need sooner.
const GHOST_ALLOCATION: f64 = 0.5;

pub(super) struct Adaptive {
    cache: Cache<CacheKey, Cached, Weigh, DefaultHashBuilder, Evictions>,
    door: Arc<Door>,
}

impl Adaptive {
    pub(super) fn new(config: &CacheConfig, evictions: Arc<AtomicU64>) -> Self {
        let expected = config.capacity_bytes / config.expected_entry_bytes.get();
        let door = Arc::new(Door::new(expected));
        let lifecycle = Evictions {
            count: evictions,
            door: Arc::clone(&door),
        };
        let mut options = OptionsBuilder::new();
        options
            .shards(config.shard_count())
            .hot_allocation(fraction(HOT_PERCENT))
            .ghost_allocation(GHOST_ALLOCATION)
            .estimated_items_capacity(usize::try_from(expected).unwrap_or(usize::MAX))
            .weight_capacity(config.capacity_bytes);
        let cache = match options.build() {
            Ok(options) => {
                Cache::with_options(options, Weigh, DefaultHashBuilder::default(), lifecycle)
            }
            // Only what was left out could be wrong, and nothing was.
            Err(_) => Cache::with(
                usize::try_from(expected).unwrap_or(usize::MAX),
                config.capacity_bytes,
                Weigh,
                DefaultHashBuilder::default(),
                lifecycle,
            ),
        };
        Self { cache, door }
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    #[inline]
    pub(super) fn get(&self, key: Lookup<'_>) -> Option<Cached> {
        self.cache.get(&key)
    }

    pub(super) fn contains(&self, key: Lookup<'_>) -> bool {
        self.cache.contains_key(&key)
    }

    pub(super) fn insert(&self, key: CacheKey, cached: Cached) {
        // What is replaced would be reported as evicted, and the cache be taken for full.
        if self.cache.contains_key(&key) {
            self.cache.remove(&key);
        }
        self.cache.insert(key, cached);
    }

    /// What does not fit into the hot part of a shard is not admitted.
    pub(super) fn weight_max(&self, capacity_bytes: u64) -> u64 {
        self.shard_bytes(capacity_bytes) / 100 * HOT_PERCENT
    }

    pub(super) fn remove(&self, key: Lookup<'_>) {
        if self.cache.remove(&key).is_some() {
            self.door.open();
        }
    }

    pub(super) fn retain(&self, keeps: impl Fn(&CacheKey) -> bool) {
        self.cache.retain(|key, _| keeps(key));
        self.door.open();
    }

    pub(super) fn clear(&self) {
        self.cache.clear();
        self.door.open();
    }

    pub(super) fn resize(&self, capacity_bytes: u64) {
        // Rounded down: the crate rounds the share of each shard up. Never zero, after
        // which the crate would forget how its room is divided.
        let shard_bytes = self.shard_bytes(capacity_bytes).max(1);
        self.door.open();
        self.cache
            .set_capacity(shard_bytes.saturating_mul(self.shards()));
    }

    pub(super) fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    pub(super) fn entries(&self) -> usize {
        self.cache.len()
    }

    fn shard_bytes(&self, capacity_bytes: u64) -> u64 {
        capacity_bytes / self.shards()
    }

    fn shards(&self) -> u64 {
        u64::try_from(self.cache.num_shards()).unwrap_or(1).max(1)
    }
}

/// A part of 1.
fn fraction(percent: u64) -> f64 {
    f64::from(u32::try_from(percent).unwrap_or(100)) / 100.0
}

#[derive(Clone, Debug)]
struct Weigh;

impl Weighter<CacheKey, Cached> for Weigh {
    fn weight(&self, key: &CacheKey, cached: &Cached) -> u64 {
        cached.weight(key)
    }
}

/// What happens with each eviction.
#[derive(Clone, Debug)]
struct Evictions {
    count: Arc<AtomicU64>,
    door: Arc<Door>,
}

impl Lifecycle<CacheKey, Cached> for Evictions {
    /// What was evicted, to be dropped once the shard is unlocked.
    type RequestState = [Option<(CacheKey, Cached)>; 2];

    fn on_evict(&self, state: &mut Self::RequestState, key: CacheKey, cached: Cached) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.door.close();
        if let Some(free) = state.iter_mut().find(|slot| slot.is_none()) {
            *free = Some((key, cached));
        }
    }
}
