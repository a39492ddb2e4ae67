//! Layers: what is put around a store to give it something more.
//!
//! A [`Layer`] is the configuration of one step of a [`Stack`](crate::Stack). It
//! says what it needs, what it does to the stored form, and where it belongs:
//! its [`phase`], which the compiler checks. [`Layer::wrap`] then makes a
//! store of the store below it. [`PassThrough`] is the smallest layer, and the
//! example to start from.
//!
//! What every layer keeps to:
//! - It is generic over the store below it and forwards by returning the inner
//!   future, so that a stack without dynamic edges costs nothing.
//! - It writes its read logic once, over [`Read`](crate::Read), and uses it for
//!   the store and its snapshots.
//! - It rewrites a batch on its way down, never splits it. What it has to do for that
//!   before the store below has the commit, it has a [`Driver`] do: the commit goes to its end
//!   once it was polled, whoever leaves.
//! - What it keeps for itself lies under its own
//!   [`SystemKeys`](crate::SystemKeys). Keys of which [`is_core_key`] is true
//!   pass through with their values untouched: the header must stay readable
//!   from everywhere.

#[cfg(test)]
pub(crate) mod altered;
mod background;
mod declaration;
mod driver;
mod need;
mod own_keys;
pub mod page;
mod pass_through;
pub mod phase;
mod surroundings;
mod task;

use std::{fmt::Debug, future::Future};

pub use self::{
    background::{Attendance, Background},
    declaration::{LayerDeclaration, LayerFormat},
    driver::Driver,
    need::Need,
    own_keys::{OwnKeys, Spared},
    pass_through::{PassThrough, PassThroughStore},
    phase::{Outside, Phase},
    task::Task,
};
use crate::{Capabilities, Components, Key, Result, Space, Store};

/// A step of a stack: makes a store of the store below it.
pub trait Layer: Debug + Send + Sized + 'static {
    /// Where in a stack the layer belongs.
    type Phase: Phase;

    /// What the layer makes of a store.
    type Store<S: Store>: Store;

    /// The layer's name, needs, and effect on the stored form.
    fn declaration(&self) -> LayerDeclaration;

    /// What the layer leaves of the capabilities of the store below it, or adds
    /// to them. The store it makes must declare exactly this; opening a stack
    /// fails with `Internal` if it does not.
    ///
    /// It is asked before anything is opened or written, so a stack whose needs
    /// are not met leaves no trace. Default: everything, unchanged.
    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        inner.clone()
    }

    /// Makes a store of `inner`.
    ///
    /// # Errors
    /// As the layer says. What was written to `inner` until then must not keep
    /// the next attempt from succeeding.
    fn wrap<S: Store>(
        self,
        inner: S,
        components: &Components,
    ) -> impl Future<Output = Result<Self::Store<S>>> + Send;
}

/// The name under which core keeps its own system keys.
pub(crate) const CORE: &str = "core";

/// Whether `key` is one that core keeps for itself. Layers pass such keys
/// through, values and all.
#[must_use]
pub fn is_core_key(key: Key<'_>) -> bool {
    key.space() == Space::System && key.bytes().starts_with(b"\x02core\x00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemKeys;

    #[test]
    fn only_the_system_keys_of_core_are_core_keys() {
        let key = SystemKeys::of(CORE).key("header");
        assert!(is_core_key(key.as_key()));
        assert!(!is_core_key(Key::user(key.bytes())));
        for other in ["cor", "cores", "core\0"] {
            let key = SystemKeys::of(other).key("header");
            assert!(!is_core_key(key.as_key()), "{other:?}");
        }
    }
}
