//! Expiry as a step of a stack.

use storage_core::{
    BatchScope, Capabilities, Components, Result, Store,
    layer::{Layer, LayerDeclaration, LayerFormat, Need, phase},
};

use crate::{ExpiryConfig, ExpiryStore, Sweep, rewrite};

pub(crate) const NAME: &str = "expiry";

/// The version of the rows.
const FORMAT_VERSION: u32 = 1;

/// Gives entries a time to live, and removes what has expired.
///
/// ```
/// use storage_core::{Stack, Store, memory::MemoryConfig};
/// use storage_expiry::{ExpiryConfig, ExpiryLayer};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(ExpiryLayer::new(ExpiryConfig::new()))
///     .open()
///     .await?;
/// assert_eq!(store.describe().to_string(), "expiry > memory");
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExpiryLayer {
    config: ExpiryConfig,
}

impl ExpiryLayer {
    /// A layer with these settings. Opening the stack fails with `Invalid` if they make no
    /// sense.
    #[must_use]
    pub const fn new(config: ExpiryConfig) -> Self {
        Self { config }
    }
}

impl Layer for ExpiryLayer {
    type Phase = phase::Expiry;
    type Store<S: Store> = ExpiryStore<S>;

    fn declaration(&self) -> LayerDeclaration {
        let declaration = LayerDeclaration::new(NAME).needing(Need::Expiry);
        if self.config.sweep == Sweep::Never {
            return declaration.stored_as(LayerFormat::new(FORMAT_VERSION, "rows=none"));
        }
        declaration
            .stored_as(LayerFormat::new(FORMAT_VERSION, ""))
            .needing(Need::Batch(BatchScope::Store))
            .needing(Need::Guards)
            .needing(Need::OrderedScans)
    }

    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        rewrite::capabilities(&self.config, inner)
    }

    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<ExpiryStore<S>> {
        ExpiryStore::new(&self.config.validated()?, inner)
    }
}
