//! The suite, random and concurrent histories, faults, and dropped calls, through stacks
//! of all layers: each alone, each pair, all of a kind, all together.
//!
//! Stacks are put together behind dynamic edges, so that there is one type of store
//! for all of them, and the suite is compiled once for each engine.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod dropped;
mod each;
mod layers;
mod over_faults;
mod over_fjall;
mod over_memory;
#[cfg(feature = "pg")]
mod over_pg;
mod over_sqlite;
