//! Claims about headers on stores.

use std::{sync::Barrier, thread};

use super::{StoreHeader, StoreId, StoredLayer, settle};
use crate::{
    Durability, Error, ErrorKind, OsRandom, Read, ReadExt, Result, ScanOptions, SeededRandom,
    Space, Stack, Store, StoreExt, Support, WriteBatch,
    blocking::block_on,
    layer::{LayerFormat, PassThrough, altered::Altered},
    memory::{MemoryBackend, MemoryConfig},
};

fn memory() -> MemoryBackend {
    MemoryConfig::new().open()
}

fn layers(names: &[(&str, u32)]) -> Vec<StoredLayer> {
    names
        .iter()
        .map(|(name, version)| StoredLayer::new(*name, LayerFormat::new(*version, "")))
        .collect()
}

fn open(store: &impl Store, names: &[(&str, u32)]) -> Result<()> {
    block_on(settle(store, layers(names), &OsRandom))
}

fn header(store: &impl Store) -> StoreHeader {
    block_on(StoreHeader::read(store)).unwrap().unwrap()
}

#[track_caller]
fn refused(opened: Result<()>, kind: ErrorKind, word: &str) {
    let error: Error = opened.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(word), "{error}");
}

#[test]
fn a_new_store_gets_a_header_and_keeps_it() {
    let store = memory();
    assert_eq!(block_on(StoreHeader::read(&store)).unwrap(), None);
    open(&store, &[("compress", 1)]).unwrap();
    let first = header(&store);
    assert_eq!(first.layers, layers(&[("compress", 1)]));
    assert!(first.lineage.is_empty());
    open(&store, &[("compress", 1)]).unwrap();
    assert_eq!(header(&store), first);
}

#[test]
fn the_identity_is_a_random_uuid_of_version_4() {
    let id = StoreId::generate(&SeededRandom::new(7)).unwrap();
    let text = id.to_string();
    assert_eq!((text.len(), &text[14..15]), (36, "4"));
    assert_eq!(text.parse::<StoreId>().unwrap(), id);
    assert_eq!(StoreId::from_bytes(*id.as_bytes()), id);
    assert_ne!(StoreId::generate(&SeededRandom::new(8)).unwrap(), id);
    let error = "not a uuid".parse::<StoreId>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn the_header_is_out_of_sight_and_the_same_from_every_layer() {
    let engine = memory();
    let store = block_on(Stack::on(engine.clone()).with(PassThrough).open()).unwrap();
    assert_eq!(header(&store), header(&engine));
    assert_eq!(block_on(store.count(crate::KeyRange::all())).unwrap(), 0);
    let system = crate::KeyRange::all().in_space(Space::System);
    let page = block_on(store.scan_with(&system, &ScanOptions::new())).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].key, "\x02core\0header");
}

#[test]
fn a_stack_that_stores_data_in_another_way_is_refused() {
    let store = memory();
    open(&store, &[("dedup", 1), ("compress", 1)]).unwrap();
    block_on(store.put("a", "1")).unwrap();
    let before = header(&store);
    for (stack, word) in [
        (&[][..], "add the layer `dedup`"),
        (&[("dedup", 1)], "add the layer `compress`"),
        (
            &[("dedup", 1), ("compress", 1), ("encrypt", 1)],
            "leave out the layer `encrypt`",
        ),
        (&[("compress", 1), ("dedup", 1)], "order"),
    ] {
        refused(open(&store, stack), ErrorKind::Invalid, word);
    }
    assert_eq!(header(&store), before);
}

#[test]
fn a_newer_layer_takes_the_store_over_and_an_older_one_is_refused_from_then_on() {
    let store = memory();
    open(&store, &[("compress", 1)]).unwrap();
    block_on(store.put("a", "1")).unwrap();
    let id = header(&store).id;
    open(&store, &[("compress", 2)]).unwrap();
    assert_eq!(header(&store).layers, layers(&[("compress", 2)]));
    assert_eq!(header(&store).id, id);
    refused(
        open(&store, &[("compress", 1)]),
        ErrorKind::Unsupported,
        "upgrade",
    );
}

#[test]
fn a_store_that_holds_nothing_yet_takes_any_stack() {
    let store = memory();
    open(&store, &[("encrypt", 1)]).unwrap();
    open(&store, &[]).unwrap();
    assert!(header(&store).layers.is_empty());
}

#[test]
fn a_store_that_its_engine_alone_wrote_opens_only_without_formats() {
    let store = memory();
    block_on(store.put("a", "1")).unwrap();
    refused(
        open(&store, &[("compress", 1)]),
        ErrorKind::Invalid,
        "written by its engine alone, the stack has compress v1",
    );
    assert_eq!(block_on(StoreHeader::read(&store)).unwrap(), None);
    open(&store, &[]).unwrap();
    assert!(header(&store).layers.is_empty());
}

#[test]
fn a_store_with_nothing_but_system_entries_is_not_new() {
    let store = memory();
    let key = crate::SystemKeys::of("other").key("row");
    block_on(store.commit(WriteBatch::new().put(key, "1"))).unwrap();
    refused(
        open(&store, &[("compress", 1)]),
        ErrorKind::Invalid,
        "engine alone",
    );
}

#[test]
fn of_many_that_open_a_new_store_at_once_one_gives_it_its_identity() {
    const OPENERS: usize = 8;
    for _ in 0..50 {
        let store = memory();
        let start = Barrier::new(OPENERS);
        let ids: Vec<_> = thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        open(&store, &[("compress", 1)]).unwrap();
                        header(&store).id
                    })
                })
                .collect();
            openers.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

#[test]
fn the_header_is_written_as_durably_as_the_store_can() {
    let store = Altered::new(memory(), |c| c.durability_max = Durability::Synced);
    open(&store, &[("compress", 1)]).unwrap();
    open(&store, &[("compress", 2)]).unwrap();
    let asked = store.durabilities.lock().unwrap().clone();
    assert_eq!(asked, [Some(Durability::Synced); 2]);
}

#[test]
fn a_store_without_guards_gets_a_header_all_the_same() {
    let store = Altered::new(memory(), |c| c.guards = Support::Unsupported);
    open(&store, &[("compress", 1)]).unwrap();
    open(&store, &[("compress", 2)]).unwrap();
    assert_eq!(header(&store).layers, layers(&[("compress", 2)]));
}

#[test]
fn a_damaged_header_keeps_the_store_closed() {
    let store = memory();
    block_on(store.put(StoreHeader::key(), "storage header 1\n")).unwrap();
    refused(open(&store, &[]), ErrorKind::Corrupt, "damaged");
}
