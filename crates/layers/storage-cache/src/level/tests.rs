//! Each policy against the simplest thing that does the same.

use std::num::NonZeroUsize;

use storage_core::{Entry, SeededRandom, Stamp, Timestamp};

use super::*;

const CAPACITY: u64 = 4_000;

/// The keys of a cache of one shard, in the order in which they go.
struct Model {
    policy: Policy,
    kept: Vec<Known>,
    /// For the random policy: draws what the shard draws.
    random: SeededRandom,
}

#[derive(Clone)]
struct Known {
    key: u64,
    weight: u64,
    uses: u64,
}

impl Model {
    fn find(&self, key: u64) -> Option<usize> {
        self.kept.iter().position(|known| known.key == key)
    }

    fn get(&mut self, key: u64) -> bool {
        let Some(index) = self.find(key) else {
            return false;
        };
        if matches!(self.policy, Policy::Lru | Policy::Lfu) {
            let mut known = self.kept.remove(index);
            known.uses += 1;
            self.kept.push(known);
        }
        true
    }

    fn remove(&mut self, key: u64) {
        if let Some(index) = self.find(key) {
            self.take(index);
        }
    }

    fn insert(&mut self, key: u64, weight: u64) {
        self.remove(key);
        if weight > CAPACITY {
            return;
        }
        while self.kept.iter().map(|known| known.weight).sum::<u64>() + weight > CAPACITY {
            let index = self.victim();
            self.take(index);
        }
        self.kept.push(Known {
            key,
            weight,
            uses: 0,
        });
    }

    fn victim(&self) -> usize {
        match self.policy {
            Policy::Random => {
                let count = u64::try_from(self.kept.len()).unwrap();
                usize::try_from(self.random.next_u64() % count).unwrap()
            }
            Policy::Lfu => {
                let least = self.kept.iter().map(|known| known.uses).min().unwrap();
                self.kept
                    .iter()
                    .position(|known| known.uses == least)
                    .unwrap()
            }
            _ => 0,
        }
    }

    fn take(&mut self, index: usize) {
        match self.policy {
            Policy::Random => drop(self.kept.swap_remove(index)),
            _ => drop(self.kept.remove(index)),
        }
    }
}

fn key(number: u64) -> CacheKey {
    CacheKey::of(number.to_be_bytes().as_slice().into())
}

fn cached(length: usize) -> Cached {
    let entry = Entry::new(vec![7; length].into(), None, Stamp::of_version(1));
    Cached::found(Some(&entry), Timestamp::from_unix_milliseconds(0))
}

fn level(policy: Policy) -> Level {
    Level::new(
        &CacheConfig::exclusive(CAPACITY)
            .policy(policy)
            .shards(NonZeroUsize::MIN),
    )
}

#[test]
fn each_plain_policy_keeps_what_its_model_keeps() {
    for policy in [Policy::Lru, Policy::Lfu, Policy::Fifo, Policy::Random] {
        for seed in 0..20 {
            let level = level(policy);
            let mut model = Model {
                policy,
                kept: Vec::new(),
                random: SeededRandom::new(0),
            };
            let dice = SeededRandom::new(seed);
            for step in 0..500 {
                let number = dice.next_u64() % 40;
                let place = format!("{policy:?}, seed {seed}, step {step}");
                match dice.next_u64() % 8 {
                    0..4 => {
                        let found = level.get(Lookup::of(key(number).as_key())).is_some();
                        assert_eq!(found, model.get(number), "{place}");
                    }
                    4..7 => {
                        let length = usize::try_from(dice.next_u64() % 600).unwrap();
                        let cached = cached(length);
                        model.insert(number, cached.weight(&key(number)));
                        level.insert(key(number), cached);
                    }
                    _ => {
                        level.remove(Lookup::of(key(number).as_key()));
                        model.remove(number);
                    }
                }
                let bytes: u64 = model.kept.iter().map(|known| known.weight).sum();
                assert_eq!(level.bytes(), bytes, "{place}");
                assert_eq!(
                    level.entries(),
                    u64::try_from(model.kept.len()).unwrap(),
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn the_adaptive_policy_keeps_what_is_used_through_a_scan() {
    let level = level(Policy::Adaptive);
    let used = 0..5;
    for number in used.clone() {
        level.insert(key(number), cached(100));
    }
    for number in 1_000..2_000 {
        for number in used.clone() {
            level.get(Lookup::of(key(number).as_key()));
        }
        level.insert(key(number), cached(100));
    }
    for number in used {
        assert!(
            level.get(Lookup::of(key(number).as_key())).is_some(),
            "{number}"
        );
    }
    assert!(level.bytes() <= CAPACITY && level.evictions() > 900);
}

#[test]
fn what_is_counted_covers_what_the_structures_take() {
    let slot = size_of::<CacheKey>() + size_of::<Cached>();
    // 21 bytes are quick_cache's own, and an eighth of its table is kept free; the
    // counters of two shared pieces of memory take 16 and 24.
    let taken = u64::try_from((slot + 21) * 8 / 7 + 16 + 24).unwrap();
    assert!(taken <= crate::cached::OVERHEAD_BYTES, "{taken}");
}

#[test]
fn what_is_replaced_is_not_evicted_and_leaves_the_door_open() {
    let level = level(Policy::Adaptive);
    let hash = |number: u64| number << 32;
    for _ in 0..2 {
        level.insert(key(7), cached(100));
    }
    assert_eq!(level.evictions(), 0);
    assert!((0..100).all(|number| level.admits(hash(number))));
}
