//! The layers, and how they are put on an engine.

use std::time::Duration;

use storage::{
    Components, ErasedStack, Result, SharedStore,
    cache::{CacheConfig, CacheLayer},
    compress::{CompressConfig, CompressLayer},
    dedup::{CutConfig, DedupConfig, DedupLayer},
    expiry::{ExpiryConfig, ExpiryLayer},
    fallback::{FallbackConfig, FallbackLayer, StandbyWrites},
    metrics::{MetricsConfig, MetricsLayer},
    resilience::{ResilienceConfig, ResilienceLayer},
};

/// A layer of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Cache,
    Compress,
    Dedup,
    Expiry,
    Fallback,
    Metrics,
    Resilience,
}

/// What a stack is to be held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// An engine of this process.
    Embedded,
    /// One that a server keeps, which many tests share.
    Served,
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
            Below::Embedded | Below::Served => ResilienceConfig::new(),
            Below::Faulty => ResilienceConfig::new().circuit(None),
        }));
    }
    if has(Layer::Compress) {
        // Every value is tried, however short.
        let config = CompressConfig::new().bytes_min(1);
        stack = stack.with(CompressLayer::new(config));
    }
    if has(Layer::Dedup) {
        // Every value is a chunk, and longer ones are several.
        let config = DedupConfig::new().bytes_min(1);
        stack = stack.with(DedupLayer::new(match below {
            Below::Embedded | Below::Faulty => config.cut(CutConfig::of(64, 256, 1_024)),
            // Not thousands: each is a row that goes to the server.
            Below::Served => config,
        }));
    }
    if has(Layer::Cache) {
        stack = stack.with(CacheLayer::new(CacheConfig::exclusive(1 << 20)));
    }
    if has(Layer::Expiry) {
        stack = stack.with(expiry(below));
    }
    if has(Layer::Metrics) {
        stack = stack.with(metrics("stack"));
    }
    if has(Layer::Fallback) {
        let config = FallbackConfig::new();
        stack = stack.with(FallbackLayer::new(match below {
            Below::Embedded | Below::Served => config.writes(StandbyWrites::Overwriting),
            Below::Faulty => config,
        }));
    }
    stack.open().await
}

/// A sweeper that hardly rests; over a server, where each sweep takes time from all, one
/// that rests a little.
fn expiry(below: Below) -> ExpiryLayer {
    let every = Duration::from_millis(match below {
        Below::Embedded | Below::Faulty => 1,
        Below::Served => 200,
    });
    let config = ExpiryConfig::new().sweep_every(every);
    ExpiryLayer::new(config.sweep_pause(Duration::ZERO))
}

fn metrics(name: &str) -> MetricsLayer {
    MetricsLayer::new(MetricsConfig::new(name))
}
