//! Reads, and what guards see.

use std::sync::Mutex;

use storage_core::{
    Components, Direction, ErrorKind, Executor, Job, KeyRange, Read, ReadExt, Result, ScanOptions,
    Space, Stack, StoreExt, SystemKeys, WriteBatch, blocking::block_on, memory::MemoryConfig,
};
use storage_dedup::DedupLayer;

use crate::scene::{Scene, config, noise};

#[test]
fn a_page_holds_as_many_bytes_as_were_asked_for() {
    let scene = Scene::new();
    for number in 0..20 {
        scene.put(&format!("{number:02}"), noise(number % 3, 1_000));
    }
    for direction in [Direction::Forward, Direction::Reverse] {
        let mut options = ScanOptions::new().bytes_max(3_100);
        options.direction = direction;
        let (mut keys, mut rest) = (Vec::new(), Some(KeyRange::all()));
        while let Some(range) = rest {
            let page = block_on(scene.store.scan_with(&range, &options)).unwrap();
            assert!(page.items.len() <= 3);
            keys.extend(page.items.into_iter().map(|item| item.key));
            rest = page.next;
        }
        if direction == Direction::Reverse {
            keys.reverse();
        }
        let expected: Vec<_> = (0..20).map(|number| format!("{number:02}")).collect();
        assert_eq!(keys, expected);
    }
}

#[test]
fn a_keys_only_scan_reads_no_chunk() {
    let scene = Scene::new();
    scene.put("k", noise(1, 500));
    let hash = scene.rows("c").remove(0).0;
    block_on(scene.below.delete(&Scene::own_key("c", &hash))).unwrap();
    let keys = ScanOptions::new().keys_only();
    let items = block_on(scene.store.scan(KeyRange::all(), keys).collect()).unwrap();
    assert_eq!(items.len(), 1);
    let values = scene.store.scan(KeyRange::all(), ScanOptions::new());
    let error = block_on(values.collect()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn many_values_are_read_at_once_in_their_order() {
    let scene = Scene::new();
    scene.put("chunk", noise(1, 500));
    scene.put("again", noise(1, 500));
    scene.put("chunks", noise(2, 5_000));
    scene.put("short", "short");
    let keys = ["chunks", "absent", "short", "again", "chunk"].map(Into::into);
    let many = block_on(scene.store.get_many(&keys)).unwrap();
    let values: Vec<_> = many
        .iter()
        .map(|entry| entry.as_ref().map(|entry| entry.value().to_vec()))
        .collect();
    assert_eq!(
        values,
        [
            Some(noise(2, 5_000)),
            None,
            Some(b"short".to_vec()),
            Some(noise(1, 500)),
            Some(noise(1, 500)),
        ]
    );
}

#[test]
fn a_snapshot_keeps_the_chunks_of_its_rows() {
    let scene = Scene::new();
    scene.put("k", noise(1, 500));
    let snapshot = block_on(scene.store.snapshot()).unwrap();
    scene.delete("k");
    scene.collect();
    scene.clock.advance(crate::scene::GRACE);
    scene.collect();
    assert_eq!(scene.chunks(), 0);
    let entry = block_on(snapshot.get("k")).unwrap().unwrap();
    assert_eq!(entry.value(), &noise(1, 500));
}

#[test]
fn a_swap_compares_values() {
    let scene = Scene::new();
    scene.put("k", noise(1, 500));
    let swap = |expected: Vec<u8>, new: Vec<u8>| {
        let swap = scene
            .store
            .compare_and_swap("k", Some(&expected), Some(new.into()));
        block_on(swap).map(drop)
    };
    assert_eq!(
        swap(noise(2, 500), noise(3, 500)).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    swap(noise(1, 500), noise(3, 500)).unwrap();
    assert_eq!(scene.get("k").unwrap().unwrap(), noise(3, 500));
    let stamp = block_on(scene.store.get("k")).unwrap().unwrap().stamp();
    let guarded = || {
        WriteBatch::new()
            .unchanged("k", stamp.clone())
            .put("k", noise(4, 500))
    };
    block_on(scene.store.commit(guarded())).unwrap();
    let error = block_on(scene.store.commit(guarded())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[test]
fn the_own_keys_are_not_shown_and_those_of_others_are() {
    let scene = Scene::new();
    scene.put("k", noise(1, 500));
    let (before, behind) = (
        SystemKeys::of("aaa").key("x"),
        SystemKeys::of("zzz").key("x"),
    );
    for key in [&before, &behind] {
        block_on(scene.store.put(key, noise(2, 500))).unwrap();
    }
    let own = Scene::own_key("k", b"");
    assert!(block_on(scene.below.exists(&own)).unwrap());
    assert_eq!(block_on(scene.store.get(&own)).unwrap(), None);
    let many = block_on(scene.store.get_many(&[own.clone(), before.clone()])).unwrap();
    assert!(many[0].is_none() && many[1].is_some());
    let header = block_on(storage_core::StoreHeader::read(&scene.store)).unwrap();
    assert_eq!(header.unwrap().layers[0].name, "dedup");
    for options in [
        ScanOptions::new(),
        ScanOptions::new().reverse().entries_max(1),
    ] {
        let range = KeyRange::all().in_space(Space::System);
        let items = block_on(scene.store.scan(range, options).collect()).unwrap();
        let keys: Vec<_> = items.iter().map(|item| &item.key).collect();
        assert!(keys.contains(&before.bytes()) && keys.contains(&behind.bytes()));
        assert!(keys.iter().all(|key| !key.starts_with(b"\x02dedup\x00")));
    }
    let range = SystemKeys::of("dedup").range();
    let items = scene.store.scan(range, ScanOptions::new()).collect();
    assert!(block_on(items).unwrap().is_empty());
}

/// An executor that counts its jobs, and does each at once.
#[derive(Debug, Default)]
struct Counting(Mutex<usize>);

impl Executor for &'static Counting {
    fn execute(&self, job: Job) -> Result<()> {
        *self.0.lock().unwrap() += 1;
        job();
        Ok(())
    }
}

#[test]
fn many_bytes_are_hashed_by_the_pool_and_few_are_not() {
    let counting: &'static Counting = Box::leak(Box::default());
    let components = Components::default().with_executor(counting);
    let opening = Stack::on(MemoryConfig::new().open())
        .with(DedupLayer::new(config().inline_bytes_max(1_000)))
        .components(components)
        .open();
    let store = block_on(opening).unwrap();
    for (bytes, expected) in [(1_000, 0), (1_001, 1)] {
        let jobs = || *counting.0.lock().unwrap();
        let before = jobs();
        block_on(store.put("k", noise(1, bytes))).unwrap();
        assert_eq!(jobs() - before, expected, "{bytes}");
        block_on(store.get("k")).unwrap();
        assert_eq!(jobs() - before, 2 * expected, "{bytes}");
    }
}
