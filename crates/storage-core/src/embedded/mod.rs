//! Embedded engines under async: one adapter for all of them.
//!
//! An embedded engine is a library of blocking calls. It implements [`Engine`],
//! and [`Embedded`] makes a [`Store`](crate::Store) of it, owning everything
//! that engines have in common: which thread a call runs on, the order of
//! writes, guards, sequences, group commit, poisoning and closing. What only
//! one engine can do is reached through [`Embedded::with_engine`].
//!
//! **Reads** run where the engine's [`ReadPolicy`] says. **Writes** pass one
//! order point: a commit that nobody is ahead of is applied on the caller's
//! thread, if the engine is sure not to wait; others queue for a writer thread,
//! which judges them in order, merges and applies them. What an engine can do of a
//! commit without its place in the order, it does before, on the threads of all
//! callers at once ([`Engine::prepare`]). **Syncs** happen on a
//! third thread, beside further writes: one sync answers everybody who waited
//! for it, and a buffered commit never waits for one.

mod cached_items;
mod chunks;
mod engine;
pub mod envelope;
pub mod flat_key;
mod no_snapshot;
mod order;
mod page;
mod prepared;
mod reader;
mod sequence;
mod shared;
mod snapshot;
mod store;

pub use self::{
    cached_items::CachedItems,
    chunks::Chunks,
    engine::{
        Change, ChangeForm, Engine, EngineRead, GroupPolicy, PreparePolicy, ReadPolicy, Tried,
        WritePolicy,
    },
    no_snapshot::NoSnapshot,
    prepared::Prepared,
    snapshot::EmbeddedSnapshot,
    store::Embedded,
};
