//! Ranges: which keys a scan returns, and in which order.

use std::ops::Bound;

use bytes::Bytes;
use storage_core::{
    Direction, ErrorKind, Key, KeyRange, Read, ReadExt, ScanOptions, ScanOrder, Space, Store,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{
        NASTY_KEYS, directions, fill, in_key_order, key_value, owned, refused, towards, walk,
    },
};

/// Open, closed and missing bounds on every pair of nasty keys, in both
/// directions, against [`KeyRange::contains`].
pub async fn every_kind_of_bound_selects_its_keys<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, "v"))).await?;
    for start in bounds() {
        for end in bounds() {
            let range = KeyRange::from_bounds(Space::User, start.clone(), end);
            for direction in directions(store.capabilities()) {
                let expected = selected(&range, *direction);
                ensure_eq!(
                    keys(&store, &range, *direction).await?,
                    expected,
                    "{direction:?} through {range:?}"
                );
            }
        }
    }
    Ok(())
}

/// A prefix scan returns the prefix itself and all that begin with it.
pub async fn a_prefix_scan_returns_the_keys_that_begin_with_it<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, "v"))).await?;
    for prefix in NASTY_KEYS {
        let mut found: Vec<_> = store
            .scan_prefix(owned(prefix))
            .collect()
            .await?
            .into_iter()
            .map(|item| item.key)
            .collect();
        found.sort();
        let expected: Vec<_> = NASTY_KEYS
            .iter()
            .filter(|key| key.starts_with(prefix))
            .map(|key| owned(key).into_bytes())
            .collect();
        ensure_eq!(
            found,
            expected,
            "keys that begin with \"{}\"",
            prefix.escape_ascii()
        );
    }
    Ok(())
}

/// A range that no key can lie in is scanned without error or entry.
pub async fn an_empty_or_inverted_range_holds_nothing<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, ["", "a", "a\0", "b"].map(|key| (key, "v"))).await?;
    let ranges = [
        KeyRange::between("b".."a"),
        KeyRange::between("b"..="a"),
        KeyRange::between("a".."a"),
        KeyRange::between(..""),
        KeyRange::all().after("a".into()).before("a\0".into()),
        KeyRange::all().after("b".into()).before("a".into()),
    ];
    for range in ranges {
        for direction in directions(store.capabilities()) {
            let page = store.scan_with(&range, &towards(*direction)).await?;
            ensure!(page.items.is_empty(), "{range:?} holds {:?}", page.items);
        }
        ensure_eq!(store.count(range).await?, 0, "the count of an empty range");
    }
    Ok(())
}

/// A scan of a store without entries ends at once.
pub async fn an_empty_store_has_nothing_to_scan<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    for direction in directions(store.capabilities()) {
        let items = walk(&store, &KeyRange::all(), &towards(*direction)).await?;
        ensure_eq!(items, vec![], "items of an empty store");
    }
    ensure_eq!(store.count(KeyRange::all()).await?, 0, "the count");
    Ok(())
}

/// Both directions return the same entries, in opposite orders. A store without
/// order refuses to scan in reverse.
pub async fn a_reverse_scan_is_the_forward_scan_reversed<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, key))).await?;
    let (all, reverse) = (KeyRange::all(), ScanOptions::new().reverse());
    if store.capabilities().scan_order == ScanOrder::Unordered {
        refused(
            store.scan_with(&all, &reverse).await,
            ErrorKind::Unsupported,
        )?;
        return Ok(());
    }
    for entries_max in [1, 2, 5, 1_000] {
        let options = ScanOptions::new().entries_max(entries_max);
        let forward = walk(&store, &all, &options).await?;
        let mut backward = walk(&store, &all, &options.reverse()).await?;
        backward.reverse();
        ensure_eq!(backward, forward, "by pages of {entries_max}");
        ensure_eq!(forward.len(), NASTY_KEYS.len(), "the number of entries");
    }
    Ok(())
}

/// A scan returns entries as `get` does, stamps and expiries among them.
pub async fn a_scan_returns_what_get_returns<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, key))).await?;
    let items = walk(&store, &KeyRange::all(), &ScanOptions::new()).await?;
    for item in items {
        let entry = store.get(&item.key).await?;
        ensure_eq!(Some(item.entry), entry, "the entry of {:?}", item.key);
    }
    Ok(())
}

/// `count` counts what a scan returns.
pub async fn a_count_is_the_length_of_the_scan<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(
        &store,
        (0..2_500_u32).map(|n| (owned(&n.to_be_bytes()), "v")),
    )
    .await?;
    ensure_eq!(store.count(KeyRange::all()).await?, 2_500, "of everything");
    let middle = KeyRange::between(100_u32.to_be_bytes()..2_200_u32.to_be_bytes());
    ensure_eq!(store.count(middle).await?, 2_100, "of the middle");
    Ok(())
}

fn bounds() -> impl Iterator<Item = Bound<Bytes>> {
    let keys = NASTY_KEYS.iter().map(|key| owned(key).into_bytes());
    keys.flat_map(|key| [Bound::Included(key.clone()), Bound::Excluded(key)])
        .chain([Bound::Unbounded])
}

fn selected(range: &KeyRange, direction: Direction) -> Vec<Bytes> {
    let mut keys: Vec<_> = NASTY_KEYS
        .iter()
        .filter(|key| range.contains(Key::user(key)))
        .map(|key| owned(key).into_bytes())
        .collect();
    if direction == Direction::Reverse {
        keys.reverse();
    }
    keys
}

async fn keys<S: Store>(
    store: &S,
    range: &KeyRange,
    direction: Direction,
) -> CaseResult<Vec<Bytes>> {
    let items = walk(store, range, &towards(direction)).await?;
    let items = in_key_order(items, store.capabilities());
    Ok(items.into_iter().map(|item| item.key).collect())
}
