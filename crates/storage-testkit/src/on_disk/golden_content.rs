//! What every golden store holds.
//!
//! It never changes: stores of all versions hold it. A store that is to hold
//! something else needs a content of its own beside this one.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use storage_core::{
    Key, KeyRange, OwnedKey, Put, ReadExt, ScanOptions, Store, StoreExt, Timestamp, WriteBatch,
};

use crate::{CaseResult, failure::ensure, fixture::system_keys};

/// The entries by their keys: each value and when it expires.
pub(super) type Content = BTreeMap<OwnedKey, (Bytes, Option<Timestamp>)>;

/// The first moment of the year 2100.
const FAR: Timestamp = Timestamp::from_unix_milliseconds(4_102_444_800_000);

const END_OF_TIME: Timestamp = Timestamp::from_unix_milliseconds(u64::MAX);

/// Keys that were there for a while.
const DELETED: &str = "deleted";
const DELETED_RANGE: &str = "range/";

/// A key that was put twice.
const OVERWRITTEN: &str = "overwritten";

/// What a golden store holds.
pub(super) fn expected() -> Content {
    let sentence = b"a hundred thousand bytes that compress well. ";
    let long_value: Vec<u8> = sentence.iter().copied().cycle().take(100_000).collect();
    let long_key: Vec<u8> = (0..=u8::MAX).rev().cycle().take(512).collect();
    let lasting = [
        (&b""[..], &b"the empty key"[..]),
        (b"\x00", b"a zero"),
        (b"\x00\x00", b"two zeros"),
        (b"\x00\xFF", b"the least and the greatest"),
        (b"\xFF", b"the greatest"),
        (&[0xFF; 40], b"a run of the greatest"),
        (&long_key, b"the longest key that every engine takes"),
        (b"empty", b""),
        (b"zeros", &[0; 300]),
        (b"compressible", &long_value),
        (b"incompressible", &noise(3_000)),
        (OVERWRITTEN.as_bytes(), b"the second value"),
    ];
    let expiring = [
        (&b"expires in 2100"[..], &b"not yet"[..], FAR),
        (b"expires in 2100, empty", b"", FAR),
        (b"expires at the end of time", b"never", END_OF_TIME),
    ];
    let system = [
        (&b""[..], &b"a layer's"[..]),
        (b"\x00", b""),
        (b"\xFF\xFF", b"the greatest of a layer"),
        (b"row/001", b"not the user's"),
    ];
    let rows = (0..100_u8).map(|number| format!("row/{number:03}"));
    let bytes = Bytes::copy_from_slice;
    let mut content = Content::new();
    content.extend(lasting.map(|(key, value)| (bytes(key).into(), (bytes(value), None))));
    content.extend(
        expiring.map(|(key, value, expires)| (bytes(key).into(), (bytes(value), Some(expires)))),
    );
    content.extend(system.map(|(key, value)| (system_keys().key(key), (bytes(value), None))));
    content.extend(rows.map(|row| {
        (
            OwnedKey::from(row.clone()),
            (Bytes::from(row.repeat(2)), None),
        )
    }));
    content
}

/// Makes every other entry of the content, and what [`finish`] changes.
pub(super) async fn begin(store: &impl Store) -> CaseResult {
    let batch = expected()
        .into_iter()
        .step_by(2)
        .fold(WriteBatch::new(), put);
    let mut batch = batch
        .put(OVERWRITTEN, "the first value")
        .put(DELETED, "for a while");
    for number in 0..10_u8 {
        batch = batch.put(format!("{DELETED_RANGE}{number}"), "for a while");
    }
    store.commit(batch).await?;
    Ok(())
}

/// Completes a content that was [begun](begin). Of one that is complete, it
/// writes the same entries again.
pub(super) async fn finish(store: &impl Store) -> CaseResult {
    let overwritten = OwnedKey::from(OVERWRITTEN.to_owned());
    let rest = expected()
        .into_iter()
        .enumerate()
        .filter(|(index, (key, _))| index % 2 == 1 || *key == overwritten)
        .map(|(_, entry)| entry);
    let batch = rest.fold(WriteBatch::new(), put);
    store.commit(batch.delete(DELETED)).await?;
    let range = WriteBatch::new().delete_range(KeyRange::prefix(DELETED_RANGE));
    store.commit(range).await?;
    Ok(())
}

fn put(batch: WriteBatch, entry: (OwnedKey, (Bytes, Option<Timestamp>))) -> WriteBatch {
    let (key, (value, expires)) = entry;
    let put = Put::new(key, value);
    batch.mutation(match expires {
        Some(expires) => put.until(expires),
        None => put,
    })
}

/// Checks that a store holds the content and nothing else, as scans and gets
/// show it.
pub(super) async fn check(store: &impl Store) -> CaseResult {
    let scanned = scanned(store).await?;
    let mut got = Content::new();
    for key in expected().into_keys() {
        if let Some(entry) = store.get(&key).await? {
            got.insert(key, (entry.value().clone(), entry.expires()));
        }
    }
    for (reads, found) in [("scans", scanned), ("gets", got)] {
        let wrong = differences(&found, &expected());
        ensure!(
            wrong.is_empty(),
            "{reads} show other entries than were put:\n    {}",
            wrong.join("\n    ")
        );
    }
    Ok(())
}

/// Which entries are not as expected, a line for each.
fn differences(found: &Content, expected: &Content) -> Vec<String> {
    const SHOWN: usize = 20;
    let words = |content: &Content, key| match content.get(key) {
        None => "absent".into(),
        Some((value, expires)) => {
            let begin = value.get(..SHOWN).unwrap_or(value).escape_ascii();
            format!("{} bytes \"{begin}\", expiring {expires:?}", value.len())
        }
    };
    let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differ = |key: &&OwnedKey| found.get(key) != expected.get(key);
    keys.into_iter()
        .filter(differ)
        .map(|key| {
            let (found, expected) = (words(found, key), words(expected, key));
            format!("{key:?} is {found}, should be {expected}")
        })
        .collect()
}

async fn scanned(store: &impl Store) -> CaseResult<Content> {
    let mut content = Content::new();
    for range in [KeyRange::all(), system_keys().range()] {
        let space = range.space();
        let items = store.scan(range, ScanOptions::new()).collect().await?;
        for item in items {
            let key = Key::in_space(space, &item.key).to_owned();
            content.insert(key, (item.entry.value().clone(), item.entry.expires()));
        }
    }
    Ok(content)
}

/// Bytes that nothing compresses, the same ones forever.
fn noise(length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    blake3::Hasher::new()
        .update(b"golden store")
        .finalize_xof()
        .fill(&mut noise);
    noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_the_one_that_all_golden_stores_hold() {
        let mut hasher = blake3::Hasher::new();
        for (key, (value, expires)) in expected() {
            for part in [key.bytes(), &value] {
                hasher.update(&part.len().to_be_bytes()).update(part);
            }
            hasher.update(format!("{:?} {expires:?}", key.space()).as_bytes());
        }
        assert_eq!(expected().len(), 119);
        assert_eq!(
            hasher.finalize().to_string(),
            "d7e55e4969e1fd0e32876a6340b1c0599d6d6076ac7c4a586a7c874a8849b81f",
            "golden stores hold another content"
        );
    }
}
