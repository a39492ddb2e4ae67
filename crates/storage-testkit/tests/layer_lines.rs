//! The lines that certify a layer against faults, as the guide shows them.

use storage_core::{Stack, layer::PassThrough};
use storage_testkit::storage_core;

storage_testkit::survives_faults!(|below, components| async move {
    Stack::on(below)
        .with(PassThrough)
        .components(components)
        .open()
        .await
});
