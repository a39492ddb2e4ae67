//! Something that is read until it ends: an engine, or one of its snapshots.

use std::{
    fmt, mem,
    sync::{Arc, PoisonError, RwLock},
};

use super::runtime::Runtime;
use crate::{Error, Result};

/// An engine or a snapshot, for as long as it may be called.
pub(super) struct Source<S> {
    state: RwLock<State<S>>,
    runtime: Runtime,
}

enum State<S> {
    Open(Arc<S>),
    /// With the answer to those who call all the same.
    Ended(fn() -> Error),
}

impl<S> Source<S> {
    pub(super) const fn new(source: Arc<S>, runtime: Runtime) -> Self {
        Self {
            state: RwLock::new(State::Open(source)),
            runtime,
        }
    }

    /// What is to be called. To be dropped on the runtime.
    ///
    /// # Errors
    /// Why it has ended.
    pub(super) fn get(&self) -> Result<Arc<S>> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(source) => Ok(Arc::clone(source)),
            State::Ended(why) => Err(why()),
        }
    }

    /// Ends it, if nobody has: it is dropped once the calls under way are over.
    pub(super) fn end(&self, why: fn() -> Error) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Open(_)) {
            let ended = mem::replace(&mut *state, State::Ended(why));
            drop(state);
            self.runtime.drop(ended);
        }
    }
}

impl<S> Drop for Source<S> {
    fn drop(&mut self) {
        self.end(Error::closed);
    }
}

impl<S> fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("is_open", &self.get().is_ok())
            .finish_non_exhaustive()
    }
}
