//! The suite, random and concurrent histories, and faults, through stacks of the
//! layers that leave what is stored as it is: each alone, each pair, all together.
//!
//! Stacks are put together behind dynamic edges, so that there is one type of store
//! for all of them, and the suite is compiled once for each engine. Over PostgreSQL
//! only all together are tested here: a stack takes a minute. The test target
//! `every_stack_over_pg`, which runs only where it is named, has the others.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod each;
mod layers;
mod over_faults;
mod over_fjall;
mod over_memory;
#[cfg(feature = "pg")]
mod over_pg;
#[cfg(feature = "pg")]
mod pg;
