//! The sled engine of `storage`: a lock-free tree in pure Rust.
