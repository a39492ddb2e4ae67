//! Copies to and from a server.

use std::{fmt::Write as _, io::Write};

use serde_json::Value;

use super::database;
use crate::support::{Bench, at, done_at};

/// Records of all sizes up to 1 MiB, with keys of all bytes, in hexadecimal
/// digits as an export writes them.
fn mixed_records(count: u32) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut record = |key: &[u8], value: &[u8]| {
        let (key, value) = (hex(key), hex(value));
        writeln!(lines, r#"{{"key_hex":"{key}","value_hex":"{value}"}}"#).unwrap();
    };
    record(b"", b"under the empty key");
    record(b"\x00", b"");
    record(b"\x00\x00", b"\x00");
    record(b"\xff", b"\xff");
    record(b"\xff\xff", &[0; 300]);
    record(b"large", &noise(7, 1 << 20));
    for number in 6..count {
        let mut key = vec![number.to_le_bytes()[0]];
        key.extend(number.to_be_bytes());
        // Most are small, as in most stores.
        let size = match number % 50 {
            0 => 20_000,
            1..10 => 2_500,
            rest => rest,
        };
        record(&key, &noise(number, usize::try_from(size).unwrap()));
    }
    lines
}

/// Bytes that nothing compresses, by the generator xorshift32.
fn noise(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}

fn copied(from: &str, to: &str) -> Value {
    let copied = done_at(from, &["copy", "--to", to, "--json"]);
    serde_json::from_slice(&copied).unwrap()
}

#[test]
fn a_copy_by_way_of_a_server_is_the_same_store() {
    let bench = Bench::new();
    let records = bench.write("records.jsonl", mixed_records(2_000));
    bench.done(&["import", records.to_str().unwrap()]);
    let server = database().url();
    let sqlite = format!("sqlite:{}", bench.path("sqlite").display());
    let first = copied(&bench.url(), &server);
    let second = copied(&server, &sqlite);
    assert_eq!(first["entries"], 2_000);
    assert_eq!(first["verified"], second["verified"]);
    let entries = |url: &str| done_at(url, &["scan", "--json", "--hex"]);
    let expected = entries(&bench.url());
    assert!(entries(&server) == expected);
    assert!(entries(&sqlite) == expected);
}

#[test]
fn a_copy_to_a_server_is_resumed_and_not_repeated() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let server = database().url();
    copied(&bench.url(), &server);
    let again = at(&bench.url(), &["copy", "--to", &server], b"");
    again.failed(2, &["is not empty"]);
    let resumed = done_at(
        &bench.url(),
        &["copy", "--to", &server, "--resume", "--json"],
    );
    let resumed: Value = serde_json::from_slice(&resumed).unwrap();
    assert_eq!(resumed["unchanged"], 1);
}

#[test]
fn a_store_on_a_server_is_not_copied_to_itself() {
    let server = database().url();
    done_at(&server, &["put", "a", "1"]);
    let same = at(&server, &["copy", "--to", &server], b"");
    same.failed(2, &["the same store"]);
    // Nor where it is written in another way.
    let other = format!("{server}?schema=storage");
    at(&server, &["copy", "--to", &other, "--resume"], b"").failed(2, &["the same store"]);
}
