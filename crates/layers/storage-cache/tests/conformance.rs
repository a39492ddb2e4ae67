//! The conformance suite, the model test and the linearizability test over the
//! layer on memory, in each of its ways to work.

use std::{num::NonZeroUsize, time::Duration};

use storage_cache::{Absence, CacheConfig, CacheLayer, CacheStore, Policy, SecondLevel, Writes};
use storage_core::{
    Components, Result, SharedStore, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::{Subject, conformance};

/// A cache with these settings over memory.
struct Cached(CacheConfig);

impl Subject for Cached {
    type Store = CacheStore<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(CacheLayer::new(self.0.clone()))
            .components(components)
            .open()
            .await
    }
}

const ROOMY: u64 = 1 << 20;

/// Room for a few entries only, so that most are evicted.
const CRAMPED: u64 = 2 << 10;

mod exclusive {
    use super::*;

    conformance!(Cached(CacheConfig::exclusive(ROOMY)));
}

mod shared_and_read_back {
    use super::*;

    conformance!(Cached(
        CacheConfig::shared(ROOMY, Duration::from_secs(1)).writes(Writes::ReadBack)
    ));
}

mod exclusive_and_read_back {
    use super::*;

    conformance!(Cached(
        CacheConfig::exclusive(ROOMY).writes(Writes::ReadBack)
    ));
}

mod cramped {
    use super::*;

    conformance!(Cached(
        CacheConfig::exclusive(CRAMPED).shards(NonZeroUsize::MIN)
    ));
}

mod least_recent_without_absence {
    use super::*;

    conformance!(Cached(
        CacheConfig::exclusive(CRAMPED)
            .policy(Policy::Lru)
            .absence(Absence::NotKept)
            .writes(Writes::ReadBack)
    ));
}

/// The same with a second level in memory.
struct OnTwoLevels(CacheConfig);

impl Subject for OnTwoLevels {
    type Store = CacheStore<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let second = SharedStore::new(MemoryConfig::new().open_with(&components));
        let layer = CacheLayer::new(self.0.clone());
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(layer.second_level(SecondLevel::new(second, ROOMY)))
            .components(components)
            .open()
            .await
    }
}

mod second_level_alone {
    use super::*;

    conformance!(OnTwoLevels(CacheConfig::exclusive(0)));
}

mod two_levels_shared_and_read_back {
    use super::*;

    conformance!(OnTwoLevels(
        CacheConfig::shared(CRAMPED, Duration::from_secs(1))
            .shards(NonZeroUsize::MIN)
            .writes(Writes::ReadBack)
    ));
}

mod as_a_shared_store {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Cached(CacheConfig::exclusive(ROOMY))));
}
