//! The cache as a step of a stack.

use storage_core::{
    Capabilities, Components, Result, Store,
    layer::{Layer, LayerDeclaration, phase},
};

use crate::{CacheConfig, CacheStore, SecondLevel};

pub(crate) const NAME: &str = "cache";

/// Answers reads from memory.
///
/// ```
/// use storage_cache::{CacheConfig, CacheLayer};
/// use storage_core::{Stack, Store, memory::MemoryConfig};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(CacheLayer::new(CacheConfig::exclusive(64 << 20)))
///     .open()
///     .await?;
/// assert_eq!(store.describe().to_string(), "cache > memory");
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CacheLayer {
    config: CacheConfig,
    second: Option<SecondLevel>,
}

impl CacheLayer {
    /// A cache with these settings. Opening the stack fails with `Invalid` if they make
    /// no sense.
    #[must_use]
    pub const fn new(config: CacheConfig) -> Self {
        Self {
            config,
            second: None,
        }
    }

    /// The same cache with a second level behind its memory.
    #[must_use]
    pub fn second_level(mut self, second: SecondLevel) -> Self {
        self.second = Some(second);
        self
    }
}

impl Layer for CacheLayer {
    type Phase = phase::Cache;
    type Store<S: Store> = CacheStore<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME)
    }

    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        self.config.capabilities(inner)
    }

    async fn wrap<S: Store>(self, inner: S, components: &Components) -> Result<CacheStore<S>> {
        let config = self.config.validated()?;
        let second = match self.second {
            Some(second) => Some(second.open(&config, &inner, components).await?),
            None => None,
        };
        Ok(CacheStore::new(config, second, inner, components))
    }
}
