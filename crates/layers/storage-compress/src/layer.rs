//! Compression as a step of a stack.

use storage_core::{
    Capabilities, Components, Result, Store,
    layer::{Layer, LayerDeclaration, LayerFormat, phase},
};

use crate::{CompressConfig, CompressStore, encoder};

pub(crate) const NAME: &str = "compress";

/// The version of the stored forms.
const FORMAT_VERSION: u32 = 2;

/// Makes values smaller.
///
/// ```
/// use storage_compress::{CompressConfig, CompressLayer};
/// use storage_core::{Stack, Store, memory::MemoryConfig};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(CompressLayer::new(CompressConfig::new()))
///     .open()
///     .await?;
/// assert_eq!(store.describe().to_string(), "compress > memory");
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CompressLayer {
    config: CompressConfig,
}

impl CompressLayer {
    /// A layer with these settings. Opening the stack fails with `Invalid` if they make no
    /// sense.
    #[must_use]
    pub const fn new(config: CompressConfig) -> Self {
        Self { config }
    }
}

impl Layer for CompressLayer {
    type Phase = phase::Compress;
    type Store<S: Store> = CompressStore<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME).stored_as(LayerFormat::new(FORMAT_VERSION, ""))
    }

    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        encoder::capabilities(inner)
    }

    async fn wrap<S: Store>(self, inner: S, components: &Components) -> Result<CompressStore<S>> {
        CompressStore::open(&self.config.validated()?, inner, components).await
    }
}
