//! Copies between fjall stores, as far as memory stores cannot show them.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by its panic")]

use std::path::Path;

use storage_core::{
    ErrorKind, KeyRange, Read, ReadExt, ScanOptions, Sequence, Stack, Store, StoreExt, StoreHeader,
    WriteBatch,
    blocking::block_on,
    bulk::{CopyOptions, CopySource, unfinished_copy},
};
use storage_fjall::{FjallBackend, FjallConfig};

async fn open(path: &Path) -> FjallBackend {
    Stack::on(open_engine(path).await).open().await.unwrap()
}

/// As an unfinished copy opens.
async fn open_engine(path: &Path) -> FjallBackend {
    FjallConfig::new(path).open().await.unwrap()
}

/// Appends an event to the log, and answers its number.
async fn log(store: &FjallBackend) -> Sequence {
    let event = WriteBatch::new().put_sequenced("log/", "", "event");
    store.commit(event).await.unwrap().sequence.unwrap()
}

/// Each open goes on behind a whole reservation, so a copy that numbered its
/// commits from one on would be far behind.
const OPENS: u64 = 3;

#[test]
fn a_log_goes_on_in_the_copy_behind_the_last_event_that_was_copied() {
    let place = tempfile::tempdir().unwrap();
    let (from, to) = (place.path().join("from"), place.path().join("to"));
    block_on(async {
        let mut last = Sequence::ZERO;
        for _ in 0..OPENS {
            let store = open(&from).await;
            last = log(&store).await;
            store.close().await.unwrap();
        }
        let store = open(&from).await;
        let source = CopySource::of_snapshot(&store).await.unwrap();
        let target = open_engine(&to).await;
        let options = CopyOptions::default();
        source.copy_to(&target, &options, |_| Ok(())).await.unwrap();
        assert!(target.sequence().unwrap() > last);
        target.close().await.unwrap();

        let target = open_engine(&to).await;
        source.verify(&target, |_| Ok(())).await.unwrap();
        assert!(unfinished_copy(&target).await.unwrap().is_none());
        assert!(log(&target).await > last);
        let events = target.scan(KeyRange::all(), ScanOptions::new());
        let events = events.collect().await.unwrap();
        assert_eq!(u64::try_from(events.len()).unwrap(), OPENS + 1);
        let header = StoreHeader::read(&target).await.unwrap().unwrap();
        let parent = StoreHeader::read(&store).await.unwrap().unwrap();
        assert_eq!(header.lineage[0].id, parent.id);
        assert!(header.lineage[0].sequence >= last);
        assert_ne!(header.id, parent.id);
    });
}

#[test]
fn a_copy_that_lost_its_process_between_any_two_steps_is_resumed() {
    let place = tempfile::tempdir().unwrap();
    block_on(async {
        let store = open(&place.path().join("from")).await;
        for number in 0..50_u8 {
            store.put(&[number], vec![number; 100]).await.unwrap();
        }
        let source = CopySource::of_snapshot(&store).await.unwrap();
        let to = place.path().join("to");
        for entries in [1, 30, 50] {
            let target = open_engine(&to).await;
            let mut options = CopyOptions::starting(storage_core::bulk::CopyStart::Resume);
            options.limits.entries_max = 7;
            let stop = |count: storage_core::Count| match count.entries {
                read if read >= entries => {
                    Err(storage_core::Error::new(ErrorKind::TimedOut, "cut off"))
                }
                _ => Ok(()),
            };
            source.copy_to(&target, &options, stop).await.unwrap_err();
            target.close().await.unwrap();
        }
        let target = open_engine(&to).await;
        let options = CopyOptions::starting(storage_core::bulk::CopyStart::Resume);
        let report = source.copy_to(&target, &options, |_| Ok(())).await.unwrap();
        assert!(report.unchanged.entries >= 42, "{report:?}");
        assert_eq!(report.unchanged.entries + report.written.entries, 50);
        target.close().await.unwrap();
        let target = open_engine(&to).await;
        source.verify(&target, |_| Ok(())).await.unwrap();
    });
}
