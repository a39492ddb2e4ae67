//! The conformance suite through stacks of layers over engines: each layer
//! alone, and both together.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage::{
    Components, ErasedStack, Result, SharedStore,
    fjall::FjallConfig,
    memory::MemoryConfig,
    metrics::{MetricsConfig, MetricsLayer},
    resilience::ResilienceLayer,
};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

fn metrics() -> MetricsLayer {
    MetricsLayer::new(MetricsConfig::new("stack"))
}

/// A directory that lives as long as the test.
fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// What is put on the engine, innermost first.
#[derive(Clone, Copy)]
enum Layers {
    Resilience,
    Metrics,
    Both,
}

impl Layers {
    async fn open(self, engine: SharedStore, components: Components) -> Result<SharedStore> {
        let stack = ErasedStack::on(engine).components(components);
        let stack = match self {
            Self::Resilience => stack.with(ResilienceLayer::default()),
            Self::Metrics => stack.with(metrics()),
            // What the engine is asked, and what callers ask.
            Self::Both => stack
                .with(metrics())
                .with(ResilienceLayer::default())
                .with(metrics()),
        };
        stack.open().await
    }
}

struct OverMemory(Layers);

impl Subject for OverMemory {
    type Store = SharedStore;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let engine = SharedStore::new(MemoryConfig::new().open_with(&components));
        self.0.open(engine, components).await
    }
}

struct OverFjall(Layers, TempDir);

impl Subject for OverFjall {
    type Store = SharedStore;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let config = FjallConfig::new(self.1.path());
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        self.0.open(engine, components).await
    }
}

mod both_over_memory {
    use super::*;

    conformance!(OverMemory(Layers::Both));
}

mod resilience_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::Resilience, directory()));
}

mod metrics_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::Metrics, directory()));
}

mod both_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::Both, directory()));
}

mod both_over_faults {
    use super::*;
    use storage::{Stack, resilience::ResilienceConfig};

    storage_testkit::survives_faults!(|below, components| async move {
        let config = ResilienceConfig::new().circuit(None);
        Stack::on(below)
            .with(metrics())
            .with(ResilienceLayer::new(config))
            .with(metrics())
            .components(components)
            .open()
            .await
    });
}
