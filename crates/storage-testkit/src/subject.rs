//! What is certified: a place for data, and how to open the store there.

use std::future::Future;

use storage_core::{
    Components, Result, SharedStore, Stack, Store,
    layer::{PassThrough, PassThroughStore},
};

/// A store under test: one place that its data lives in, such as a temporary
/// directory, and how to open it.
///
/// The suite makes a new subject for each test, so a new subject is empty.
pub trait Subject: Send + Sync + 'static {
    /// The type of the store.
    type Store: Store;

    /// The name of the engine, as [`describe`](Store::describe) must give it.
    ///
    /// If the environment variable `STORAGE_TEST_ENGINES` holds a list of names,
    /// separated by commas, only tests of those engines run.
    const ENGINE: &'static str;

    /// Opens the store with these components.
    ///
    /// The first call finds no data. The suite calls again after it has closed
    /// and dropped the store; what a store declares as at least
    /// [`Buffered`](storage_core::Durability::Buffered) must then be there. A
    /// store that declares only `Volatile` may open empty.
    fn open(&self, components: Components) -> impl Future<Output = Result<Self::Store>> + Send;
}

/// The store of another subject, under a layer that passes everything through.
#[derive(Clone, Copy, Debug)]
pub struct PassedThrough<S>(pub S);

impl<S: Subject> Subject for PassedThrough<S> {
    type Store = PassThroughStore<S::Store>;
    const ENGINE: &'static str = S::ENGINE;

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(self.0.open(components.clone()).await?)
            .with(PassThrough)
            .components(components)
            .open()
            .await
    }
}

/// The store of another subject, as a [`SharedStore`].
#[derive(Clone, Copy, Debug)]
pub struct Shared<S>(pub S);

impl<S: Subject> Subject for Shared<S> {
    type Store = SharedStore;
    const ENGINE: &'static str = S::ENGINE;

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Ok(SharedStore::new(self.0.open(components).await?))
    }
}
