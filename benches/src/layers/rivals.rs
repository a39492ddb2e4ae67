//! Caches that know nothing of stores.

use anyhow::{Result, bail};
use bytes::Bytes;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync};
use storage::Durability;

use super::speed::ROOM_BYTES;
use crate::overhead::target::{Pair, Target};

/// What the layer uses by default, with the same settings, and nothing around it.
#[derive(Debug)]
pub(super) struct BareQuickCache(sync::Cache<Box<[u8]>, Bytes, Weigh>);

#[derive(Clone, Debug)]
struct Weigh;

impl Weighter<Box<[u8]>, Bytes> for Weigh {
    fn weight(&self, key: &Box<[u8]>, value: &Bytes) -> u64 {
        u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX)
    }
}

impl BareQuickCache {
    pub(super) fn new() -> Self {
        let mut options = OptionsBuilder::new();
        options
            .shards(8)
            .hot_allocation(0.95)
            .ghost_allocation(0.5)
            .estimated_items_capacity(100_000)
            .weight_capacity(ROOM_BYTES);
        let cache = match options.build() {
            Ok(options) => sync::Cache::with_options(
                options,
                Weigh,
                DefaultHashBuilder::default(),
                sync::DefaultLifecycle::default(),
            ),
            Err(_) => sync::Cache::with_weighter(100_000, ROOM_BYTES, Weigh),
        };
        Self(cache)
    }
}

impl Target for BareQuickCache {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for (key, value) in entries {
            self.0.insert(key.into(), value.into());
        }
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        Ok(self.0.get(key).map_or(0, |value| value.len()))
    }

    async fn scan(&self, _: &[u8], _: usize) -> Result<usize> {
        bail!("a cache has no order")
    }

    async fn put(&self, (key, value): Pair, _: Durability) -> Result<()> {
        self.0.insert(key.into(), value.into());
        Ok(())
    }
}

/// Moka's cache for async programs.
#[derive(Debug)]
pub(super) struct BareMoka(moka::future::Cache<Vec<u8>, Bytes>);

impl BareMoka {
    pub(super) fn new() -> Self {
        let weigh = |key: &Vec<u8>, value: &Bytes| {
            u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX)
        };
        let cache = moka::future::Cache::builder()
            .weigher(weigh)
            .max_capacity(ROOM_BYTES)
            .build();
        Self(cache)
    }
}

impl Target for BareMoka {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for (key, value) in entries {
            self.0.insert(key, value.into()).await;
        }
        self.0.run_pending_tasks().await;
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        Ok(self.0.get(key).await.map_or(0, |value| value.len()))
    }

    async fn scan(&self, _: &[u8], _: usize) -> Result<usize> {
        bail!("a cache has no order")
    }

    async fn put(&self, (key, value): Pair, _: Durability) -> Result<()> {
        self.0.insert(key, value.into()).await;
        Ok(())
    }
}
