//! What this crate ships, over a store that fails: each layer and view, and the
//! callers that make several calls of one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conveniences;
mod copying;
mod namespaces;
mod opening;
mod waited;

use storage_core::{ErasedStack, Namespace, Namespaced, SharedStore, Stack, layer::PassThrough};

mod faulty_store_alone {
    storage_testkit::survives_faults!(|below, _| async move { Ok(below) });
}

mod pass_through {
    use super::*;

    storage_testkit::survives_faults!(|below, components| async move {
        Stack::on(below)
            .with(PassThrough)
            .components(components)
            .open()
            .await
    });
}

mod three_pass_throughs {
    use super::*;

    storage_testkit::survives_faults!(|below, components| async move {
        Stack::on(below)
            .with(PassThrough)
            .with(PassThrough)
            .with(PassThrough)
            .components(components)
            .open()
            .await
    });
}

mod shared_store {
    use super::*;

    storage_testkit::survives_faults!(|below, _| async move { Ok(SharedStore::new(below)) });
}

mod namespace {
    use super::*;

    storage_testkit::survives_faults!(|below, _| async move {
        Ok(Namespaced::new(below, Namespace::root().child("view")))
    });
}

mod erased_stack {
    use super::*;

    storage_testkit::survives_faults!(|below, components| async move {
        ErasedStack::on(SharedStore::new(below))
            .with(PassThrough)
            .with(PassThrough)
            .components(components)
            .open()
            .await
    });
}

mod blocking_facade {
    use super::waited::Waited;

    storage_testkit::survives_faults!(|below, _| async move { Waited::new(below) });
}
