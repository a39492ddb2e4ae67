//! Reads, and what guards see.

use storage_core::{
    Direction, ErrorKind, KeyRange, Read, ReadExt, ScanOptions, Space, Store, StoreExt, SystemKeys,
    WriteBatch, blocking::block_on,
};

use crate::scene::Scene;

#[test]
fn a_page_holds_as_many_bytes_as_were_asked_for_once_decoded() {
    let scene = Scene::new();
    for number in 0..20 {
        scene.put(&format!("{number:02}"), "a".repeat(1_000));
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
fn a_keys_only_scan_decodes_nothing() {
    let scene = Scene::new();
    scene.put("k", "a".repeat(1_000));
    scene.put_form("damaged", vec![9; 9]);
    let keys = ScanOptions::new().keys_only();
    let items = block_on(scene.store.scan(KeyRange::all(), keys).collect()).unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(scene.stats().zstd.decompressed, 0);
    let values = scene.store.scan(KeyRange::all(), ScanOptions::new());
    assert_eq!(
        block_on(values.collect()).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[test]
fn a_swap_compares_values_whatever_form_they_are_stored_in() {
    let scene = Scene::new();
    let value = "a".repeat(100);
    scene.put("k", value.clone());
    let stamp = block_on(scene.store.get("k")).unwrap().unwrap().stamp();
    let other =
        Scene::with(storage_compress::CompressConfig::new().codec(storage_compress::Codec::None));
    other.put("k", value.clone());
    scene.put_form("k", other.form("k"));
    // The same value in another form: a guard on the old one does not hold, a swap does.
    let guarded = WriteBatch::new().unchanged("k", stamp).put("k", "new");
    let error = block_on(scene.store.commit(guarded)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let swap = scene
        .store
        .compare_and_swap("k", Some(value.as_bytes()), Some("new".into()));
    block_on(swap).unwrap();
    assert_eq!(scene.get("k").unwrap().unwrap(), "new");
}

#[test]
fn the_header_and_the_own_keys_pass_as_they_are() {
    let scene = Scene::new();
    let own = SystemKeys::of("compress").key("dictionary");
    let other = SystemKeys::of("dedup").key("row");
    block_on(scene.below.put(&own, "bare")).unwrap();
    block_on(scene.store.put(&other, "a".repeat(100))).unwrap();
    let header = block_on(storage_core::StoreHeader::read(&scene.store)).unwrap();
    assert_eq!(header.unwrap().layers[0].name, "compress");
    let system = KeyRange::all().in_space(Space::System);
    let items = block_on(
        scene
            .store
            .scan(system.clone(), ScanOptions::new())
            .collect(),
    )
    .unwrap();
    assert_eq!(items.len(), 3);
    // Whoever deletes all of the system space does not delete what values need.
    block_on(scene.store.delete_range(system)).unwrap();
    assert!(block_on(scene.store.exists(&own)).unwrap());
    assert!(!block_on(scene.store.exists(&other)).unwrap());
}

#[test]
fn a_snapshot_is_decoded_as_the_store_is() {
    let scene = Scene::new();
    scene.put("k", "a".repeat(100));
    let snapshot = block_on(scene.store.snapshot()).unwrap();
    scene.put("k", "b".repeat(100));
    let entry = block_on(snapshot.get("k")).unwrap().unwrap();
    assert_eq!(entry.value(), "a".repeat(100).as_bytes());
    let many = block_on(snapshot.get_many(&["k".into(), "absent".into()])).unwrap();
    assert_eq!(many[0].as_ref().unwrap().value(), entry.value());
    assert_eq!(many[1], None);
}

#[test]
fn limits_leave_room_for_forms() {
    let scene = Scene::new();
    let (above, below) = (scene.store.capabilities(), scene.below.capabilities());
    assert_eq!(above.value_bytes_max, below.value_bytes_max - 5);
    assert_eq!(above.batch_operations_max, below.batch_operations_max - 16);
    let forms = 5 * above.batch_operations_max;
    assert_eq!(above.batch_bytes_max, below.batch_bytes_max - forms);
}
