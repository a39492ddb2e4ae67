//! Single bits that changed below all three layers.

use std::time::Duration;

use storage::{
    Components, ErrorKind, Key, KeyRange, OwnedKey, Random, ReadExt, ScanOptions, SeededRandom,
    SharedStore, Space, StoreExt, SystemKeys, Timestamp, WriteBatch,
    blocking::block_on,
    layer::is_core_key,
    memory::{MemoryBackend, MemoryConfig},
};

use crate::layers::{Layers, Upkeep};

/// A row below all layers.
struct Row {
    key: OwnedKey,
    value: Vec<u8>,
    expires: Option<Timestamp>,
}

fn open(below: &MemoryBackend) -> storage::Result<SharedStore> {
    let engine = SharedStore::new(below.clone());
    block_on(Layers::ALL.on(engine, Components::default(), Upkeep::OnDemand))
}

/// A short value, one that is compressed, one of several chunks, one that expires.
fn values() -> [(&'static str, Vec<u8>); 4] {
    let mut noise = vec![0; 1_200];
    SeededRandom::new(1).fill(&mut noise).unwrap();
    [
        ("short", b"s".to_vec()),
        ("compressed", b"a value, ".repeat(40)),
        ("several", noise),
        ("expires", b"soon, and sooner, and soonest".to_vec()),
    ]
}

fn rows(below: &MemoryBackend) -> Vec<Row> {
    let mut rows = Vec::new();
    for space in [Space::User, Space::System] {
        let range = KeyRange::all().in_space(space);
        for item in block_on(below.scan(range, ScanOptions::new()).collect()).unwrap() {
            if !is_core_key(Key::in_space(space, &item.key)) {
                rows.push(Row {
                    key: OwnedKey::in_space(space, item.key),
                    value: item.entry.value().to_vec(),
                    expires: item.entry.expires(),
                });
            }
        }
    }
    rows
}

fn write(below: &MemoryBackend, row: &Row, value: Vec<u8>) {
    let batch = match row.expires {
        Some(expires) => WriteBatch::new().put_until(&row.key, value, expires),
        None => WriteBatch::new().put(&row.key, value),
    };
    block_on(below.commit(batch)).unwrap();
}

#[test]
fn whichever_bit_of_whichever_row_changes_what_is_read_is_right_or_corrupt() {
    let below = MemoryConfig::new().open();
    let store = open(&below).unwrap();
    for (key, value) in values() {
        let put = match key {
            "expires" => block_on(store.put_for(key, value, Duration::from_hours(1))),
            _ => block_on(store.put(key, value)),
        };
        put.unwrap();
    }
    let settings = SystemKeys::of("dedup").key("k");
    let mut found = 0;
    for row in rows(&below) {
        for bit in 0..row.value.len() * 8 {
            let mut damaged = row.value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            write(&below, &row, damaged);
            for (key, value) in values() {
                match block_on(store.get(key)) {
                    Ok(entry) => assert_eq!(entry.unwrap().value(), &value, "{:?} {bit}", row.key),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                        found += 1;
                    }
                }
            }
            if row.key == settings {
                // It is read when a store is opened.
                assert_eq!(open(&below).unwrap_err().kind(), ErrorKind::Corrupt);
            }
        }
        write(&below, &row, row.value.clone());
    }
    assert!(found > 10_000, "{found}");
}
