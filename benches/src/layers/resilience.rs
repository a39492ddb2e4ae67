//! What the resilience layer adds where the store below answers at once.

use anyhow::Result;
use storage::{Stack, memory::MemoryConfig, resilience::ResilienceLayer};

use super::added::{Added, Operation, added, runtime};

/// The bar for a get, in gets of raw fjall.
const BAR: f64 = 0.05;

/// A get.
pub(super) fn get(raw: f64) -> Result<Added> {
    measure("resilience get", Operation::Get, raw, Some(BAR))
}

/// A put of one entry, whose batch is copied.
pub(super) fn put(raw: f64) -> Result<Added> {
    measure("resilience put", Operation::Put, raw, None)
}

fn measure(
    subject: &'static str,
    operation: Operation,
    raw: f64,
    bar: Option<f64>,
) -> Result<Added> {
    runtime()?.block_on(async {
        let stack = Stack::on(MemoryConfig::new().open()).with(ResilienceLayer::default());
        added(subject, stack.open().await?, operation, raw, bar).await
    })
}
