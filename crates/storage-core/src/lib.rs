//! One ordered key-value API for every engine and every layer.
//!
//! A [`Store`] is an ordered map from keys to [entries](Entry). It is read with
//! [`ReadExt`], changed with a [`WriteBatch`] through [`StoreExt`], and seen as
//! of one moment through a snapshot.
//!
//! ```
//! use storage_core::{KeyRange, ReadExt, StoreExt, WriteBatch, memory::MemoryConfig};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! let store = MemoryConfig::new().open();
//! store.put("planet/3", "Earth").await?;
//! store
//!     .commit(WriteBatch::new().absent("planet/4").put("planet/4", "Mars"))
//!     .await?;
//! let planets = store.scan_prefix("planet/").collect().await?;
//! assert_eq!(planets.len(), 2);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! | To … | see |
//! |---|---|
//! | use a store | [`ReadExt`], [`StoreExt`], [`WriteBatch`], [`Namespace`] |
//! | use it without async | [`blocking`] |
//! | load many entries, or copy a store | [`bulk`] |
//! | put layers on an engine | [`Stack`], [`layer`] |
//! | write an embedded engine | [`embedded`] |
//! | write an engine across a network | `networked`, with the feature of that name |
//! | write a layer | [`layer`] |
//! | choose a stack at run time | [`SharedStore`] |

pub mod blocking;
pub mod bulk;
pub mod durable;
pub mod embedded;
pub mod layer;
pub mod memory;
#[cfg(feature = "networked")]
pub mod networked;

mod adapter;
mod batch;
mod capabilities;
mod component;
mod directory;
mod entry;
mod error;
mod header;
mod key;
mod namespace;
mod options;
mod range;
mod report;
mod shared;
mod stack;
mod stamp;
mod store;

pub use self::{
    batch::{Guard, Mutation, Put, SequencedPut, WriteBatch},
    capabilities::{
        Admit, BatchScope, Capabilities, CrashOrder, ReadSupport, ScanOrder, SequenceScope,
        SnapshotSupport, Support,
    },
    component::{
        Clock, Components, Executor, Job, Kept, ManualClock, OsRandom, Random, SeededRandom,
        SystemClock, ThreadPool, TimeSource,
    },
    directory::{FileContent, FoundStore, Mark, StoreDirectory, Watermark},
    entry::{Entry, Sequence, Timestamp},
    error::{Error, ErrorKind, Operation, Outcome, RedactedKey, Result, Retry},
    header::{Ancestor, StoreHeader, StoreId, StoredLayer},
    key::{Key, OwnedKey, Space, SystemKeys},
    namespace::{Count, Namespace, NamespaceExt, Namespaced},
    options::{
        Consistency, Direction, Durability, Projection, ReadOptions, ScanOptions, WriteOptions,
    },
    range::KeyRange,
    report::{
        CheckReport, Damage, Description, Health, HealthIssue, Maintenance, MaintenanceReport,
        RuntimeNeed, Statistic, Stats, Unit,
    },
    shared::{SharedSnapshot, SharedStore},
    stack::{Assemble, ErasedStack, Stack},
    stamp::Stamp,
    store::{Committed, Item, Page, Read, ReadExt, Scan, SnapshotOptions, Store, StoreExt},
};
