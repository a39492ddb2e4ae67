//! Faults of the store below: it fails, stalls, answers late, and does not know
//! what became of a commit.

use storage_core::Stack;
use storage_expiry::{ExpiryConfig, ExpiryLayer, Sweep};
use storage_testkit::survives_faults;

survives_faults!(|below, components| async move {
    Stack::on(below)
        .with(ExpiryLayer::new(ExpiryConfig::new().sweep(Sweep::OnDemand)))
        .components(components)
        .open()
        .await
});
