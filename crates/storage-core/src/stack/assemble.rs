//! Putting nested layers on an engine, innermost first.

use std::future::Future;

use super::plan::Plan;
use crate::{Components, Result, Store, layer::Layer};

/// The layers of a [`Stack`](super::Stack): `()` for none, `(L, Inner)` for
/// layer `L` outside the layers `Inner`.
pub trait Assemble<E: Store>: sealed::Layers + Send {
    /// What the layers make of the engine `E`.
    type Store: Store;

    /// Puts the layers on `engine`.
    ///
    /// # Errors
    /// As for [`Layer::wrap`].
    fn assemble(
        self,
        engine: E,
        components: &Components,
    ) -> impl Future<Output = Result<Self::Store>> + Send;
}

impl<E: Store> Assemble<E> for () {
    type Store = E;

    async fn assemble(self, engine: E, _: &Components) -> Result<E> {
        Ok(engine)
    }
}

impl<E: Store, L: Layer, Inner: Assemble<E>> Assemble<E> for (L, Inner) {
    type Store = L::Store<Inner::Store>;

    async fn assemble(self, engine: E, components: &Components) -> Result<Self::Store> {
        let (layer, inner) = self;
        let store = inner.assemble(engine, components).await?;
        layer.wrap(store, components).await
    }
}

mod sealed {
    use super::{Layer, Plan, Result};

    /// Adds layers to a plan, innermost first.
    pub trait Layers {
        fn plan(&self, plan: &mut Plan) -> Result<()>;
    }

    impl Layers for () {
        fn plan(&self, _: &mut Plan) -> Result<()> {
            Ok(())
        }
    }

    impl<L: Layer, Inner: Layers> Layers for (L, Inner) {
        fn plan(&self, plan: &mut Plan) -> Result<()> {
            self.1.plan(plan)?;
            plan.add(&self.0)
        }
    }
}
