//! Stores that another stack wrote.

use storage::{
    Components, ErasedStack, Error, ErrorKind, ReadExt, SharedStore, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};

use crate::layers::{Layers, Upkeep, compress, dedup};

fn open(layers: Layers, below: &MemoryBackend) -> Result<SharedStore, Error> {
    let engine = SharedStore::new(below.clone());
    block_on(layers.on(engine, Components::default(), Upkeep::OnDemand))
}

fn stacks() -> impl Iterator<Item = Layers> {
    [Layers::NONE].into_iter().chain(Layers::stacks())
}

/// What the refusal must say of a layer: one that the store has and the stack lacks comes first.
fn remedy(written: Layers, opened: Layers) -> String {
    let lacking = |of: Layers, others: Layers| {
        let of = of.names().rev();
        let mut lacking = of.filter(move |name| !others.names().any(|other| other == *name));
        lacking.next()
    };
    match lacking(written, opened) {
        Some(name) => format!("add the layer `{name}`"),
        None => format!(
            "leave out the layer `{}`",
            lacking(opened, written).unwrap()
        ),
    }
}

#[test]
fn every_stack_refuses_what_every_other_one_wrote_and_names_the_difference() {
    for written in stacks() {
        let below = MemoryConfig::new().open();
        let store = open(written, &below).unwrap();
        block_on(store.put("k", "a value, a value, a value")).unwrap();
        for opened in stacks() {
            let store = open(opened, &below);
            if opened == written {
                let entry = block_on(store.unwrap().get("k")).unwrap().unwrap();
                assert_eq!(entry.value(), "a value, a value, a value");
                continue;
            }
            let error = store.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{written:?} {opened:?}");
            let remedy = remedy(written, opened);
            assert!(error.message().contains(&remedy), "{remedy}: {error}");
        }
    }
}

#[test]
fn layers_in_another_order_are_refused_by_name() {
    let engine = SharedStore::new(MemoryConfig::new().open());
    let stack = ErasedStack::on(engine).with(dedup(Upkeep::OnDemand));
    let error = block_on(stack.with(compress()).open()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for name in ["compress", "dedup"] {
        assert!(error.message().contains(name), "{error}");
    }
}
