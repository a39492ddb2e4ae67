//! Stores that are not what a stack of compression, deduplication and expiry wrote: they were
//! written by another stack, or damaged since.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod damage;
#[path = "../proof/layers.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod layers;
mod others;
