//! The stored forms of version 1, which every later version reads.

use std::fmt::Write;

use bytes::Bytes;
use storage_core::{
    Key, KeyRange, OwnedKey, ReadExt, ScanOptions, Space, Stack, StoreExt, blocking::block_on,
    layer::is_core_key, memory::MemoryConfig,
};
use storage_dedup::{DedupConfig, DedupLayer};

use crate::scene::{Scene, hexadecimal, noise};

/// Lines of a space, a key and a value, in hexadecimal digits; `-` is nothing.
const GOLDEN: &str = include_str!("golden_v1.txt");

fn bytes(hexadecimal: &str) -> Bytes {
    let digits = hexadecimal.trim_matches('-').as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn digits(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".into();
    }
    hexadecimal(bytes)
}

/// A short value, one of one chunk, one of several, two equal ones, one in the system
/// space, and a chunk that is condemned.
fn written() -> Scene {
    let scene = Scene::new();
    scene.put("", "short");
    scene.put("one", noise(1, 64));
    scene.put("equal", noise(1, 64));
    scene.put("several", noise(2, 1_100));
    let system = storage_core::SystemKeys::of("other").key("x");
    block_on(scene.store.put(&system, noise(3, 70))).unwrap();
    scene.put("gone", noise(4, 65));
    scene.delete("gone");
    scene.collect();
    scene
}

#[test]
fn the_golden_rows_are_written() {
    let scene = written();
    let mut text = String::new();
    for space in [Space::User, Space::System] {
        let range = KeyRange::all().in_space(space);
        let items = scene.below.scan(range, ScanOptions::new()).collect();
        for item in block_on(items).unwrap() {
            if !is_core_key(Key::in_space(space, &item.key)) {
                let [key, value] = [&item.key, item.entry.value()].map(|bytes| digits(bytes));
                writeln!(text, "{space:?} {key} {value}").unwrap();
            }
        }
    }
    let golden: String = GOLDEN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(text, golden, "\n{text}");
}

#[test]
fn the_golden_rows_are_read() {
    let below = MemoryConfig::new().open();
    let open = || {
        let layer = DedupLayer::new(DedupConfig::new());
        block_on(Stack::on(below.clone()).with(layer).open()).unwrap()
    };
    drop(open());
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split(' ');
        let space = match parts.next().unwrap() {
            "User" => Space::User,
            _ => Space::System,
        };
        let mut next = || bytes(parts.next().unwrap());
        let (key, value) = (next(), next());
        block_on(below.put(OwnedKey::in_space(space, key), value)).unwrap();
    }
    let store = open();
    let system = storage_core::SystemKeys::of("other").key("x");
    for (key, value) in [
        (OwnedKey::from(""), b"short".to_vec()),
        ("one".into(), noise(1, 64)),
        ("equal".into(), noise(1, 64)),
        ("several".into(), noise(2, 1_100)),
        (system, noise(3, 70)),
    ] {
        let entry = block_on(store.get(&key)).unwrap().unwrap();
        assert_eq!(entry.value(), &value, "{key:?}");
    }
    assert_eq!(
        block_on(storage_core::Store::check(&store))
            .unwrap()
            .damages,
        []
    );
}
