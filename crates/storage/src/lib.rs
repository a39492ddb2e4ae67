//! One ordered key-value API over many engines.
//!
//! ```
//! use storage::prelude::*;
//!
//! # fn main() -> storage::Result<()> {
//! # storage::blocking::block_on(async {
//! // "fjall:./data" keeps it on disk instead.
//! let store = storage::open("memory:").await?;
//!
//! store.put("planet/3", "Earth").await?;
//! store.put("planet/4", "Mars").await?;
//! assert_eq!(store.get("planet/3").await?.unwrap().value(), "Earth");
//!
//! let mut planets = store.scan_prefix("planet/");
//! while let Some(planet) = planets.next().await? {
//!     println!("{:?} is {:?}", planet.key, planet.entry.value());
//! }
//!
//! // Several changes take effect together, or none does.
//! let renamed = WriteBatch::new().present("planet/4").delete("planet/4").put("mars", "red");
//! store.commit(renamed).await?;
//! store.close().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Features
//!
//! | Feature | Gives | Default |
//! |---|---|---|
//! | `fjall` | `storage::fjall`: a log-structured merge tree in pure Rust | yes |
//! | `sqlite` | `storage::sqlite`: a SQLite database, which its shell can read; takes a C compiler | no |
//! | `fs` | `storage::fs`: each value is a file; takes a C compiler | no |
//! | `sled` | `storage::sled`: a lock-free tree in pure Rust | no |
//! | `pg` | `storage::pg`: a PostgreSQL database, which any number of processes share; takes a C compiler; turns on `runtime` | no |
//! | `redis` | `storage::redis`: a Redis database, which any number of processes share; takes a C compiler; turns on `runtime` | no |
//! | `object` | `storage::object`: objects in a bucket of S3 or in a directory; takes a C compiler; turns on `runtime` | no |
//! | `azure` `gcs` | `object`, also in containers of Azure and buckets of Google Cloud Storage | no |
//! | `rocks` | `storage::rocks`: RocksDB; takes a C++ compiler and libclang (Debian: `g++ libclang-dev`), and ten minutes on two cores | no |
//! | `cache` | `storage::cache`: the layer that answers reads from memory | no |
//! | `compress` | `storage::compress`: the layer that makes values smaller; takes a C compiler | no |
//! | `expiry` | `storage::expiry`: the layer of default times to live, which removes what has expired | no |
//! | `dedup` | `storage::dedup`: the layer that stores equal values once | no |
//! | `resilience` | `storage::resilience`: a layer that retries, gives up in time, and leaves a store alone that fails | no |
//! | `fallback` | `storage::fallback`: a layer that answers, and accepts commits, for a store that is gone | no |
//! | `metrics` | `storage::metrics`: a layer that measures | no |
//! | `prometheus` | `metrics`, with an endpoint that Prometheus scrapes | no |
//! | `runtime` | [`blocking`] may drive stores that need timers or sockets | no |
//!
//! `fjall`, `sqlite`, `fs`, `sled` and `rocks` are embedded, durable stores in
//! directories of their own, and the feature's name is the scheme in
//! [store URLs](StoreUrl); stores of `pg` are named as `postgres://…`, those of
//! `redis` as `redis://…`, those of `object` as `s3://…`, `az://…`, `gs://…` or
//! `object+file:///…`. The in-memory engine, [`memory`], is always there.
//!
//! Stores across a network are opened and used on a Tokio runtime, which has to
//! run for as long as the store is used. A [`blocking::BlockingStore`] has one of
//! its own.
//!
//! # Where to look
//!
//! This crate has no logic of its own: it re-exports `storage-core` and the
//! engines, and [`open`] picks one of them by its URL.
//!
//! | To … | see |
//! |---|---|
//! | open a store named in a configuration | [`open`], [`StoreUrl`] |
//! | open an engine with settings | the `…Config` of its module, such as [`memory::MemoryConfig`] |
//! | read and write | [`ReadExt`], [`StoreExt`], [`WriteBatch`] |
//! | put layers on an engine | [`Stack`], [`layer`] |
//! | work without async | [`blocking`] |

mod directory_engine;
mod network_engine;
mod open;
pub mod prelude;
mod server_url;
mod url;

pub use storage_core::*;

pub use self::{
    directory_engine::DirectoryEngine, network_engine::NetworkEngine, open::open,
    server_url::ServerUrl, url::StoreUrl,
};

/// The cache layer: reads are answered from memory.
#[cfg(feature = "cache")]
pub mod cache {
    pub use storage_cache::*;
}

/// The compression layer: values are made smaller.
#[cfg(feature = "compress")]
pub mod compress {
    pub use storage_compress::*;
}

/// The expiry layer: times to live, and removal of what has expired.
#[cfg(feature = "expiry")]
pub mod expiry {
    pub use storage_expiry::*;
}

/// The layer for when the store below is gone.
#[cfg(feature = "fallback")]
pub mod fallback {
    pub use storage_fallback::*;
}

/// The deduplication layer: equal values are stored once.
#[cfg(feature = "dedup")]
pub mod dedup {
    pub use storage_dedup::*;
}

/// The embedded default engine: an LSM tree in pure Rust.
#[cfg(feature = "fjall")]
pub mod fjall {
    pub use storage_fjall::*;
}

/// The filesystem engine: each value is a file.
#[cfg(feature = "fs")]
pub mod fs {
    pub use storage_fs::*;
}

/// The layer that measures.
#[cfg(feature = "metrics")]
pub mod metrics {
    pub use storage_metrics::*;
}

/// The object storage engine.
#[cfg(feature = "object")]
pub mod object {
    pub use storage_object::*;
}

/// The PostgreSQL engine.
#[cfg(feature = "pg")]
pub mod pg {
    pub use storage_pg::*;
}

/// The Redis engine.
#[cfg(feature = "redis")]
pub mod redis {
    pub use storage_redis::*;
}

/// The layer for stores that fail.
#[cfg(feature = "resilience")]
pub mod resilience {
    pub use storage_resilience::*;
}

/// The RocksDB engine.
#[cfg(feature = "rocks")]
pub mod rocks {
    pub use storage_rocks::*;
}

/// The sled engine.
#[cfg(feature = "sled")]
pub mod sled {
    pub use storage_sled::*;
}

/// The SQLite engine.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use storage_sqlite::*;
}

/// The program that the repository's README begins with.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
