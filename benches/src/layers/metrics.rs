//! What the metrics layer adds, with the recorder that Prometheus scrapes.

use anyhow::Result;
use storage::{
    Stack,
    memory::MemoryConfig,
    metrics::{MetricsConfig, MetricsLayer, PrometheusExporter},
};
use tokio::runtime::Builder;

use super::added::{Added, Operation, added};

/// The bar for a get, in gets of raw fjall.
const BAR: f64 = 0.15;

/// A get.
pub(super) fn get(raw: f64) -> Result<Added> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // The endpoint also empties its histograms now and then.
        let exporter = PrometheusExporter::listen(([127, 0, 0, 1], 0).into())?;
        let layer =
            MetricsLayer::new(MetricsConfig::new("bench")).recording_to(exporter.recorder());
        let stack = Stack::on(MemoryConfig::new().open()).with(layer);
        let store = stack.open().await?;
        added("metrics get", store, Operation::Get, raw, Some(BAR)).await
    })
}
