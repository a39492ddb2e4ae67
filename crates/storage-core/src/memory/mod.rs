//! The memory engine: an ordered map that lives and dies with its handles.
//!
//! The map is persistent (its versions share what they have in common), so a
//! snapshot is taken in constant time and costs only what changes after it.
//! Commits are `Volatile`: there is nothing that could survive the process.

mod config;
mod engine;
mod key;
mod snapshot;

pub use self::{config::MemoryConfig, engine::MemoryEngine, snapshot::MemorySnapshot};

/// A store in memory.
pub type MemoryBackend = crate::embedded::Embedded<MemoryEngine>;
