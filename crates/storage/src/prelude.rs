//! The traits and types that most programs name.
//!
//! ```
//! use storage::prelude::*;
//! ```

pub use storage_core::{
    Durability, Entry, ErrorKind, Key, KeyRange, OwnedKey, Read, ReadExt, ReadOptions, ScanOptions,
    SharedStore, Store, StoreExt, WriteBatch, WriteOptions,
};
