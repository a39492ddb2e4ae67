//! Stores whose type is forgotten, for stacks that are chosen at run time.
//!
//! [`Store`](crate::Store) is not object-safe: its futures have no name. Behind
//! a [`SharedStore`] they are boxed, which costs one allocation a call. All else
//! forwards without cost.

mod dynamic;
mod snapshot;
mod store;

pub use self::{snapshot::SharedSnapshot, store::SharedStore};
