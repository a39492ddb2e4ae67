//! Reads that fail.

use std::time::Duration;

use storage_core::{
    ErrorKind, KeyRange, Read, ReadExt, Retry, ScanOptions, SnapshotSupport, Store, StoreExt,
};

use super::{failed, happened, keeps_what_it_says};
use crate::{
    CaseResult,
    failure::{ensure, ensure_eq},
    faulty::{Call, Fault, Rule},
    fixture::{contents, directions, fill, in_key_order, key_value, refused, towards},
    survival::Scene,
};

/// A read that fails below is not answered with absence, and its error keeps
/// its kind, retry, operation and layer.
pub async fn a_failed_read_keeps_what_its_error_says<S: Store>(scene: &Scene<S>) -> CaseResult {
    let (store, kind, delay) = (&scene.store, ErrorKind::Throttled, Duration::from_millis(7));
    let retry = Retry::After(delay);
    let rule = Rule::on_any(Call::READS.into_iter().chain([Call::Snapshot]));
    let refusals = scene
        .faults
        .inject(rule, Fault::refuse(kind).retry_after(delay))?;
    let error = failed(store.get("k").await)?;
    keeps_what_it_says(&error, Call::Get, kind, retry)?;
    ensure!(error.key().is_some(), "no key is named in: {error}");
    let error = failed(store.get_many(&["k".into(), "l".into()]).await)?;
    keeps_what_it_says(&error, Call::GetMany, kind, retry)?;
    let error = failed(store.scan_with(&KeyRange::all(), &ScanOptions::new()).await)?;
    keeps_what_it_says(&error, Call::Scan, kind, retry)?;
    if store.capabilities().snapshots != SnapshotSupport::Unsupported {
        let error = failed(store.snapshot().await)?;
        keeps_what_it_says(&error, Call::Snapshot, kind, retry)?;
    }
    happened(&refusals)
}

/// A value that is damaged below is an error for every read that needs it, and
/// the others are read.
pub async fn a_damaged_value_is_an_error_and_hides_no_other<S: Store>(
    scene: &Scene<S>,
) -> CaseResult {
    let store = &scene.store;
    fill(store, [("a", "1"), ("b", "2")]).await?;
    for call in [Call::Get, Call::GetMany, Call::Scan] {
        let damage = scene.faults.inject(Rule::on(call), Fault::corrupt())?;
        let answer = match call {
            Call::Get => store.get("a").await.map(drop),
            Call::GetMany => store.get_many(&["a".into()]).await.map(drop),
            _ => {
                let page = store.scan_with(&KeyRange::all(), &ScanOptions::new()).await;
                page.map(drop)
            }
        };
        // A layer may hold the value, and then need not know of the damage.
        if answer.is_err() || damage.times() > 0 || call == Call::Scan {
            let error = refused(answer, ErrorKind::Corrupt)?;
            ensure!(error.key().is_some(), "no key is named in: {error}");
            happened(&damage)?;
        }
        scene.recover().await?;
        let all = vec![key_value("a", "1"), key_value("b", "2")];
        ensure_eq!(
            contents(store).await?,
            all,
            "what is there without the damage"
        );
    }
    Ok(())
}

/// A scan of which any page fails goes on with that page, and in the end has
/// returned every key once, in order.
pub async fn a_scan_goes_on_where_it_failed<S: Store>(scene: &Scene<S>) -> CaseResult {
    const KEYS: u8 = 40;
    let (store, capabilities) = (&scene.store, scene.store.capabilities());
    fill(store, (0..KEYS).map(|number| (vec![number], vec![number]))).await?;
    for direction in directions(capabilities) {
        let options = towards(*direction).entries_max(7);
        for failing in 1..=6 {
            let rule = Rule::on(Call::Scan).nth(failing);
            let injection = scene
                .faults
                .inject(rule, Fault::refuse(ErrorKind::TimedOut))?;
            let (mut rest, mut items, mut errors) = (Some(KeyRange::all()), Vec::new(), 0);
            while let Some(range) = rest.take() {
                match store.scan_with(&range, &options).await {
                    Ok(mut page) => {
                        items.append(&mut page.items);
                        rest = page.next;
                    }
                    Err(error) => {
                        errors += 1;
                        ensure!(errors <= injection.times(), "without a fault: {error}");
                        rest = Some(range);
                    }
                }
            }
            let mut items = in_key_order(items, capabilities);
            if *direction == storage_core::Direction::Reverse {
                items.reverse();
            }
            let keys: Vec<_> = items.iter().flat_map(|item| item.key.to_vec()).collect();
            let expected: Vec<_> = (0..KEYS).collect();
            ensure_eq!(
                keys,
                expected,
                "keys of a scan whose page {failing} failed first"
            );
            happened(&injection)?;
            scene.recover().await?;
        }
    }
    Ok(())
}

/// A stream of entries, and a count, end with the error of the page that
/// failed, never as if that were the end of the range.
pub async fn a_failed_page_ends_a_stream_with_its_error<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    fill(store, (0..20_u8).map(|number| (vec![number], "v"))).await?;
    let options = ScanOptions::new().entries_max(6);
    for failing in 1..=3 {
        let rule = Rule::on(Call::Scan).from_nth(failing);
        let refusals = scene
            .faults
            .inject(rule, Fault::refuse(ErrorKind::Unavailable))?;
        let mut scan = store.scan(KeyRange::all(), options.clone());
        let mut seen = 0_u64;
        let error = loop {
            match scan.next().await {
                Ok(Some(_)) => seen += 1,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        ensure!(
            error.is_some(),
            "the scan ended well after {seen} of 20 entries"
        );
        ensure!(
            seen <= (failing - 1) * 6,
            "{seen} entries before page {failing}"
        );
        happened(&refusals)?;
        scene.recover().await?;
    }
    let refusals = scene.refuse(Call::Scan, ErrorKind::Unavailable)?;
    refused(store.count(KeyRange::all()).await, ErrorKind::Unavailable)?;
    happened(&refusals)
}

/// A snapshot is what it was, whatever has happened to its reads and to commits
/// since.
pub async fn a_snapshot_stays_the_same_through_faults<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    if store.capabilities().snapshots == SnapshotSupport::Unsupported {
        refused(store.snapshot().await, ErrorKind::Unsupported)?;
        return Ok(());
    }
    fill(store, [("a", "1"), ("b", "2")]).await?;
    let before = contents(store).await?;
    let snapshot = store.snapshot().await?;
    scene.next_commit(Fault::lose_answer(ErrorKind::TimedOut))?;
    // Whether this is answered or not is another case.
    let _ = store.put("a", "changed").await;
    for call in [Call::SnapshotGet, Call::SnapshotGetMany, Call::SnapshotScan] {
        let refusals = scene.refuse(call, ErrorKind::Unavailable)?;
        let error = match call {
            Call::SnapshotGet => failed(snapshot.get("a").await)?,
            Call::SnapshotGetMany => failed(snapshot.get_many(&["a".into()]).await)?,
            _ => failed(
                snapshot
                    .scan_with(&KeyRange::all(), &ScanOptions::new())
                    .await,
            )?,
        };
        happened(&refusals)?;
        ensure_eq!(error.kind(), ErrorKind::Unavailable, "the kind of: {error}");
        scene.recover().await?;
        ensure_eq!(
            contents(&snapshot).await?,
            before,
            "what the snapshot shows"
        );
    }
    Ok(())
}
