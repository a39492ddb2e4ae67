//! Chaos: servers are killed, paused, cut off and failed over while many tasks
//! write to them, and every answer is held against what is there afterwards.
//!
//! A [`Site`] is servers of one engine, what can be done to them, and the way to
//! open a store on them. A [`Program`] is a test program of the engine's crate,
//! which plays [`Fault`]s of the site by chance, from a seed that it prints:
//!
//! ```no_run
//! use std::{process::ExitCode, time::Duration};
//!
//! use storage_core::{Result, memory::{MemoryBackend, MemoryConfig}};
//! use storage_testkit::{chaos::{Fault, Program, Site}, servers::ServerResult};
//!
//! struct Mine(MemoryBackend);
//!
//! impl Mine {
//!     fn nothing(&mut self) -> ServerResult {
//!         Ok(())
//!     }
//! }
//!
//! impl Site for Mine {
//!     type Store = MemoryBackend;
//!     const FAULTS: &'static [Fault<Self>] =
//!         &[Fault::new("nothing happens", Self::nothing, Self::nothing)];
//!     const TIME_LIMIT: Duration = Duration::from_secs(3);
//!     const NOTICED_WITHIN: Duration = Duration::ZERO;
//!
//!     async fn open(&self) -> Result<MemoryBackend> {
//!         Ok(self.0.clone())
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     Program::new("mine", || Ok(Mine(MemoryConfig::new().open()))).run()
//! }
//! ```
//!
//! The target needs `harness = false` in `Cargo.toml`. `cargo test` then plays a
//! few seconds; `cargo test --test chaos -- chaos --minutes 2` plays more.
//!
//! # What is done
//! Thirty-two tasks, over several stores as several processes would have, write
//! values that name their attempt: to a key of the attempt's own, to keys that
//! only one task writes, and, where there are guards, by compare-and-swap to keys
//! that all write. In between they read. Nobody tries an attempt again.
//!
//! # What is judged
//! - **lost**: values that were acknowledged and that a read which came after, or
//!   the last one, does not show, though nothing newer is there. A swap that was
//!   acknowledged must be among those that the value at the end is built on.
//! - **misreported**: values reported as `NotApplied` that were ever seen, and
//!   those reported as `Unknown` by a call that lay wholly within a time in which
//!   [no connection](Fault::cutting_off) could be made, none was open, and clients
//!   had the time to notice.
//! - What is left is read when all faults have ended. Servers may have much to do
//!   still: a read that is not answered in time is made again for twenty time
//!   limits, and told of. If it never is, nothing is judged.
//! - The longest call must be over within the store's time limit, and after each
//!   fault a put must be acknowledged again.
//!
//! A value reported as `Unknown` may be there or not, and may come late. A task
//! gives up a key with such a value, so that on all others one value alone is
//! right.

mod arguments;
mod campaign;
mod director;
mod history;
mod judge;
mod last_look;
mod place;
mod program;
mod site;
mod summary;
mod task;

#[cfg(test)]
mod tests;

pub use self::{
    program::Program,
    site::{Fault, Site},
};
