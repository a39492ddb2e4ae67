//! Deduplication as a step of a stack.

use storage_core::{
    BatchScope, Capabilities, Components, Result, Store,
    layer::{Layer, LayerDeclaration, LayerFormat, Need, phase},
};

use crate::{DedupConfig, DedupStore, opening, shared};

pub(crate) const NAME: &str = "dedup";

/// The version of the stored forms.
const FORMAT_VERSION: u32 = 1;

/// Stores equal values once.
///
/// ```
/// use storage_core::{Stack, Store, memory::MemoryConfig};
/// use storage_dedup::{DedupConfig, DedupLayer};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(DedupLayer::new(DedupConfig::new()))
///     .open()
///     .await?;
/// assert_eq!(store.describe().to_string(), "dedup > memory");
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct DedupLayer {
    config: DedupConfig,
}

impl DedupLayer {
    /// A layer with these settings. Opening the stack fails with `Invalid` if they make no
    /// sense.
    #[must_use]
    pub const fn new(config: DedupConfig) -> Self {
        Self { config }
    }
}

impl Layer for DedupLayer {
    type Phase = phase::Dedup;
    type Store<S: Store> = DedupStore<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME)
            .stored_as(LayerFormat::new(FORMAT_VERSION, "hash=blake3"))
            .needing(Need::Batch(BatchScope::Store))
            .needing(Need::Guards)
            .needing(Need::OrderedScans)
            .needing(Need::LinearizableReadsOnDemand)
            .needing(Need::SuffixLoss)
    }

    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        shared::capabilities(inner)
    }

    async fn wrap<S: Store>(self, inner: S, components: &Components) -> Result<DedupStore<S>> {
        opening::open(self.config.validated()?, inner, components).await
    }
}
