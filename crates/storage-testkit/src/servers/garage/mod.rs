//! A Garage of three nodes: an S3 that replicates, and that does not honour
//! conditions of writes.
//!
//! To build it takes ten minutes and more, so only those tests have one that are
//! asked for: `cargo xtask test --with garage` builds it, once.

mod programs;
mod server;

pub use self::server::{GarageBucket, GarageServer};
