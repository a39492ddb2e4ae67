//! The layers, and how they are put on an engine.

use storage::{
    Components, ErasedStack, Result, SharedStore,
    cache::{CacheConfig, CacheLayer},
    fallback::{FallbackConfig, FallbackLayer, StandbyWrites},
    metrics::{MetricsConfig, MetricsLayer},
    resilience::{ResilienceConfig, ResilienceLayer},
};

/// A layer of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Cache,
    Metrics,
    Resilience,
    Fallback,
}

/// All of them.
pub(crate) const ALL: &[Layer] = &[
    Layer::Cache,
    Layer::Metrics,
    Layer::Resilience,
    Layer::Fallback,
];

/// What a stack is to be held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// An engine that works.
    Sound,
    /// One that fails: what the layers answer themselves is no answer of it.
    Faulty,
}

/// Puts these layers on `engine`, in the order in which they belong, with a metrics
/// layer on either side of the others.
pub(crate) async fn open(
    layers: &[Layer],
    below: Below,
    engine: SharedStore,
    components: Components,
) -> Result<SharedStore> {
    let has = |layer| layers.contains(&layer);
    let mut stack = ErasedStack::on(engine).components(components);
    if has(Layer::Metrics) {
        stack = stack.with(metrics("engine"));
    }
    if has(Layer::Resilience) {
        stack = stack.with(ResilienceLayer::new(match below {
            Below::Sound => ResilienceConfig::new(),
            Below::Faulty => ResilienceConfig::new().circuit(None),
        }));
    }
    if has(Layer::Cache) {
        stack = stack.with(CacheLayer::new(CacheConfig::exclusive(1 << 20)));
    }
    if has(Layer::Metrics) {
        stack = stack.with(metrics("stack"));
    }
    if has(Layer::Fallback) {
        let config = FallbackConfig::new();
        stack = stack.with(FallbackLayer::new(match below {
            Below::Sound => config.writes(StandbyWrites::Overwriting),
            Below::Faulty => config,
        }));
    }
    stack.open().await
}

fn metrics(name: &str) -> MetricsLayer {
    MetricsLayer::new(MetricsConfig::new(name))
}
