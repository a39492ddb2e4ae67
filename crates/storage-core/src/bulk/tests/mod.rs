//! Claims about copies and digests, over stores in memory.

mod loading;
mod unfinished;
mod verifying;

use std::time::Duration;

use super::{
    BulkLimits, BulkWriter, CopyOptions, CopySource, CopyStart, Digest, Unchanged, unfinished_copy,
};
use crate::{
    Components, Count, Error, ErrorKind, KeyRange, ManualClock, Put, Read, ReadExt, Result,
    ScanOrder, Sequence, SequenceScope, SnapshotSupport, Space, Stack, Store, StoreExt,
    StoreHeader, Support, SystemKeys, Timestamp, WriteBatch,
    blocking::block_on,
    layer::{PassThrough, altered::Altered},
    memory::{MemoryBackend, MemoryConfig},
};

fn memory() -> MemoryBackend {
    block_on(Stack::on(MemoryConfig::new().open()).open()).unwrap()
}

/// A store with what stores can have, in both spaces.
fn filled() -> MemoryBackend {
    let store = memory();
    let mut batch = WriteBatch::new()
        .put("", "the empty key")
        .put(b"\xFF\xFF", "")
        .put(SystemKeys::of("dedup").key("row"), "a layer's own")
        .put_until("expiring", "v", far())
        .put_sequenced("log/", "", "event");
    for number in 0..2_500_u32 {
        batch = batch.put(&number.to_be_bytes(), number.to_string());
    }
    block_on(store.commit(batch)).unwrap();
    store
}

fn far() -> Timestamp {
    Timestamp::from_unix_milliseconds(u64::MAX - 1)
}

fn copy(from: &MemoryBackend, to: &impl Store, start: CopyStart) -> Result<super::BulkReport> {
    block_on(async {
        let source = CopySource::of_snapshot(from).await?;
        let options = CopyOptions::starting(start);
        source.copy_to(to, &options, |_| Ok(())).await
    })
}

fn verify(from: &MemoryBackend, to: &impl Store) -> Result<Digest> {
    block_on(async {
        let source = CopySource::of_snapshot(from).await?;
        source.verify(to, |_| Ok(())).await
    })
}

