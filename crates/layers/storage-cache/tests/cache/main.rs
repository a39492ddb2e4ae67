//! What the cache does, seen from outside and from the store below it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod capacity;
mod dropping;
mod dropping_second;
mod flights;
mod hits;
mod hot;
mod order;
mod others;
mod outcomes;
mod race;
mod scene;
mod second;
mod time;
mod walks;
mod writes;
