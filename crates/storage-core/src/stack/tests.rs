//! Claims about both kinds of stack.

use std::marker::PhantomData;

use super::{ErasedStack, Stack};
use crate::{
    Capabilities, Components, Error, ErrorKind, Operation, ReadExt, Result, SharedStore,
    SnapshotSupport, Store, StoreExt, StoreHeader,
    blocking::block_on,
    layer::{
        Layer, LayerDeclaration, Need, PassThrough,
        altered::Altered,
        phase::{
            Anywhere, Cache, ChangeLog, Compress, Dedup, Encrypt, Engine, Expiry, Fallback, Phase,
            Resilience,
        },
    },
    memory::{MemoryBackend, MemoryConfig},
};

/// A layer that is nothing but what it declares.
#[derive(Debug)]
struct Declared<P> {
    declaration: LayerDeclaration,
    takes_snapshots_away: Option<SnapshotSupport>,
    phase: PhantomData<fn() -> P>,
}

fn declared<P: Phase>(declaration: LayerDeclaration) -> Declared<P> {
    Declared {
        declaration,
        takes_snapshots_away: None,
        phase: PhantomData,
    }
}

fn named<P: Phase>(name: &'static str) -> Declared<P> {
    declared(LayerDeclaration::new(name))
}

/// Says that it takes snapshots away, and does not.
fn narrowing<P: Phase>() -> Declared<P> {
    Declared {
        takes_snapshots_away: Some(SnapshotSupport::Unsupported),
        ..named("narrowing")
    }
}

impl<P: Phase> Layer for Declared<P> {
    type Phase = P;
    type Store<S: Store> = S;

    fn declaration(&self) -> LayerDeclaration {
        self.declaration.clone()
    }

    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        let mut capabilities = inner.clone();
        if let Some(snapshots) = self.takes_snapshots_away {
            capabilities.snapshots = snapshots;
        }
        capabilities
    }

    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<S> {
        Ok(inner)
    }
}

fn memory() -> MemoryBackend {
    MemoryConfig::new().open()
}

fn erased() -> ErasedStack {
    ErasedStack::on(SharedStore::new(memory()))
}

#[track_caller]
fn refused<T>(opened: Result<T>, kind: ErrorKind, words: &[&str]) -> Error {
    let Err(error) = opened else {
        panic!("the stack was opened");
    };
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.operation(), Some(Operation::Open));
    for word in words {
        assert!(error.message().contains(word), "{word} is not in: {error}");
    }
    error
}

#[test]
fn a_layer_in_its_place_opens_in_both_kinds_of_stack() {
    block_on(async {
        Stack::on(memory())
            .with(named::<Resilience>("retry"))
            .with(named::<Encrypt>("encrypt"))
            .with(named::<Compress>("compress"))
            .with(named::<Dedup>("dedup"))
            .with(named::<ChangeLog>("changelog"))
            .with(named::<Cache>("cache"))
            .with(named::<Expiry>("expiry"))
            .with(named::<Fallback>("fallback"))
            .open()
            .await
            .unwrap();
        erased()
            .with(named::<Resilience>("retry"))
            .with(named::<Encrypt>("encrypt"))
            .with(named::<Compress>("compress"))
            .with(named::<Dedup>("dedup"))
            .with(named::<ChangeLog>("changelog"))
            .with(named::<Cache>("cache"))
            .with(named::<Expiry>("expiry"))
            .with(named::<Fallback>("fallback"))
            .open()
            .await
            .unwrap();
    });
}

#[test]
fn an_erased_stack_in_the_wrong_order_is_refused_and_both_layers_are_named() {
    let stack = erased()
        .with(named::<Cache>("lru"))
        .with(PassThrough)
        .with(named::<Compress>("zstd"));
    let words = [
        "the Compress layer `zstd` cannot be placed outside the Cache layer `lru`",
        "outermost to innermost: Fallback, Expiry, Cache",
    ];
    let error = refused(block_on(stack.open()), ErrorKind::Invalid, &words);
    assert_eq!(error.layer(), Some("zstd"));
}

#[test]
fn a_phase_occurs_once_in_an_erased_stack() {
    let stack = erased()
        .with(named::<Cache>("small"))
        .with(named::<Cache>("large"));
    refused(
        block_on(stack.open()),
        ErrorKind::Invalid,
        &["each at most once", "`small`", "`large`"],
    );
    let stack = erased().with(named::<Engine>("second"));
    refused(block_on(stack.open()), ErrorKind::Invalid, &["Engine"]);
}

#[test]
fn layers_that_belong_anywhere_may_be_anywhere_and_many() {
    block_on(async {
        let store = Stack::on(memory())
            .with(PassThrough)
            .with(named::<Compress>("compress"))
            .with(PassThrough)
            .with(PassThrough)
            .with(named::<Cache>("cache"))
            .with(named::<Anywhere>("metrics"))
            .open()
            .await
            .unwrap();
        assert_eq!(
            store.describe().to_string(),
            "pass-through > pass-through > pass-through > memory"
        );
    });
}

#[test]
fn a_stack_reads_and_writes_like_its_engine() {
    async fn claims(store: impl Store) {
        store.put("a", "1").await.unwrap();
        let snapshot = store.snapshot().await.unwrap();
        assert!(store.delete("a").await.unwrap());
        assert!(!store.exists("a").await.unwrap());
        assert_eq!(snapshot.get("a").await.unwrap().unwrap().as_ref(), b"1");
        store.close().await.unwrap();
        let error = store.get("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
    block_on(async {
        claims(Stack::on(memory()).with(PassThrough).open().await.unwrap()).await;
        claims(erased().with(PassThrough).open().await.unwrap()).await;
    });
}

#[test]
fn a_need_that_is_not_met_names_layer_and_capability_and_leaves_no_trace() {
    let layer = || declared::<Cache>(LayerDeclaration::new("cache").needing(Need::Snapshots));
    let words = ["the layer `cache` needs snapshots"];
    block_on(async {
        let engine = memory();
        let without = || {
            Altered::new(engine.clone(), |c| {
                c.snapshots = SnapshotSupport::Unsupported;
            })
        };
        let opened = Stack::on(without()).with(layer()).open().await;
        refused(opened, ErrorKind::Unsupported, &words);
        let stack = ErasedStack::on(SharedStore::new(without())).with(layer());
        refused(stack.open().await, ErrorKind::Unsupported, &words);
        assert_eq!(StoreHeader::read(&engine).await.unwrap(), None);
    });
}

#[test]
fn needs_are_judged_by_what_the_layers_below_leave() {
    let layer = declared::<Cache>(LayerDeclaration::new("cache").needing(Need::Snapshots));
    let stack = Stack::on(memory())
        .with(narrowing::<Compress>())
        .with(layer);
    refused(
        block_on(stack.open()),
        ErrorKind::Unsupported,
        &["`cache` needs snapshots"],
    );
}

#[test]
fn a_layer_that_announces_other_capabilities_than_its_store_has_is_found_out() {
    let opened = block_on(Stack::on(memory()).with(narrowing::<Cache>()).open());
    refused(opened, ErrorKind::Internal, &["announced"]);
}

#[test]
fn a_layer_has_a_plain_name() {
    for name in ["", "Cache", "a b", "a\nb"] {
        let opened = block_on(Stack::on(memory()).with(named::<Cache>(name)).open());
        refused(opened, ErrorKind::Invalid, &["name"]);
    }
}
