//! The second level: what is read from it, and what is not whatever it does.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use storage_cache::{Cache, CacheConfig, CacheLayer, CacheStore, SecondLevel, SecondLevelStats};
use storage_core::{
    Committed, Components, ErrorKind, KeyRange, ManualClock, ReadExt, Result, ScanOptions,
    SharedStore, Space, Stack, Store, StoreExt, Timestamp, WriteBatch,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::{
    faulty::{Call, Fault, Faults, FaultyStore, Gate, Rule},
    wait_for,
};

use crate::scene::poll;

/// A cache without room in memory: what is not read below comes from the second level.
pub(crate) struct Scene {
    pub(crate) store: CacheStore<FaultyStore<MemoryBackend>>,
    pub(crate) below: MemoryBackend,
    pub(crate) faults: Faults,
    second: MemoryBackend,
    pub(crate) second_faults: Faults,
    clock: ManualClock,
}

const LIMIT: Duration = Duration::from_millis(5);

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(CacheConfig::exclusive(0), 1 << 20)
    }

    fn with(config: CacheConfig, capacity_bytes: u64) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_700_000_000_000));
        let components = Components::default().with_clock(clock.clone());
        let [below, second] = [(); 2].map(|()| MemoryConfig::new().open_with(&components));
        let [faults, second_faults] = [(); 2].map(|()| Faults::new());
        let level = SharedStore::new(FaultyStore::new(second.clone(), &second_faults));
        let layer = CacheLayer::new(config)
            .second_level(SecondLevel::new(level, capacity_bytes).time_limit(LIMIT));
        let opening = Stack::on(FaultyStore::new(below.clone(), &faults))
            .with(layer)
            .components(components)
            .open();
        Self {
            store: block_on(opening).unwrap(),
            below,
            faults,
            second,
            second_faults,
            clock,
        }
    }

    pub(crate) fn put(&self, key: &str, value: &str) {
        block_on(self.store.put(key, value.to_owned())).unwrap();
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        let entry = block_on(self.store.get(key)).unwrap()?;
        Some(String::from_utf8(entry.value().to_vec()).unwrap())
    }

    fn stats(&self) -> SecondLevelStats {
        self.store.find::<Cache>().unwrap().stats().second
    }

    /// Reads until the second level answers: it is filled in the background.
    pub(crate) fn get_from_second(&self, key: &str) -> Option<String> {
        let hits = self.stats().hits;
        let mut found = None;
        wait_for("a hit", || {
            found = self.get(key);
            hits < self.stats().hits
        });
        found
    }

    fn rows(&self) -> u64 {
        block_on(self.second.count(KeyRange::all())).unwrap()
    }

    pub(crate) fn hold_second(&self, call: Call) -> Gate {
        let gate = Gate::new();
        self.second_faults
            .inject(Rule::on(call), Fault::hold(&gate))
            .unwrap();
        gate
    }
}

#[test]
fn what_has_no_room_in_memory_comes_from_the_second_level_with_its_stamp() {
    let scene = Scene::new();
    scene.put("k", "1");
    assert_eq!(scene.get_from_second("k").as_deref(), Some("1"));
    let below = scene.faults.calls(Call::Get);
    let entry = block_on(scene.store.get("k")).unwrap().unwrap();
    let many = block_on(scene.store.get_many(&["k".into(), "none".into()])).unwrap();
    assert_eq!(many, [Some(entry.clone()), None]);
    assert_eq!(scene.faults.calls(Call::Get), below);
    let swap = WriteBatch::new()
        .unchanged("k", entry.stamp())
        .put("k", "2");
    block_on(scene.store.commit(swap)).unwrap();
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
}

#[test]
fn a_key_too_long_for_a_row_costs_the_second_level_nothing() {
    let scene = Scene::new();
    let longest = "k".repeat(scene.store.capabilities().key_bytes_max_in(Space::User));
    scene.put("short", "1");
    assert_eq!(scene.get_from_second("short").as_deref(), Some("1"));
    let before = scene.stats();
    let unknown = "u".repeat(longest.len());
    assert_eq!(scene.get(&unknown), None);
    scene.put(&longest, "2");
    assert_eq!(scene.get(&longest).as_deref(), Some("2"));
    let both = block_on(
        scene
            .store
            .get_many(&[longest.as_str().into(), "short".into()]),
    );
    assert!(both.unwrap().iter().all(Option::is_some));
    assert_eq!(scene.get_from_second("short").as_deref(), Some("1"));
    let after = scene.stats();
    assert_eq!(
        (after.failures, after.epochs),
        (before.failures, before.epochs)
    );
}

