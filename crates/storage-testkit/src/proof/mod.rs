//! Proof that a store keeps its promises when its process dies.
//!
//! A [`Program`] is a test program of an engine's crate. It starts itself again
//! as a child that works on a store in a directory, kills it at some moment,
//! starts itself once more to open what is left, and has it
//! [judged](mod@judge).
//!
//! ```no_run
//! use std::{path::PathBuf, process::ExitCode};
//!
//! use storage_core::{Components, SharedStore, memory::MemoryConfig};
//! use storage_testkit::proof::Program;
//!
//! fn main() -> ExitCode {
//!     Program::new("mine", |_: PathBuf, components: Components| async move {
//!         Ok(SharedStore::new(MemoryConfig::new().open_with(&components)))
//!     })
//!     .run()
//! }
//! ```
//!
//! Put a store of yours in the place of the memory store, which leaves nothing
//! and is refused for it. The target needs `harness = false` in `Cargo.toml`.
//! `cargo test` then runs a few rounds;
//! `cargo test --test proof -- crash --rounds 1000` runs more.

pub mod judge;

mod arguments;
mod checks;
mod crash;
mod inspect;
mod named_store;
mod note;
mod operation;
mod place;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod power_loss;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "power_loss_unsupported.rs"]
mod power_loss;
mod program;
mod seed;
mod unsynced;
mod value;
mod work;
mod workload;

#[cfg(all(feature = "servers", target_os = "linux"))]
pub(crate) use self::{
    crash::{is_zero, random_seed},
    program::{complain, say},
    seed::Part,
};
pub use self::{
    judge::{Finding, FindingKind, History, Promise, Recovered, Swaps, Verdict, judge},
    note::{Note, NoteError, Refusal, parse as parse_notes},
    operation::{Change, Condition, Effect, Operation, OperationId},
    place::{Keyspace, Place},
    program::Program,
    unsynced::Unsynced,
    value::{Content, SIGNED_BYTES_MIN, Signature},
};