/// Cuts a copy off after some entries.
fn copy_in_part(from: &MemoryBackend, to: &MemoryBackend, entries: u64) {
    let mut options = CopyOptions::default();
    options.limits.entries_max = 100;
    let error = block_on(async {
        let source = CopySource::of_snapshot(from).await.unwrap();
        let stop = |count: Count| match count.entries {
            read if read >= entries => Err(Error::new(ErrorKind::TimedOut, "cut off")),
            _ => Ok(()),
        };
        source.copy_to(to, &options, stop).await.unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

fn header(store: &impl Store) -> StoreHeader {
    block_on(StoreHeader::read(store)).unwrap().unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T>, kind: ErrorKind, words: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn a_copy_holds_what_its_source_holds_in_both_spaces() {
    let (from, to) = (filled(), memory());
    let report = copy(&from, &to, CopyStart::Empty).unwrap();
    assert_eq!(report.written.entries, 2_505);
    assert_eq!(verify(&from, &to).unwrap().count.entries, 2_505);
    let row = SystemKeys::of("dedup").key("row");
    let entry = block_on(to.get(&row)).unwrap().unwrap();
    assert_eq!(entry.value(), "a layer's own");
    let entry = block_on(to.get("expiring")).unwrap().unwrap();
    assert_eq!(entry.expires(), Some(far()));
}

#[test]
fn a_copy_has_an_identity_of_its_own_and_names_its_source() {
    let (from, to) = (filled(), memory());
    let own = header(&to).id;
    copy(&from, &to, CopyStart::Empty).unwrap();
    let copied = header(&to);
    assert_eq!(copied.id, own);
    assert_eq!(copied.lineage[0].id, header(&from).id);
    verify(&from, &to).unwrap();
    let grandchild = memory();
    copy(&to, &grandchild, CopyStart::Resume).unwrap();
    let ids: Vec<_> = header(&grandchild).lineage.iter().map(|it| it.id).collect();
    assert_eq!(ids, [own, header(&from).id]);
}

#[test]
fn a_bare_engine_becomes_a_store_with_a_header_when_it_is_copied_to() {
    let (from, to) = (filled(), MemoryConfig::new().open());
    copy(&from, &to, CopyStart::Empty).unwrap();
    assert_ne!(header(&to).id, header(&from).id);

    let unknown = MemoryConfig::new().open();
    block_on(unknown.put("a", "1")).unwrap();
    let to = memory();
    copy(&unknown, &to, CopyStart::Empty).unwrap();
    assert!(header(&to).lineage.is_empty());
    verify(&unknown, &to).unwrap();
}

#[test]
fn a_copy_is_marked_until_it_is_verified() {
    let (from, to) = (filled(), memory());
    copy(&from, &to, CopyStart::Empty).unwrap();
    let mark = block_on(unfinished_copy(&to)).unwrap().unwrap();
    assert_eq!(mark, header(&from));
    verify(&from, &to).unwrap();
    assert_eq!(block_on(unfinished_copy(&to)).unwrap(), None);
}

#[test]
fn a_copy_that_was_cut_off_anywhere_is_resumed_to_the_same() {
    for entries in [1, 2, 99, 101, 1_300, 2_505] {
        let (from, to) = (filled(), memory());
        copy_in_part(&from, &to, entries);
        refused(
            copy(&from, &to, CopyStart::Empty),
            ErrorKind::Invalid,
            "unfinished copy; resume it",
        );
        let report = copy(&from, &to, CopyStart::Resume).unwrap();
        let there = entries.saturating_sub(1) / 100 * 100;
        assert_eq!(report.unchanged.entries, there, "{entries}");
        assert_eq!(report.written.entries, 2_505 - there, "{entries}");
        assert_eq!(report.removed, 0);
        verify(&from, &to).unwrap();
    }
}

#[test]
fn a_resumed_copy_follows_a_source_that_changed() {
    let (from, to) = (filled(), memory());
    copy_in_part(&from, &to, 2_000);
    let changes = WriteBatch::new()
        .delete(7_u32.to_be_bytes().to_vec())
        .put(8_u32.to_be_bytes().to_vec(), "other")
        .delete(SystemKeys::of("dedup").key("row"))
        .put("", "the empty key, changed");
    block_on(from.commit(changes)).unwrap();
    let report = copy(&from, &to, CopyStart::Resume).unwrap();
    assert_eq!(report.removed, 2);
    verify(&from, &to).unwrap();
}

#[test]
fn a_store_that_holds_something_else_is_never_copied_to() {
    let (from, to) = (filled(), memory());
    block_on(to.put("own", "data")).unwrap();
    refused(
        copy(&from, &to, CopyStart::Empty),
        ErrorKind::Invalid,
        "not empty",
    );
    refused(
        copy(&from, &to, CopyStart::Resume),
        ErrorKind::Invalid,
        "no copy was begun in it",
    );
    let other = memory();
    copy_in_part(&filled(), &other, 500);
    refused(
        copy(&from, &other, CopyStart::Resume),
        ErrorKind::Invalid,
        "of another store",
    );
    let done = memory();
    copy(&from, &done, CopyStart::Empty).unwrap();
    verify(&from, &done).unwrap();
    block_on(done.put("own", "data")).unwrap();
    refused(
        copy(&from, &done, CopyStart::Resume),
        ErrorKind::Invalid,
        "a finished copy of this store already",
    );
    refused(
        copy(&from, &from, CopyStart::Resume),
        ErrorKind::Invalid,
        "the same store",
    );
    assert_eq!(block_on(to.count(KeyRange::all())).unwrap(), 1);
}

#[test]
fn an_entry_that_does_not_fit_is_named_before_anything_is_written() {
    let from = filled();
    block_on(from.put("z/large", vec![0; 2_000])).unwrap();
    let to = Altered::new(memory(), |it| it.value_bytes_max = 1_000);
    refused(
        copy(&from, &to, CopyStart::Empty),
        ErrorKind::Invalid,
        "the value has 2000 bytes",
    );
    let source = block_on(CopySource::of_snapshot(&from)).unwrap();
    let (key, _) = block_on(source.first_unfit(&to)).unwrap().unwrap();
    assert_eq!(key.bytes(), "z/large");
    let to = Altered::new(memory(), |it| it.expiry = Support::Unsupported);
    refused(
        copy(&from, &to, CopyStart::Empty),
        ErrorKind::Unsupported,
        "expire",
    );
    assert_eq!(block_on(to.count(KeyRange::all())).unwrap(), 0);
    assert_eq!(block_on(unfinished_copy(&to)).unwrap(), None);
}

#[test]
fn a_target_of_small_batches_without_guards_is_copied_to_in_small_batches() {
    let (from, to) = (filled(), memory());
    let narrow = Altered::new(to.clone(), |it| {
        it.batch = crate::BatchScope::Key;
        it.batch_operations_max = 1;
        it.guards = Support::Unsupported;
    });
    copy(&from, &narrow, CopyStart::Empty).unwrap();
    verify(&from, &to).unwrap();
}

#[test]
fn a_difference_of_one_bit_is_found_and_the_copy_stays_unfinished() {
    type Damage = fn(WriteBatch) -> WriteBatch;
    let damages: [Damage; 5] = [
        |it| it.put("", "The empty key"),
        |it| it.delete("expiring"),
        |it| it.put("expiring", "v"),
        |it| it.put("more", ""),
        |it| it.put(SystemKeys::of("dedup").key("row"), "a layer's Own"),
    ];
    for damage in damages {
        let (from, to) = (filled(), memory());
        copy(&from, &to, CopyStart::Empty).unwrap();
        block_on(to.commit(damage(WriteBatch::new()))).unwrap();
        refused(verify(&from, &to), ErrorKind::Corrupt, "differs");
        assert!(block_on(unfinished_copy(&to)).unwrap().is_some());
        copy(&from, &to, CopyStart::Resume).unwrap();
        verify(&from, &to).unwrap();
    }
}

#[test]
fn entries_that_expire_between_the_two_readings_are_no_difference() {
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_000));
    let components = Components::default().with_clock(clock.clone());
    let from = MemoryConfig::new().open_with(&components);
    let to = MemoryConfig::new().open_with(&components);
    for seconds in 0..100 {
        let time_to_live = Duration::from_secs(seconds);
        block_on(from.put_for(&seconds.to_be_bytes(), "v", time_to_live)).unwrap();
    }
    copy(&from, &to, CopyStart::Empty).unwrap();
    let source = block_on(CopySource::of_snapshot(&from)).unwrap();
    let mut readings = 0;
    let digest = block_on(source.verify(&to, |_| {
        // A reading takes a while, the first ones more than the margin.
        readings += 1;
        if readings <= 20 {
            clock.advance(Duration::from_millis(500));
        }
        Ok(())
    }));
    assert!(digest.unwrap().count.entries > 50);
}

#[test]
fn commits_are_numbered_behind_those_of_the_source() {
    let from = filled();
    let last = Sequence::new(1_000_000);
    let to = Altered::new(memory(), |it| it.sequence = SequenceScope::Store);
    block_on(super::sequence::raise(&to, last)).unwrap();
    let row = SystemKeys::of("core").key("sequence");
    let stored = block_on(to.get(&row)).unwrap().unwrap();
    assert_eq!(*stored.value(), last.to_key_bytes()[..]);
    block_on(super::sequence::raise(&to, Sequence::new(5))).unwrap();
    let stored = block_on(to.get(&row)).unwrap().unwrap();
    assert_eq!(*stored.value(), last.to_key_bytes()[..], "never lowered");

    for _ in 0..100 {
        block_on(from.put("a", "1")).unwrap();
    }
    let fresh = Altered::new(memory(), |it| it.sequence = SequenceScope::Store);
    copy(&from, &fresh, CopyStart::Empty).unwrap();
    assert!(fresh.sequence() > from.sequence());
    verify(&from, &fresh).unwrap();
}

#[test]
fn a_log_in_a_copy_that_numbers_anew_goes_on_behind_what_was_copied() {
    let (from, to) = (memory(), memory());
    let log = |store: &MemoryBackend| {
        let event = WriteBatch::new().put_sequenced("log/", "", "event");
        block_on(store.commit(event)).unwrap();
    };
    for _ in 0..100 {
        log(&from);
    }
    copy(&from, &to, CopyStart::Empty).unwrap();
    verify(&from, &to).unwrap();
    for _ in 0..100 {
        log(&to);
    }
    assert_eq!(block_on(to.count(KeyRange::all())).unwrap(), 200);
}

#[test]
fn a_store_without_snapshots_is_copied_as_it_is() {
    let from = filled();
    let live = Altered::new(from.clone(), |it| {
        it.snapshots = SnapshotSupport::Unsupported;
    });
    let to = memory();
    let source = block_on(CopySource::of_live(live)).unwrap();
    block_on(source.copy_to(&to, &CopyOptions::default(), |_| Ok(()))).unwrap();
    block_on(source.verify(&to, |_| Ok(()))).unwrap();
}

#[test]
fn a_stack_that_alters_what_is_stored_is_not_copied_from_above() {
    let store = memory();
    let altered = StoreHeader {
        layers: vec![crate::StoredLayer::new(
            "pass-through",
            crate::layer::LayerFormat::new(1, ""),
        )],
        ..header(&store)
    };
    block_on(store.put(StoreHeader::key(), altered.encode())).unwrap();
    let stack = block_on(crate::layer::Layer::wrap(
        PassThrough,
        store.clone(),
        &Components::default(),
    ))
    .unwrap();
    refused(
        block_on(CopySource::of_snapshot(&stack)),
        ErrorKind::Invalid,
        "the layer `pass-through` lies between",
    );
    // From below, the layers of the source are those of the copy.
    let to = memory();
    copy(&store, &to, CopyStart::Empty).unwrap();
    assert_eq!(header(&to).layers, altered.layers);
}

#[test]
fn stores_without_order_have_no_digest() {
    let (from, to) = (filled(), memory());
    copy(&from, &to, CopyStart::Empty).unwrap();
    let unordered = Altered::new(to, |it| it.scan_order = ScanOrder::Unordered);
    refused(verify(&from, &unordered), ErrorKind::Unsupported, "order");
}

#[test]
fn the_digest_is_the_documented_one() {
    let store = memory();
    let batch = WriteBatch::new()
        .put(SystemKeys::of("a").key("k"), "1")
        .put_until("key", "value", Timestamp::from_unix_milliseconds(0x0102));
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(0));
    let still = MemoryConfig::new().open_with(&Components::default().with_clock(clock));
    block_on(still.commit(batch)).unwrap();
    let digest = block_on(Digest::of(
        &still,
        Timestamp::from_unix_milliseconds(0),
        |_| Ok(()),
    ));
    let bytes = b"\x00\0\0\0\0\0\0\0\x04\x02a\x00k\0\0\0\0\0\0\0\x011\x00\
        \x01\0\0\0\0\0\0\0\x03key\0\0\0\0\0\0\0\x05value\x01\0\0\0\0\0\0\x01\x02";
    assert_eq!(digest.unwrap().hash, *blake3::hash(bytes).as_bytes());
    let empty = block_on(Digest::of(&store, far(), |_| Ok(()))).unwrap();
    assert_eq!(empty.hash, *blake3::hash(b"").as_bytes(), "no core rows");
}
