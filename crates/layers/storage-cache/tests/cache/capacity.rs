//! How much is kept.

use std::num::NonZeroUsize;

use storage_cache::{CacheConfig, Policy, Writes};
use storage_core::{StoreExt, WriteBatch, blocking::block_on};

use crate::scene::Scene;

const POLICIES: [Policy; 5] = [
    Policy::Adaptive,
    Policy::Lru,
    Policy::Lfu,
    Policy::Fifo,
    Policy::Random,
];

fn filled(config: CacheConfig) -> Scene {
    let scene = Scene::with(config);
    let batch = (0..500_usize).fold(WriteBatch::new(), |batch, number| {
        batch.put(number.to_string(), "x".repeat(number))
    });
    block_on(scene.store.commit(batch)).unwrap();
    scene
}

fn read_all(scene: &Scene, capacity: u64) {
    for number in 0..500 {
        scene.get(&number.to_string());
        let bytes = scene.stats().memory.bytes;
        assert!(bytes <= capacity, "{bytes} bytes after {number}");
    }
}

#[test]
fn no_policy_ever_exceeds_the_capacity() {
    const CAPACITY: u64 = 20_001;
    for policy in POLICIES {
        for shards in [1, 4] {
            let shards = NonZeroUsize::new(shards).unwrap();
            let scene = filled(
                CacheConfig::exclusive(CAPACITY)
                    .policy(policy)
                    .shards(shards)
                    .read_ahead_entries(8),
            );
            read_all(&scene, CAPACITY);
            let memory = scene.stats().memory;
            assert!(memory.bytes > CAPACITY / 2, "{policy:?}: {memory:?}");
            assert_eq!(
                memory.fills,
                memory.entries + memory.evictions,
                "{policy:?}"
            );
        }
    }
}

#[test]
fn a_smaller_cache_gives_up_at_once_what_has_no_room_and_a_larger_one_keeps_more() {
    for policy in POLICIES {
        let scene = filled(CacheConfig::exclusive(200_000).policy(policy));
        read_all(&scene, 200_000);
        for capacity in [50_000, 1_000, 0] {
            scene.cache().resize(capacity);
            let memory = scene.stats().memory;
            assert!(memory.bytes <= capacity, "{policy:?}: {memory:?}");
            assert_eq!(memory.capacity_bytes, capacity);
            read_all(&scene, capacity);
        }
        assert_eq!(scene.stats().memory.entries, 0, "{policy:?}");
        scene.cache().resize(400_000);
        read_all(&scene, 400_000);
        assert_eq!(
            scene.reads_during(|| read_all(&scene, 400_000)),
            0,
            "{policy:?}"
        );
    }
}

#[test]
fn what_is_too_large_is_counted_and_pushes_out_nothing() {
    for policy in POLICIES {
        let config = CacheConfig::exclusive(4_000)
            .policy(policy)
            .shards(NonZeroUsize::MIN);
        let scene = Scene::with(config);
        scene.put("small", "1");
        scene.put("large", &"x".repeat(4_000));
        scene.get("small");
        for _ in 0..2 {
            assert_eq!(scene.get("large").unwrap().len(), 4_000);
        }
        let memory = scene.stats().memory;
        assert_eq!(
            (memory.oversized, memory.entries, memory.evictions),
            (2, 1, 0),
            "{policy:?}"
        );
        assert_eq!(scene.reads_during(|| drop(scene.get("small"))), 0);
    }
}

#[test]
fn clearing_forgets_everything() {
    for policy in POLICIES {
        let scene = filled(CacheConfig::exclusive(200_000).policy(policy));
        read_all(&scene, 200_000);
        scene.cache().clear();
        let memory = scene.stats().memory;
        assert_eq!((memory.entries, memory.bytes), (0, 0), "{policy:?}");
        assert_eq!(scene.get("7").unwrap().len(), 7);
    }
}

#[test]
fn a_cache_of_no_bytes_passes_everything_on() {
    let scene = Scene::with(CacheConfig::exclusive(0));
    scene.put("k", "1");
    let reads = scene.reads_during(|| {
        for _ in 0..3 {
            assert_eq!(scene.get("k").as_deref(), Some("1"));
        }
    });
    assert_eq!((reads, scene.stats().memory.entries), (3, 0));
}

#[test]
fn a_full_cache_keeps_what_is_missed_twice_and_what_has_room() {
    let config = CacheConfig::exclusive(4_000).shards(NonZeroUsize::MIN);
    let scene = Scene::with(config.read_ahead_entries(0));
    let key = |number: u32| format!("key/{number}");
    for number in 0..60 {
        scene.put(&key(number), "v");
    }
    let mut filling = 0..60;
    while scene.stats().memory.evictions == 0 {
        scene.get(&key(filling.next().unwrap()));
    }
    let reads = |number| scene.reads_during(|| drop(scene.get(&key(number))));
    assert_eq!([(); 3].map(|()| reads(50)), [1, 1, 0]);
    assert_eq!(scene.stats().memory.turned_away, 1);
    // What a commit changes leaves its place to anything.
    scene.put(&key(50), "w");
    assert_eq!([(); 2].map(|()| reads(51)), [1, 0]);
    assert_eq!(scene.stats().memory.turned_away, 1);
}

#[test]
fn a_full_cache_keeps_what_is_read_back() {
    let config = CacheConfig::exclusive(4_000).shards(NonZeroUsize::MIN);
    let scene = Scene::with(config.writes(Writes::ReadBack));
    for number in 0..100 {
        let key = format!("key/{number}");
        scene.put(&key, "v");
        assert_eq!(scene.reads_during(|| drop(scene.get(&key))), 0);
    }
    assert!(scene.stats().memory.evictions > 0);
}
