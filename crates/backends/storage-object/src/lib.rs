//! The object storage engine: one object an entry, in a bucket of S3 or of a
//! server that speaks like it, of Azure (feature `azure`) or Google Cloud Storage
//! (feature `gcs`), or in a directory.
//!
//! ```no_run
//! use storage_core::{ReadExt, Store, StoreExt};
//! use storage_object::ObjectConfig;
//!
//! # async fn run() -> storage_core::Result<()> {
//! let store = ObjectConfig::from_url("s3://ledger/blocks?region=eu-north-1")?
//!     .open()
//!     .await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//! store.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # In the bucket
//! `docs/formats/object.md` describes names and objects. Names sort as keys do, so
//! a scan is a listing, and a request for each of its entries.
//!
//! # One key at a time
//! An object store changes one object at a time, and so does a commit: a batch may
//! have guards and several mutations, all of one key. A page of a scan shows each
//! of its keys at an instant of its own. There are no snapshots, no sequences and
//! no range deletes.
//!
//! # Guards
//! A guard is a condition of a request: "if there is no such object", "if it has
//! this `ETag`". Some servers ignore conditions, others judge them too early. So an
//! open lets thirty requests race, several times, of which one may win; only where
//! that holds does the store offer guards (`docs/decisions/0034-object-storage.md`).
//! A directory is one process's at a time, whose locks do the same.
//!
//! # When the answer is lost
//! Each write has a name, which is in the object. A put whose answer is lost is
//! found by it, or else is `Unknown`: it may be under way still. Where guards are
//! offered by conditions, what has a guard, and each delete, can be sent again, as a
//! form of an object does not come back.
//!
//! # Consistency
//! Reads are declared linearizable in a directory, and where Amazon, Microsoft or
//! Google promise it. The open does not try that. Of a server at any other endpoint
//! nothing is known, and its reads are declared to lag behind its writes, unless
//! the configuration [says](ObjectReads) that they do not.

#[cfg(feature = "azure")]
mod azure;
mod bucket;
mod change;
mod class;
mod client;
mod commit;
mod config;
mod credentials;
mod deletes;
mod engine;
mod error;
mod failure;
#[cfg(feature = "gcs")]
mod gcs;
mod guarding;
mod name;
mod object;
mod open;
mod place;
mod race;
mod read;
mod s3;
mod scan;
mod served;
mod sought;
mod stamp;
#[cfg(test)]
mod tests;
mod transport;
mod url;
mod walk;

#[cfg(feature = "azure")]
pub use self::azure::AzurePlace;
#[cfg(feature = "gcs")]
pub use self::gcs::GcsPlace;
pub use self::{
    class::ObjectClass,
    config::ObjectConfig,
    engine::{ObjectEngine, ObjectSnapshot},
    place::{ObjectConditions, ObjectCreation, ObjectParts, ObjectPlace, ObjectReads},
    s3::S3Place,
};

/// A store of objects.
pub type ObjectBackend = storage_core::networked::Networked<ObjectEngine>;
