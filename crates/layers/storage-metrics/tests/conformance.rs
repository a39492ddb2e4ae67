//! The conformance suite, random and concurrent histories, through the layer
//! over memory: with everything on, and as a shared store.

use std::{sync::Arc, time::Duration};

use metrics_util::debugging::DebuggingRecorder;
use storage_core::{
    Components, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_metrics::{Alert, Bound, Metered, MetricsConfig, MetricsLayer, Watch};
use storage_testkit::{Shared, Subject, conformance};

/// The memory engine under the layer.
struct UnderMetrics;

impl Subject for UnderMetrics {
    type Store = Metered<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let bound = Bound::Above {
            raise: 1.0,
            clear: 0.5,
        };
        let config = MetricsConfig::new("conformance")
            .sample_every(Duration::from_millis(1))
            .slow_after(Duration::ZERO)
            .alert(Alert::new("errors", Watch::ErrorShare, bound));
        let layer = MetricsLayer::new(config).recording_to(Arc::new(DebuggingRecorder::new()));
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(layer)
            .components(components)
            .open()
            .await
    }
}

mod metrics_over_memory {
    use super::*;

    conformance!(UnderMetrics);
}

mod shared_metrics_over_memory {
    use super::*;

    conformance!(Shared(UnderMetrics));
}
