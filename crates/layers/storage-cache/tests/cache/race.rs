//! Fills race commits, a million times: no read may be older than what was
//! acknowledged before it began.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use storage_cache::{
    Cache, CacheConfig, CacheLayer, CacheStats, CacheStore, Policy, SecondLevel, Writes,
};
use storage_core::{
    Entry, ErrorKind, KeyRange, OwnedKey, ReadExt, SeededRandom, SharedStore, Stack, StoreExt,
    WriteBatch,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

const KEYS: u64 = 16;
const READS: u64 = 1_000_000;
const READS_MAX: u64 = 100 * READS;
/// Reads that brought something to keep, and may have met a commit.
const FILLS: u64 = 1_000_000;
const READERS: u64 = 3;

struct Race {
    store: CacheStore<MemoryBackend>,
    /// The version of each key that was acknowledged last.
    acknowledged: Vec<AtomicU64>,
    reads: AtomicU64,
    /// The fills that count.
    fills: fn(&CacheStats) -> u64,
    is_over: AtomicBool,
}

fn key(number: u64) -> OwnedKey {
    format!("key/{number:02}").into()
}

impl Race {
    fn version(entry: Option<&Entry>) -> u64 {
        let bytes = entry.map(|entry| entry.value().as_ref().try_into().unwrap());
        bytes.map_or(0, u64::from_be_bytes)
    }

    /// Writes ever greater versions of its own keys; each is a put or a range delete
    /// and a put. A version that was acknowledged is noted.
    fn write(&self, keys: std::ops::Range<u64>, random: &SeededRandom) {
        let mut version = 0_u64;
        while !self.is_over.load(Ordering::Relaxed) {
            version += 1;
            let number = keys.start + random.next_u64() % (keys.end - keys.start);
            let mut batch = WriteBatch::new();
            if random.next_u64().is_multiple_of(8) {
                batch = batch.delete_range(KeyRange::prefix(key(number).into_bytes()));
            }
            let batch = batch.put(key(number), version.to_be_bytes().to_vec());
            block_on(self.store.commit(batch)).unwrap();
            self.at(number).fetch_max(version, Ordering::SeqCst);
            if random.next_u64().is_multiple_of(4) {
                thread::yield_now();
            }
        }
    }

    /// Reads any keys. No version is less than one acknowledged before, or one read
    /// before.
    fn read(&self, random: &SeededRandom) {
        let mut seen = vec![0; usize::try_from(KEYS).unwrap()];
        let mut check = |number: u64, least: u64, version: u64| {
            let seen = seen.get_mut(usize::try_from(number).unwrap()).unwrap();
            assert!(
                version >= least && version >= *seen,
                "key {number} is read as {version}; {least} was acknowledged, {seen} was read before"
            );
            *seen = version;
        };
        let cache = self.store.find::<Cache>().unwrap();
        for at in 0_u64.. {
            let reads = self.reads.fetch_add(1, Ordering::Relaxed);
            if at.is_multiple_of(256) {
                let stats = cache.stats();
                let memory = stats.memory;
                assert!(memory.bytes <= memory.capacity_bytes, "{memory:?}");
                if reads >= READS && (self.fills)(&stats) >= FILLS {
                    break;
                }
                assert!(reads < READS_MAX, "they fill nothing: {stats:?}");
            }
            let number = random.next_u64() % KEYS;
            let least = self.at(number).load(Ordering::SeqCst);
            if random.next_u64().is_multiple_of(16) {
                let other = (number + 1) % KEYS;
                let other_least = self.at(other).load(Ordering::SeqCst);
                let found = block_on(self.store.get_many(&[key(number), key(other)])).unwrap();
                check(number, least, Self::version(found[0].as_ref()));
                check(other, other_least, Self::version(found[1].as_ref()));
            } else {
                let found = block_on(self.store.get(&key(number))).unwrap();
                check(number, least, Self::version(found.as_ref()));
            }
        }
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn at(&self, number: u64) -> &AtomicU64 {
        self.acknowledged
            .get(usize::try_from(number).unwrap())
            .unwrap()
    }
}

fn run(layer: CacheLayer, fills: fn(&CacheStats) -> u64) -> CacheStats {
    let opening = Stack::on(MemoryConfig::new().open()).with(layer).open();
    let race = Arc::new(Race {
        store: block_on(opening).unwrap(),
        acknowledged: (0..KEYS).map(|_| AtomicU64::new(0)).collect(),
        reads: AtomicU64::new(0),
        fills,
        is_over: AtomicBool::new(false),
    });
    let writers = [0..KEYS / 2, KEYS / 2..KEYS].map(|keys| {
        let race = Arc::clone(&race);
        thread::spawn(move || race.write(keys.clone(), &SeededRandom::new(keys.start)))
    });
    let readers: Vec<_> = (0..READERS)
        .map(|seed| {
            let race = Arc::clone(&race);
            thread::spawn(move || {
                race.read(&SeededRandom::new(100 + seed));
            })
        })
        .collect();
    let ends: Vec<_> = readers.into_iter().map(thread::JoinHandle::join).collect();
    race.is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    for end in ends {
        end.unwrap();
    }
    let stats = race.store.find::<Cache>().unwrap().stats();
    // It was a race.
    assert!(stats.memory.hits > 0 && stats.memory.fills > 0, "{stats:?}");
    assert!(stats.memory.dropped_fills > 0, "{stats:?}");
    assert!(stats.bypassed > 0, "{stats:?}");
    stats
}

fn in_memory(stats: &CacheStats) -> u64 {
    stats.memory.fills + stats.memory.dropped_fills
}

#[test]
fn no_read_is_older_than_what_was_acknowledged_before_it_began() {
    // Most reads are hits, and few fill.
    run(CacheLayer::new(CacheConfig::exclusive(1 << 20)), |_| FILLS);
}

#[test]
fn nor_is_one_where_commits_are_read_back_and_little_fits() {
    let config = CacheConfig::exclusive(2_000)
        .shards(NonZeroUsize::MIN)
        .policy(Policy::Lru)
        .writes(Writes::ReadBack);
    run(CacheLayer::new(config), in_memory);
}

#[test]
fn nor_is_one_that_the_second_level_answers() {
    // So little fits into memory that it is asked all the time.
    let config = CacheConfig::exclusive(2_000).shards(NonZeroUsize::MIN);
    let second = SharedStore::new(MemoryConfig::new().open());
    let layer = CacheLayer::new(config).second_level(SecondLevel::new(second, 1 << 30));
    let fills = |stats: &CacheStats| in_memory(stats) + stats.second.fills;
    let second = run(layer, fills).second;
    assert!(second.hits > 0 && second.fills > 0, "{second:?}");
}

#[test]
fn nor_is_one_where_the_second_level_loses_what_it_is_sent() {
    let config = CacheConfig::exclusive(2_000).shards(NonZeroUsize::MIN);
    let faults = Faults::seeded(7);
    for fault in [
        Fault::lose_answer(ErrorKind::Unavailable),
        Fault::refuse(ErrorKind::Throttled),
    ] {
        let rule = Rule::on(Call::Commit).with_chance_percent(5);
        faults.inject(rule, fault).unwrap();
    }
    let second = FaultyStore::new(MemoryConfig::new().open(), &faults);
    let second = SecondLevel::new(SharedStore::new(second), 1 << 30);
    let layer = CacheLayer::new(config).second_level(second);
    // It is without an epoch most of the time: there are as many as there are.
    let second = run(layer, |_| FILLS).second;
    assert!(second.hits > 0 && second.epochs > 1, "{second:?}");
}
