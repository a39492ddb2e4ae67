//! Pages: their limits, and where the next one begins.

use std::collections::BTreeSet;

use bytes::Bytes;
use storage_core::{
    Direction, ErrorKind, KeyRange, Read, ReadExt, ScanOptions, ScanOrder, Stamp, Store, StoreExt,
    WriteBatch,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{check_page, directions, fill, in_key_order, key_value, refused, towards, walk},
};

/// Whatever the limit on entries, the pages hold each entry of the range once.
pub async fn pages_of_any_length_cover_the_range_once<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all = numbered(13);
    fill(&store, all.clone()).await?;
    for direction in directions(store.capabilities()) {
        for entries_max in (1..=14).chain([usize::MAX]) {
            let options = towards(*direction).entries_max(entries_max);
            let pairs = pairs(&store, &KeyRange::all(), &options).await?;
            ensure_eq!(pairs, all, "{direction:?}, by pages of {entries_max}");
        }
    }
    Ok(())
}

/// A page holds one entry however few bytes it may hold.
pub async fn a_page_holds_an_entry_however_few_bytes_it_may<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let all = numbered(5);
    fill(&store, all.clone()).await?;
    for direction in directions(store.capabilities()) {
        for bytes_max in [0, 1, 7] {
            let options = towards(*direction).bytes_max(bytes_max);
            let page = store.scan_with(&KeyRange::all(), &options).await?;
            ensure_eq!(
                page.items.len(),
                1,
                "entries of a page of {bytes_max} bytes"
            );
            ensure_eq!(
                pairs(&store, &KeyRange::all(), &options).await?,
                all,
                "all pages"
            );
        }
    }
    Ok(())
}

/// Pages stay within their bytes, unless their first entry alone is larger.
pub async fn pages_of_any_size_cover_the_range_once<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all: Vec<_> = (0..20)
        .map(|n: u8| key_value([n], vec![n; usize::from(n % 7) * 50]))
        .collect();
    fill(&store, all.clone()).await?;
    for direction in directions(store.capabilities()) {
        for bytes_max in [1, 50, 51, 52, 100, 301, 302, 1_000, usize::MAX] {
            let options = towards(*direction).bytes_max(bytes_max);
            let pairs = pairs(&store, &KeyRange::all(), &options).await?;
            ensure_eq!(pairs, all, "{direction:?}, by pages of {bytes_max} bytes");
        }
    }
    Ok(())
}

/// The rest of a page shows what was written since: keys ahead appear, keys
/// behind do not, and a deleted key does not stop it.
pub async fn the_rest_of_a_page_begins_where_the_page_ended<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let range = KeyRange::between("b".."y");
    for direction in directions(store.capabilities()) {
        wipe(&store).await?;
        fill(&store, ["a", "c", "e", "g", "i", "z"].map(|key| (key, "v"))).await?;
        let options = towards(*direction).entries_max(2);
        let first = store.scan_with(&range, &options).await?;
        check_page(&first, &range, &options)?;
        ensure_eq!(first.items.len(), 2, "entries of the first page");
        let seen: BTreeSet<_> = first.items.iter().map(|item| item.key.clone()).collect();
        // All but the ends of the range are written anew, and the last key of
        // the page is gone when the scan goes on.
        fill(&store, ["b", "d", "f", "h", "j"].map(|key| (key, "v"))).await?;
        if let Some(last) = first.items.last() {
            store.commit(WriteBatch::new().delete(&last.key)).await?;
        }
        let Some(next) = first.next else {
            ensure!(false, "there is more after the first page");
            continue;
        };
        let rest = walk(&store, &next, &options).await?;
        let rest: BTreeSet<_> = rest.into_iter().map(|item| item.key).collect();
        if store.capabilities().scan_order == ScanOrder::Ordered {
            let expected: &[&str] = match direction {
                Direction::Forward => &["f", "g", "h", "i", "j"],
                Direction::Reverse => &["b", "c", "d", "e", "f"],
            };
            let expected = expected.iter().copied().map(Bytes::from).collect();
            ensure_eq!(rest, expected, "{direction:?}, the rest");
        }
        ensure!(
            rest.is_disjoint(&seen),
            "{rest:?} was seen in part before: {seen:?}"
        );
    }
    Ok(())
}

/// A page of no entries is a mistake of the caller.
pub async fn a_page_of_no_entries_is_invalid<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("a", "1").await?;
    let options = ScanOptions::new().entries_max(0);
    refused(
        store.scan_with(&KeyRange::all(), &options).await,
        ErrorKind::Invalid,
    )?;
    Ok(())
}

/// A keys-only scan returns all keys, without values and stamps, with expiries.
pub async fn a_keys_only_scan_returns_no_values<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all = numbered(7);
    fill(&store, all.clone()).await?;
    for direction in directions(store.capabilities()) {
        let options = towards(*direction).keys_only().entries_max(3);
        let items = walk(&store, &KeyRange::all(), &options).await?;
        ensure_eq!(items.len(), all.len(), "the number of keys");
        for item in items {
            ensure_eq!(
                *item.entry.value(),
                Bytes::new(),
                "the value of a keys-only scan"
            );
            ensure_eq!(
                item.entry.stamp(),
                Stamp::none(),
                "the stamp of a keys-only scan"
            );
        }
    }
    Ok(())
}

/// A scan as a stream goes on over many pages, and returns every entry.
pub async fn a_long_scan_streams_every_entry<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const ENTRIES: u32 = 12_000;
    let store = bench.open().await?;
    fill(
        &store,
        (0..ENTRIES).map(|n| key_value(n.to_be_bytes(), n.to_string())),
    )
    .await?;
    let mut scan = store.scan(KeyRange::all(), ScanOptions::new());
    let mut seen = BTreeSet::new();
    let mut in_order = true;
    while let Some(item) = scan.next().await? {
        in_order &= seen.last().is_none_or(|last| *last < item.key);
        seen.insert(item.key);
    }
    ensure_eq!(scan.next().await?, None, "after the end of the scan");
    ensure_eq!(seen.len(), 12_000, "the number of different keys");
    if store.capabilities().scan_order == ScanOrder::Ordered {
        ensure!(in_order, "the keys of a scan are in order");
    }
    Ok(())
}

/// One page may hold all of many entries.
pub async fn a_page_may_hold_ten_thousand_entries<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(
        &store,
        (0..10_500_u32).map(|n| key_value(n.to_be_bytes(), "v")),
    )
    .await?;
    for direction in directions(store.capabilities()) {
        let options = towards(*direction).entries_max(20_000);
        let items = walk(&store, &KeyRange::all(), &options).await?;
        ensure_eq!(items.len(), 10_500, "the number of entries");
    }
    Ok(())
}

fn numbered(count: u8) -> Vec<(Bytes, Bytes)> {
    (0..count)
        .map(|n| key_value(format!("key/{n:02}"), format!("value {n}")))
        .collect()
}

/// All entries by their keys, whichever way they were scanned.
async fn pairs<S: Store>(
    store: &S,
    range: &KeyRange,
    options: &ScanOptions,
) -> CaseResult<Vec<(Bytes, Bytes)>> {
    let mut items = in_key_order(walk(store, range, options).await?, store.capabilities());
    if options.direction == Direction::Reverse {
        items.reverse();
    }
    Ok(items
        .into_iter()
        .map(|item| (item.key, item.entry.into_value()))
        .collect())
}

/// Deletes every user key.
async fn wipe<S: Store>(store: &S) -> CaseResult {
    for item in walk(store, &KeyRange::all(), &ScanOptions::new()).await? {
        store.delete(&item.key).await?;
    }
    Ok(())
}
