//! Stacks whose layers are known at compile time.

use std::marker::PhantomData;

use super::{assemble::Assemble, plan::Plan};
use crate::{
    Components, Operation, Result, Store,
    layer::{
        Layer,
        phase::{Engine, Outside, Phase},
    },
};

/// An engine and the layers to put on it, innermost first.
///
/// ```
/// use storage_core::{Stack, Store, layer::PassThrough, memory::MemoryConfig};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(PassThrough)
///     .open()
///     .await?;
/// assert_eq!(store.describe().to_string(), "pass-through > memory");
/// # Ok(())
/// # })
/// # }
/// ```
///
/// A layer in the wrong place does not compile: its [`Phase`] must lie
/// [`Outside`] that of the layers put on before it.
#[derive(Debug)]
#[must_use = "a stack does nothing until it is opened"]
pub struct Stack<E, Layers = (), P = Engine> {
    engine: E,
    layers: Layers,
    components: Components,
    phase: PhantomData<fn() -> P>,
}

impl<E: Store> Stack<E> {
    /// A stack of `engine` alone.
    pub fn on(engine: E) -> Self {
        Self {
            engine,
            layers: (),
            components: Components::default(),
            phase: PhantomData,
        }
    }
}

impl<E: Store, Layers, P: Phase> Stack<E, Layers, P> {
    /// Puts `layer` outside all layers so far.
    pub fn with<L: Layer>(
        self,
        layer: L,
    ) -> Stack<E, (L, Layers), <L::Phase as Outside<P>>::Outermost>
    where
        L::Phase: Outside<P>,
    {
        Stack {
            engine: self.engine,
            layers: (layer, self.layers),
            components: self.components,
            phase: PhantomData,
        }
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
    /// `Unsupported` if a layer needs what the store below it cannot do, or if
    /// the store was written by a newer version of this library or of a layer.
    /// `Invalid` if the store was written by another stack; the message names
    /// the difference. `Invalid`, too, if the store is a [copy](crate::bulk)
    /// that was not finished. `Corrupt` if the header of the store is damaged.
    /// Whatever the engine and the layers report.
    ///
    /// # Durability
    /// The header of a new store is written as durably as the store can.
    pub async fn open(self) -> Result<Layers::Store>
    where
        Layers: Assemble<E>,
    {
        self.assemble()
            .await
            .map_err(|error| error.with_operation(Operation::Open))
    }

    async fn assemble(self) -> Result<Layers::Store>
    where
        Layers: Assemble<E>,
    {
        let mut plan = Plan::on(self.engine.capabilities());
        self.layers.plan(&mut plan)?;
        plan.settle(&self.engine, &self.components).await?;
        let store = self.layers.assemble(self.engine, &self.components).await?;
        plan.confirm(store.capabilities())?;
        Ok(store)
    }
}
