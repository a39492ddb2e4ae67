//! The layer over a memory store that fails as directed, and a recorder that
//! tells what it was told.

use std::{collections::BTreeMap, sync::Arc};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use storage_core::{
    Components, Executor, Job, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_metrics::{Metered, MetricsConfig, MetricsLayer};
use storage_testkit::faulty::{Faults, FaultyStore};

pub(crate) struct Scene {
    pub(crate) store: Metered<FaultyStore<MemoryBackend>>,
    pub(crate) faults: Faults,
    snapshotter: Snapshotter,
}

impl Scene {
    pub(crate) async fn open(config: MetricsConfig) -> Self {
        Self::open_as(config, |layer| layer).await
    }

    pub(crate) async fn open_as(
        config: MetricsConfig,
        finish: impl FnOnce(MetricsLayer) -> MetricsLayer,
    ) -> Self {
        let faults = Faults::new();
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let layer = finish(MetricsLayer::new(config).recording_to(Arc::new(recorder)));
        let memory = MemoryConfig::new().open_with(&Components::default().with_executor(AtOnce));
        let store = Stack::on(FaultyStore::new(memory, &faults))
            .with(layer)
            .open()
            .await
            .unwrap();
        let scene = Self {
            store,
            faults,
            snapshotter,
        };
        // Opening the stack is no work of the layer, so nothing has been counted.
        assert_eq!(scene.recorded().count("storage_operations_total", "get"), 0);
        scene
    }

    /// What has been recorded since this was last asked.
    pub(crate) fn recorded(&self) -> Recorded {
        let recorded = self.snapshotter.snapshot().into_vec().into_iter();
        let recorded = recorded.map(|(key, _, _, value)| {
            let key = key.key();
            let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
            (format!("{}/{}", key.name(), labels.join("/")), value)
        });
        Recorded(recorded.collect())
    }
}

/// Metrics by name and label values, such as `storage_disk_bytes/store`.
#[derive(Debug)]
pub(crate) struct Recorded(BTreeMap<String, DebugValue>);

impl Recorded {
    /// A counter of the store `test`; zero if there is none.
    pub(crate) fn count(&self, name: &str, labels: &str) -> u64 {
        match self.0.get(&format!("{name}/test/{labels}")) {
            Some(DebugValue::Counter(count)) => *count,
            _ => 0,
        }
    }

    /// A gauge of the store `test`; labels begin with `/`.
    pub(crate) fn gauge(&self, name: &str, labels: &str) -> Option<f64> {
        match self.0.get(&format!("{name}/test{labels}")) {
            Some(DebugValue::Gauge(value)) => Some(value.into_inner()),
            _ => None,
        }
    }

    /// The values of a histogram of the store `test`.
    pub(crate) fn values(&self, name: &str, labels: &str) -> Vec<f64> {
        match self.0.get(&format!("{name}/test/{labels}")) {
            Some(DebugValue::Histogram(values)) => {
                values.iter().map(|value| value.into_inner()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The settings of the store `test`.
pub(crate) fn config() -> MetricsConfig {
    MetricsConfig::new("test")
}

/// Runs jobs at once, on the caller's thread: a clock that is paused moves on
/// while everybody waits for another.
#[derive(Debug)]
struct AtOnce;

impl Executor for AtOnce {
    fn execute(&self, job: Job) -> Result<()> {
        job();
        Ok(())
    }
}
