//! The layer over a store that fails.

use std::{sync::Arc, time::Duration};

use metrics_util::debugging::DebuggingRecorder;
use storage_core::Stack;
use storage_metrics::{MetricsConfig, MetricsLayer};

storage_testkit::survives_faults!(|below, components| async move {
    let config = MetricsConfig::new("survival").slow_after(Duration::ZERO);
    let layer = MetricsLayer::new(config).recording_to(Arc::new(DebuggingRecorder::new()));
    Stack::on(below)
        .with(layer)
        .components(components)
        .open()
        .await
});
