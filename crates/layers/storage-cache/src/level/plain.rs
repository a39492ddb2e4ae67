//! The plain policies: an exclusive lock and two steps in a tree for each use.

use std::{
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hashbrown::HashMap;
use quick_cache::DefaultHashBuilder;

use super::order::{Order, Place};
use crate::{
    CacheConfig,
    cached::Cached,
    key::{CacheKey, Lookup},
};

pub(super) struct Plain {
    shards: Box<[Mutex<Shard>]>,
    hasher: DefaultHashBuilder,
    evictions: Arc<AtomicU64>,
}

struct Shard {
    slots: HashMap<CacheKey, Slot, DefaultHashBuilder>,
    order: Order,
    bytes: u64,
    bytes_max: u64,
}

struct Slot {
    cached: Cached,
    weight: u64,
    place: Place,
}

impl Plain {
    pub(super) fn new(config: &CacheConfig, evictions: Arc<AtomicU64>) -> Self {
        let seeds = 0..u64::try_from(config.shard_count()).unwrap_or(1);
        let shard = |seed| {
            Mutex::new(Shard {
                slots: HashMap::default(),
                order: Order::of(config.policy, seed),
                bytes: 0,
                bytes_max: 0,
            })
        };
        Self {
            shards: seeds.map(shard).collect(),
            hasher: DefaultHashBuilder::default(),
            evictions,
        }
    }

    pub(super) fn get(&self, key: Lookup<'_>) -> Option<Cached> {
        let mut shard = self.shard(key)?;
        let Shard { slots, order, .. } = &mut *shard;
        let slot = slots.get_mut(&key)?;
        slot.place = order.used(slot.place);
        Some(slot.cached.clone())
    }

    pub(super) fn contains(&self, key: Lookup<'_>) -> bool {
        self.shard(key)
            .is_some_and(|shard| shard.slots.contains_key(&key))
    }

    pub(super) fn insert(&self, key: CacheKey, cached: Cached) {
        let Some(mut shard) = self.shard(Lookup::of(key.as_key())) else {
            return;
        };
        let weight = cached.weight(&key);
        shard.remove(Lookup::of(key.as_key()));
        if weight > shard.bytes_max {
            return;
        }
        let evicted = shard.make_room(weight);
        shard.insert(key, cached, weight);
        drop(shard);
        self.count(&evicted);
    }

    pub(super) fn weight_max(&self, capacity_bytes: u64) -> u64 {
        capacity_bytes / self.shard_count()
    }

    pub(super) fn remove(&self, key: Lookup<'_>) {
        if let Some(mut shard) = self.shard(key) {
            shard.remove(key);
        }
    }

    pub(super) fn retain(&self, keeps: impl Fn(&CacheKey) -> bool) {
        for mut shard in self.all() {
            let gone: Vec<_> = shard
                .slots
                .keys()
                .filter(|key| !keeps(key))
                .cloned()
                .collect();
            for key in gone {
                shard.remove(Lookup::of(key.as_key()));
            }
        }
    }

    pub(super) fn clear(&self) {
        for mut shard in self.all() {
            shard.slots.clear();
            shard.order.clear();
            shard.bytes = 0;
        }
    }

    pub(super) fn resize(&self, capacity_bytes: u64) {
        let bytes_max = self.weight_max(capacity_bytes);
        for mut shard in self.all() {
            shard.bytes_max = bytes_max;
            let evicted = shard.make_room(0);
            drop(shard);
            self.count(&evicted);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.all().map(|shard| shard.bytes).sum()
    }

    pub(super) fn entries(&self) -> usize {
        self.all().map(|shard| shard.slots.len()).sum()
    }

    fn count(&self, evicted: &[Slot]) {
        let count = u64::try_from(evicted.len()).unwrap_or(u64::MAX);
        self.evictions.fetch_add(count, Ordering::Relaxed);
    }

    fn shard_count(&self) -> u64 {
        u64::try_from(self.shards.len()).unwrap_or(1).max(1)
    }

    fn shard(&self, key: Lookup<'_>) -> Option<MutexGuard<'_, Shard>> {
        // The table of a shard uses the other end of the hash.
        let hash = self.hasher.hash_one(key).rotate_right(32);
        let index = usize::try_from(hash % self.shard_count()).ok()?;
        self.shards.get(index).map(lock)
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.shards.iter().map(lock)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    /// Gives up entries until one of this weight has room. They are returned, to be
    /// dropped once the shard is unlocked.
    fn make_room(&mut self, weight: u64) -> Vec<Slot> {
        let mut evicted = Vec::new();
        while self.bytes.saturating_add(weight) > self.bytes_max {
            let Some(first) = self.order.first().cloned() else {
                break;
            };
            evicted.extend(self.remove(Lookup::of(first.as_key())));
        }
        evicted
    }

    fn insert(&mut self, key: CacheKey, cached: Cached, weight: u64) {
        let place = self.order.admit(key.clone());
        self.bytes += weight;
        let slot = Slot {
            cached,
            weight,
            place,
        };
        self.slots.insert(key, slot);
    }

    fn remove(&mut self, key: Lookup<'_>) -> Option<Slot> {
        let slot = self.slots.remove(&key)?;
        self.bytes -= slot.weight;
        if let Some(moved) = self.order.forget(slot.place)
            && let Some(moved) = self.slots.get_mut(moved)
        {
            moved.place = slot.place;
        }
        Some(slot)
    }
}
