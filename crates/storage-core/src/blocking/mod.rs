//! Stores without async: [`block_on`] for a single future, [`BlockingStore`]
//! for programs that have no executor at all.

mod block_on;
mod driver;
mod reading;
#[cfg(feature = "runtime")]
mod runtime;
mod scan;
mod store;
#[cfg(test)]
mod tests;

pub use self::{block_on::block_on, reading::Blocking, scan::BlockingScan};
use crate::Store;

/// A store whose calls wait for their answers.
pub type BlockingStore<S> = Blocking<S>;

/// A snapshot whose calls wait for their answers.
pub type BlockingSnapshot<S> = Blocking<<S as Store>::Snapshot>;