#[test]
fn what_is_written_is_read_at_once_however_far_behind_the_second_level_is() {
    let scene = Scene::new();
    for number in 0..500 {
        let value = number.to_string();
        scene.put("k", &value);
        for _ in 0..number % 4 {
            assert_eq!(scene.get("k"), Some(value.clone()));
        }
        if number % 50 == 0 {
            scene.get_from_second("k");
        }
    }
}

#[test]
fn a_row_that_is_written_late_is_not_read_after_a_commit() {
    let scene = Scene::new();
    scene.put("k", "1");
    let gate = scene.hold_second(Call::Commit);
    scene.get("k");
    wait_for("a call that is held", || gate.waiting() > 0);
    scene.put("k", "2");
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    gate.open();
    scene.second_faults.withdraw_all();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(100) {
        assert_eq!(scene.get("k").as_deref(), Some("2"));
    }
    assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
}

#[test]
fn a_row_that_comes_after_its_time_is_of_an_epoch_that_nobody_reads() {
    let scene = Scene::new();
    scene.put("k", "1");
    let epochs = scene.stats().epochs;
    let gate = scene.hold_second(Call::Commit);
    scene.get("k");
    wait_for("a call that is held", || gate.waiting() > 0);
    scene.put("k", "2");
    wait_for("an end of reads", || !scene.stats().is_read);
    gate.open();
    scene.second_faults.withdraw_all();
    wait_for("a new epoch", || scene.stats().epochs > epochs);
    assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
    // The late row is removed as well, or will be with the next epoch.
    scene.store.find::<Cache>().unwrap().clear();
    wait_for("another epoch", || {
        scene.stats().epochs > epochs + 1 && scene.rows() <= 1
    });
}

#[test]
fn a_second_level_that_fails_is_seen_by_nobody() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get_from_second("k");
    let reads = [Call::Get, Call::GetMany];
    let mut written = 0;
    for (calls, fault) in [
        (&reads[..], Fault::refuse(ErrorKind::Unavailable)),
        (&reads[..], Fault::corrupt()),
        (&[Call::Commit], Fault::refuse(ErrorKind::Full)),
        (&[Call::Commit], Fault::lose_answer(ErrorKind::Unavailable)),
        (&[Call::Commit], Fault::lose_request(ErrorKind::TimedOut)),
    ] {
        let rule = Rule::on_any(calls.iter().copied());
        scene.second_faults.inject(rule, fault).unwrap();
        let failures = scene.stats().failures;
        wait_for("a failure", || {
            written += 1;
            let value = written.to_string();
            scene.put("k", &value);
            assert_eq!(scene.get("k"), Some(value.clone()));
            assert_eq!(scene.get("k"), Some(value));
            failures < scene.stats().failures
        });
        scene.second_faults.withdraw_all();
    }
    assert_eq!(scene.get_from_second("k"), Some(written.to_string()));
}

#[test]
fn a_second_level_that_never_answers_holds_no_read_and_no_commit_up() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get_from_second("k");
    let gate = scene.hold_second(Call::Get);
    let failures = scene.stats().failures;
    assert_eq!(scene.get("k").as_deref(), Some("1"));
    assert_eq!(scene.stats().failures, failures + 1);
    // It rests.
    let calls = scene.second_faults.calls(Call::Get);
    assert_eq!(scene.get("k").as_deref(), Some("1"));
    assert_eq!(scene.second_faults.calls(Call::Get), calls);
    scene.put("k", "2");
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    gate.open();
    scene.second_faults.withdraw_all();
    assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
}

#[test]
fn the_rows_of_a_range_that_is_deleted_are_not_read() {
    let scene = Scene::new();
    for key in ["a", "b/1", "b/2", "c"] {
        scene.put(key, "1");
        scene.get_from_second(key);
    }
    block_on(scene.store.delete_range(KeyRange::prefix("b/"))).unwrap();
    for _ in 0..100 {
        assert_eq!(scene.get("b/1"), None);
        assert_eq!(scene.get("b/2"), None);
    }
    let hits = scene.stats().hits;
    assert_eq!(scene.get("c").as_deref(), Some("1"));
    assert_eq!(scene.stats().hits, hits + 1, "it has kept the others");
}

