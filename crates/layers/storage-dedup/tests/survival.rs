//! Faults of the store below: it fails, stalls, answers late, and does not know what
//! became of a commit.

use storage_core::Stack;
use storage_dedup::{DedupConfig, DedupLayer};
use storage_testkit::survives_faults;

survives_faults!(|below, components| async move {
    Stack::on(below)
        .with(DedupLayer::new(DedupConfig::new().bytes_min(1)))
        .components(components)
        .open()
        .await
});
