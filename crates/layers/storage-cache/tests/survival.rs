//! Faults of the store below: it fails, stalls, answers late, and does not know
//! what became of a commit.

use std::time::Duration;

use storage_cache::{CacheConfig, CacheLayer, CacheStore, Policy, SecondLevel, Writes};
use storage_core::{Components, Result, SharedStore, Stack, memory::MemoryConfig};
use storage_testkit::{survival::FaultyMemory, survives_faults};

async fn cached(
    below: FaultyMemory,
    components: Components,
    config: CacheConfig,
) -> Result<CacheStore<FaultyMemory>> {
    Stack::on(below)
        .with(CacheLayer::new(config))
        .components(components)
        .open()
        .await
}

mod exclusive {
    use super::*;

    survives_faults!(|below, components| cached(
        below,
        components,
        CacheConfig::exclusive(1 << 20)
    ));
}

mod shared_and_read_back {
    use super::*;

    survives_faults!(|below, components| cached(
        below,
        components,
        CacheConfig::shared(1 << 20, Duration::from_mins(1))
            .policy(Policy::Lfu)
            .writes(Writes::ReadBack)
    ));
}

mod second_level_alone {
    use super::*;

    survives_faults!(|below: FaultyMemory, components: Components| async move {
        let second = SharedStore::new(MemoryConfig::new().open_with(&components));
        let layer = CacheLayer::new(CacheConfig::exclusive(0));
        Stack::on(below)
            .with(layer.second_level(SecondLevel::new(second, 1 << 20)))
            .components(components)
            .open()
            .await
    });
}
