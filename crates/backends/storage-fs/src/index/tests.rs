//! The index against an ordered map, and pages against damage.

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
};

use storage_core::{Direction, SeededRandom};

use super::{Entries, Index, Page, Totals};
use crate::{
    Codec,
    version::{Content, FileContent, Version, VersionId},
};

fn version(id: u64) -> Version {
    Version {
        id: VersionId(id),
        expires: None,
        content: Content::File(FileContent {
            codec: Codec::None,
            bytes: id,
            checksum: 7,
            value_bytes: id,
        }),
    }
}

fn key(number: u64) -> Vec<u8> {
    match number % 5 {
        0 => format!("key/{number:05}").into_bytes(),
        1 => number.to_be_bytes().to_vec(),
        2 => vec![0xFF; usize::try_from(number % 40).unwrap()],
        3 => vec![7; usize::try_from(number % 3_000).unwrap()],
        _ => format!("another/{}", number % 100).into_bytes(),
    }
}

type Model = BTreeMap<Vec<u8>, Version>;

fn listed(index: &Index, bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Vec<(Vec<u8>, Version)> {
    let forward: Vec<_> = Entries::new(index.clone(), bounds.clone(), Direction::Forward).collect();
    let mut reverse: Vec<_> = Entries::new(index.clone(), bounds, Direction::Reverse).collect();
    reverse.reverse();
    assert_eq!(forward, reverse);
    forward
        .into_iter()
        .map(|(key, version)| (key.to_vec(), version))
        .collect()
}

fn all(index: &Index) -> Vec<(Vec<u8>, Version)> {
    listed(index, (Bound::Unbounded, Bound::Unbounded))
}

fn totals(model: &Model) -> Totals {
    let mut totals = Totals::default();
    for version in model.values() {
        totals.add(version);
    }
    totals
}

#[test]
fn an_index_does_as_an_ordered_map_does() {
    let random = SeededRandom::new(5);
    let (mut index, mut model) = (Index::default(), Model::new());
    let mut earlier = Vec::new();
    for step in 0..20_000 {
        let key = key(random.next_u64() % 4_000);
        // First it mostly grows, then it mostly shrinks.
        if random.next_u64() % 3 == u64::from(step < 10_000) {
            assert_eq!(index.remove(&key), model.remove(&key), "{key:?}");
        } else {
            let version = version(step);
            assert_eq!(
                index.put(&key, &version),
                model.insert(key.clone(), version)
            );
        }
        let sought = self::key(random.next_u64() % 4_000);
        assert_eq!(index.get(&sought), model.get(&sought).copied());
        if step % 2_500 == 0 {
            earlier.push((index.clone(), model.clone()));
        }
    }
    earlier.push((index, model));
    for (index, model) in earlier {
        assert!(all(&index).into_iter().eq(model.clone()));
        assert_eq!(index.totals(), &totals(&model));
        let page_bytes: usize = index.pages().map(|page| page.bytes().len()).sum();
        assert_eq!(index.page_bytes, page_bytes);
    }
}

#[test]
fn a_range_holds_what_lies_between_its_bounds() {
    let random = SeededRandom::new(6);
    let (mut index, mut model) = (Index::default(), Model::new());
    for number in 0..2_000 {
        let key = key(random.next_u64() % 4_000);
        index.put(&key, &version(number));
        model.insert(key, version(number));
    }
    for _ in 0..500 {
        let bound = || {
            let key = key(random.next_u64() % 4_000);
            match random.next_u64() % 5 {
                0 => Bound::Unbounded,
                1 | 2 => Bound::Included(key),
                _ => Bound::Excluded(key),
            }
        };
        let bounds = (bound(), bound());
        let is_within = |key: &[u8]| {
            let slices = (bounds.0.as_ref(), bounds.1.as_ref());
            let slices = (slices.0.map(Vec::as_slice), slices.1.map(Vec::as_slice));
            RangeBounds::<[u8]>::contains(&slices, key)
        };
        let expected = model.iter().filter(|(key, _)| is_within(key));
        let expected = expected.map(|(key, version)| (key.clone(), *version));
        assert!(listed(&index, bounds.clone()).into_iter().eq(expected));
    }
}

#[test]
fn keys_that_come_in_order_leave_full_pages() {
    let mut index = Index::default();
    for number in 0..10_000_u64 {
        index.put(format!("key/{number:08}").as_bytes(), &version(number));
    }
    let pages = index.pages().count();
    assert!(index.page_bytes / pages > Page::BYTES_MAX * 9 / 10);
    for number in 0..10_000_u64 {
        index.remove(format!("key/{number:08}").as_bytes());
    }
    assert_eq!((index.pages().count(), index.pages.len()), (0, 1));
    assert_eq!(index.totals(), &Totals::default());
}

#[test]
fn an_index_is_built_anew_of_its_pages_in_their_order_only() {
    let mut index = Index::default();
    for number in 0..1_000 {
        index.put(&key(number), &version(number));
    }
    let mut again = Index::default();
    for page in index.pages() {
        let (page, first, totals) = Page::parse(page.bytes()).unwrap();
        again.push(page.clone(), first.clone(), &totals).unwrap();
        assert_eq!(again.push(page, first, &totals), None);
    }
    assert_eq!(all(&again), all(&index));
    assert_eq!(again.totals(), index.totals());
}

#[test]
fn bytes_that_are_no_page_are_not_taken_for_one() {
    let mut index = Index::default();
    for number in 0..20 {
        index.put(&key(number * 5), &version(number));
    }
    let page = index.pages().next().unwrap().bytes().to_vec();
    assert!(Page::parse(&page).is_some());
    assert!(Page::parse(&[]).is_none());
    for place in 0..page.len() {
        for bit in 0..8 {
            let mut damaged = page.clone();
            damaged[place] ^= 1 << bit;
            // Checksums are above; here it must only not go wrong.
            if let Some((parsed, first, _)) = Page::parse(&damaged) {
                assert!(parsed.get(&first).is_some());
            }
        }
        assert!(
            Page::parse(&page[..place]).is_none_or(|(parsed, ..)| parsed.bytes().len() == place)
        );
    }
    let twice = [&page[..], &page].concat();
    assert!(Page::parse(&twice).is_none());
}

/// Pages are searched by what is said to be shared; that it is, and is all that
/// is, must hold of every page that is taken in.
#[test]
fn a_key_that_shares_less_or_more_than_it_says_makes_no_page() {
    let entry = |shared: u8, rest: &[u8]| {
        let length = u8::try_from(rest.len()).unwrap();
        let mut bytes = [&[shared, length], rest].concat();
        version(1).put(&mut bytes);
        bytes
    };
    let first = entry(0, b"ab");
    for (shared, rest, is_page) in [
        (1, &b"c"[..], true),
        (2, b"c", true),
        (0, b"b", true),
        (0, b"ac", false),
        (0, b"abc", false),
        (1, b"bc", false),
        (3, b"c", false),
        (2, b"", false),
        (1, b"", false),
        (1, b"a", false),
    ] {
        let page = [&first[..], &entry(shared, rest)].concat();
        let parsed = Page::parse(&page);
        assert_eq!(parsed.is_some(), is_page, "{shared} {rest:?}");
    }
}

/// Keys that share with their neighbours all that keys can: nothing, all but the
/// end, and themselves.
#[test]
fn a_page_finds_its_keys_and_no_others() {
    let mut keys: Vec<Vec<u8>> = vec![Vec::new()];
    for length in 1..=4 {
        for number in 0..3_usize.pow(length) {
            let letter = |place| b'b' + u8::try_from(number / 3_usize.pow(place) % 3).unwrap();
            keys.push((0..length).map(letter).collect());
        }
    }
    let random = SeededRandom::new(7);
    for _ in 0..200 {
        let (mut index, mut model) = (Index::default(), Model::new());
        let odds = 2 + random.next_u64() % 6;
        for (number, key) in (0..).zip(&keys) {
            if random.next_u64().is_multiple_of(odds) {
                index.put(key, &version(number));
                model.insert(key.clone(), version(number));
            }
        }
        for key in &keys {
            for sought in [
                key.clone(),
                [&key[..], b"a"].concat(),
                [&key[..], b"e"].concat(),
            ] {
                assert_eq!(
                    index.get(&sought),
                    model.get(&sought).copied(),
                    "{sought:?}"
                );
            }
        }
    }
}
