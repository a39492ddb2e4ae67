//! Stacks that are put together at run time.

use std::{fmt::Debug, future::Future, pin::Pin};

use super::plan::Plan;
use crate::{Components, Operation, Result, SharedStore, Store, layer::Layer};

/// An engine and the layers to put on it, innermost first, decided at run time.
///
/// It is opened with the same checks as a [`Stack`](super::Stack), the order of
/// the layers among them.
#[derive(Debug)]
#[must_use = "a stack does nothing until it is opened"]
pub struct ErasedStack {
    engine: SharedStore,
    layers: Vec<Box<dyn ErasedLayer>>,
    components: Components,
}

impl ErasedStack {
    /// A stack of `engine` alone.
    pub fn on(engine: SharedStore) -> Self {
        Self {
            engine,
            layers: Vec::new(),
            components: Components::default(),
        }
    }

    /// Puts `layer` outside all layers so far.
    pub fn with(mut self, layer: impl Layer) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Sets what the layers take their time, randomness and threads from.
    pub fn components(mut self, components: Components) -> Self {
        self.components = components;
        self
    }

    /// Opens the stack. If it fails, nothing is left behind but perhaps the
    /// header of a store that holds nothing else; any stack may take that over.
    ///
    /// # Errors
    /// As for [`Stack::open`](super::Stack::open); besides, `Invalid` if the
    /// layers are in the wrong order; the message names both.
    pub async fn open(self) -> Result<SharedStore> {
        self.assemble()
            .await
            .map_err(|error| error.with_operation(Operation::Open))
    }

    async fn assemble(self) -> Result<SharedStore> {
        let mut plan = Plan::on(self.engine.capabilities());
        for layer in &self.layers {
            layer.plan(&mut plan)?;
        }
        plan.settle(&self.engine, &self.components).await?;
        let mut store = self.engine;
        for layer in self.layers {
            store = layer.wrap_shared(store, &self.components).await?;
        }
        plan.confirm(store.capabilities())?;
        Ok(store)
    }
}

type Wrapping<'a> = Pin<Box<dyn Future<Output = Result<SharedStore>> + Send + 'a>>;

/// A layer whose type is forgotten.
trait ErasedLayer: Debug + Send {
    fn plan(&self, plan: &mut Plan) -> Result<()>;

    fn wrap_shared(self: Box<Self>, inner: SharedStore, components: &Components) -> Wrapping<'_>;
}

impl<L: Layer> ErasedLayer for L {
    fn plan(&self, plan: &mut Plan) -> Result<()> {
        plan.add(self)
    }

    fn wrap_shared(self: Box<Self>, inner: SharedStore, components: &Components) -> Wrapping<'_> {
        Box::pin(async move { self.wrap(inner, components).await.map(SharedStore::new) })
    }
}