#[test]
fn the_keys_of_a_dropped_commit_are_not_read_until_its_outcome_is_known() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get_from_second("k");
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Commit).nth(1), Fault::hold(&gate))
        .unwrap();
    let mut committing: Pin<Box<dyn Future<Output = Result<Committed>>>> =
        Box::pin(scene.store.commit(WriteBatch::new().put("k", "2")));
    assert!(poll(&mut committing).is_pending());
    drop(committing);
    let hits = scene.stats().hits;
    assert_eq!(scene.get("k").as_deref(), Some("1"));
    gate.open();
    block_on(scene.faults.settled());
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    assert_eq!(scene.stats().hits, hits);
    assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
}

#[test]
fn a_conflict_forgets_what_was_guarded() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get_from_second("k");
    let old = block_on(scene.store.get("k")).unwrap().unwrap();
    block_on(scene.below.put("k", "theirs")).unwrap();
    assert_eq!(scene.get("k").as_deref(), Some("1"), "nobody else writes");
    let swap = WriteBatch::new().unchanged("k", old.stamp()).put("k", "2");
    let error = block_on(scene.store.commit(swap)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(scene.get("k").as_deref(), Some("theirs"));
}

#[test]
fn what_others_write_is_seen_within_the_time_to_live_of_both_levels_together() {
    let life = Duration::from_secs(10);
    // With room in memory, where what comes from the second level is as old as it was.
    let scene = Scene::with(CacheConfig::shared(1 << 20, life), 1 << 20);
    scene.put("k", "1");
    scene.get("k");
    wait_for("one row", || scene.rows() == 1);
    block_on(scene.below.put("k", "theirs")).unwrap();
    scene.clock.advance(life / 2);
    let cache: &Cache = scene.store.find().unwrap();
    cache.resize(0);
    cache.resize(1 << 20);
    assert_eq!(scene.get_from_second("k").as_deref(), Some("1"));
    let hits = cache.stats().memory.hits;
    assert_eq!(scene.get("k").as_deref(), Some("1"));
    assert_eq!(cache.stats().memory.hits, hits + 1, "it was promoted");
    scene.clock.advance(life / 2);
    assert_eq!(scene.get("k").as_deref(), Some("theirs"));
}

#[test]
fn an_entry_is_not_read_from_it_once_it_has_expired() {
    let scene = Scene::new();
    let life = Duration::from_secs(5);
    block_on(scene.store.put_for("k", "1", life)).unwrap();
    assert_eq!(scene.get_from_second("k").as_deref(), Some("1"));
    scene.clock.advance(life);
    assert_eq!(scene.get("k"), None);
}

#[test]
fn a_row_that_is_damaged_is_counted_and_read_below() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get_from_second("k");
    let rows = scene.second.scan(KeyRange::all(), ScanOptions::new());
    for item in block_on(rows.collect()).unwrap() {
        block_on(scene.second.put(item.key, "garbage")).unwrap();
    }
    let failures = scene.stats().failures;
    assert_eq!(scene.get("k").as_deref(), Some("1"));
    assert_eq!(scene.stats().failures, failures + 1);
}

#[test]
fn what_is_given_more_than_it_may_hold_begins_anew() {
    let scene = Scene::with(CacheConfig::exclusive(0), 2_000);
    let epochs = scene.stats().epochs;
    for number in 0..200 {
        let key = format!("key/{number:03}");
        scene.put(&key, &"v".repeat(100));
        assert!(scene.get(&key).is_some());
    }
    wait_for("a new epoch", || {
        scene.stats().epochs > epochs && scene.rows() < 100
    });
}

#[test]
fn a_get_that_is_dropped_while_it_waits_for_the_second_level_leaves_nobody_waiting() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get_from_second("k");
    let gate = scene.hold_second(Call::Get);
    let mut leading = Box::pin(scene.store.get("k"));
    assert!(poll(&mut leading).is_pending());
    let mut joined = Box::pin(scene.store.get("k"));
    assert!(poll(&mut joined).is_pending());
    drop(leading);
    scene.put("k", "2");
    gate.open();
    scene.second_faults.withdraw_all();
    // It looks again, and finds what was written meanwhile.
    let found = block_on(joined).unwrap().unwrap();
    assert_eq!(found.value().as_ref(), b"2");
    assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
}
