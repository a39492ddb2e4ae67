//! The stack on the server.

use std::{num::NonZeroU32, time::Duration};

use storage::{
    Result, SharedStore, Stack,
    cache::{CacheConfig, CacheLayer},
    fallback::{FallbackConfig, FallbackLayer, StandbyWrites},
    resilience::{CircuitConfig, ResilienceConfig, ResilienceLayer},
};

use crate::server::Server;

/// Cache, resilience and fallback.
pub(crate) async fn open(server: &Server) -> Result<SharedStore> {
    const FEW: NonZeroU32 = NonZeroU32::new(5).unwrap();
    const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();
    let short = Duration::from_millis(100);
    let circuit = CircuitConfig::new()
        .opens_at(Duration::from_secs(1), FEW, 50)
        .closes_after(short, NonZeroU32::MIN);
    let resilience = ResilienceConfig::new().attempts_max(TWO).circuit(circuit);
    let fallback = FallbackConfig::new()
        .writes(StandbyWrites::Overwriting)
        .probes(short, short * 4);
    let stack = Stack::on(server.open_engine().await?)
        .with(ResilienceLayer::new(resilience))
        .with(CacheLayer::new(CacheConfig::exclusive(1 << 20)))
        .with(FallbackLayer::new(fallback));
    Ok(SharedStore::new(Box::pin(stack.open()).await?))
}
