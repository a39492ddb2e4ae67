//! The hot set: kept at close, warmed at open, and never more than a hint.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use storage_cache::{Cache, CacheConfig, CacheLayer, CacheStats, CacheStore};
use storage_core::{
    Components, ErrorKind, Executor, Job, ReadExt, Result, Stack, Store, StoreExt, SystemKeys,
    WriteBatch,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Injection, Rule};

/// Runs nothing until it is told to.
#[derive(Clone, Debug, Default)]
struct Later(Jobs);

#[derive(Clone, Default)]
struct Jobs(Arc<Mutex<VecDeque<Job>>>);

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jobs")
    }
}

impl Executor for Later {
    fn execute(&self, job: Job) -> Result<()> {
        self.0.0.lock().unwrap().push_back(job);
        Ok(())
    }
}

impl Later {
    fn run(&self) {
        loop {
            let Some(job) = self.0.0.lock().unwrap().pop_front() else {
                return;
            };
            job();
        }
    }
}

type Below = FaultyStore<MemoryBackend>;

/// A store that outlives the caches over it.
struct Scene {
    below: MemoryBackend,
    faults: Faults,
    background: Later,
}

impl Scene {
    fn new() -> Self {
        Self {
            below: MemoryConfig::new().open(),
            faults: Faults::new(),
            background: Later::default(),
        }
    }

    fn open(&self, hot_set_entries: usize) -> CacheStore<Below> {
        let config = CacheConfig::exclusive(1 << 20).hot_set_entries(hot_set_entries);
        let components = Components::default().with_executor(self.background.clone());
        let opening = Stack::on(FaultyStore::new(self.below.clone(), &self.faults))
            .with(CacheLayer::new(config))
            .components(components)
            .open();
        block_on(opening).unwrap()
    }

    /// A cache has held these keys and was closed. The store below goes on.
    fn closed_after_reading(&self, keys: &[&str], hot_set_entries: usize) {
        let store = self.open(hot_set_entries);
        for key in keys {
            block_on(self.below.put(*key, "value")).unwrap();
            get(&store, key);
            get(&store, key);
        }
        // The store below stays open, for the next cache.
        let refusal = self.refuse(Call::Close);
        block_on(store.close()).unwrap_err();
        self.faults.withdraw(&refusal);
    }

    fn refuse(&self, call: Call) -> Injection {
        let fault = Fault::refuse(ErrorKind::Unavailable);
        self.faults.inject(Rule::on(call), fault).unwrap()
    }

    fn put_hot_set(&self, bytes: &'static [u8]) {
        let batch = WriteBatch::new().put(SystemKeys::of("cache").key("hot"), bytes);
        block_on(self.below.commit(batch)).unwrap();
    }
}

fn get(store: &CacheStore<Below>, key: &str) -> Option<String> {
    let entry = block_on(store.get(key)).unwrap()?;
    Some(String::from_utf8(entry.value().to_vec()).unwrap())
}

fn stats(store: &CacheStore<Below>) -> CacheStats {
    let cache: &Cache = store.find().unwrap();
    cache.stats()
}

#[test]
fn what_was_cached_at_close_is_cached_after_opening() {
    let scene = Scene::new();
    scene.closed_after_reading(&["a", "b", "c"], 8);
    let store = scene.open(8);
    scene.background.run();
    assert_eq!(stats(&store).warmed, 3);
    for key in ["a", "b", "c"] {
        assert_eq!(get(&store, key).unwrap(), "value");
    }
    assert_eq!(stats(&store).memory.misses, 0);
    assert_eq!(stats(&store).hot_set_failures, 0);
}

#[test]
fn a_cache_that_was_not_asked_to_keeps_nothing() {
    let scene = Scene::new();
    scene.closed_after_reading(&["a"], 0);
    let key = SystemKeys::of("cache").key("hot");
    assert!(block_on(scene.below.get(&key)).unwrap().is_none());
    let store = scene.open(8);
    scene.background.run();
    assert_eq!(stats(&store).warmed, 0);
}

#[test]
fn no_more_keys_are_kept_than_asked_for() {
    let scene = Scene::new();
    let keys: Vec<_> = (0..100).map(|number| format!("key/{number}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    scene.closed_after_reading(&keys, 10);
    let store = scene.open(10);
    scene.background.run();
    let warmed = stats(&store).warmed;
    assert!((1..=10).contains(&warmed), "{warmed}");
}

#[test]
fn what_was_written_since_is_what_is_warmed() {
    let scene = Scene::new();
    scene.closed_after_reading(&["a", "b"], 8);
    block_on(scene.below.put("a", "newer")).unwrap();
    let store = scene.open(8);
    block_on(store.put("b", "newer")).unwrap();
    scene.background.run();
    assert_eq!(get(&store, "a").unwrap(), "newer");
    assert_eq!(get(&store, "b").unwrap(), "newer");
}

#[test]
fn opening_waits_for_nothing_and_closing_ends_the_warming() {
    let scene = Scene::new();
    scene.closed_after_reading(&["a"], 8);
    let reads = scene.faults.calls(Call::GetMany);
    let store = scene.open(8);
    assert_eq!(stats(&store).warmed, 0);
    block_on(store.close()).unwrap();
    scene.background.run();
    assert_eq!(scene.faults.calls(Call::GetMany), reads);
    assert_eq!(stats(&store).warmed, 0);
}

#[test]
fn a_store_that_is_dropped_is_not_kept_open_by_its_warming() {
    let scene = Scene::new();
    scene.closed_after_reading(&["a"], 8);
    let reads = scene.faults.calls(Call::GetMany);
    drop(scene.open(8));
    scene.background.run();
    assert_eq!(scene.faults.calls(Call::GetMany), reads);
}

#[test]
fn a_hot_set_that_makes_no_sense_is_counted_and_ignored() {
    for bytes in [&b""[..], b"\x01", b"not a hot set", b"\x02\0\0\0\0"] {
        let scene = Scene::new();
        scene.put_hot_set(bytes);
        let store = scene.open(8);
        scene.background.run();
        assert_eq!(stats(&store).hot_set_failures, 1, "{bytes:?}");
        assert_eq!(stats(&store).warmed, 0);
        block_on(store.put("a", "value")).unwrap();
        assert_eq!(get(&store, "a").unwrap(), "value");
    }
}

#[test]
fn a_store_that_fails_while_it_is_warmed_or_closed_loses_the_hot_set_alone() {
    let scene = Scene::new();
    scene.closed_after_reading(&["a"], 8);
    let store = scene.open(8);
    let refusal = scene.refuse(Call::GetMany);
    scene.background.run();
    scene.faults.withdraw(&refusal);
    assert_eq!(stats(&store).hot_set_failures, 1);
    assert_eq!(get(&store, "a").unwrap(), "value");
    scene.refuse(Call::Commit);
    block_on(store.close()).unwrap();
    assert_eq!(stats(&store).hot_set_failures, 2);
}
