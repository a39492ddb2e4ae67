//! Gives entries a time to live where their writers gave none, and removes what has
//! expired.
//!
//! ```
//! use std::time::Duration;
//! use storage_core::{Components, ManualClock, ReadExt, Stack, StoreExt, Timestamp, memory::MemoryConfig};
//! use storage_expiry::{ExpiryConfig, ExpiryControl, ExpiryLayer, Sweep};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! # let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_700_000_000_000));
//! # let components = Components::default().with_clock(clock.clone());
//! // By default a thread sweeps, and may be first.
//! let config = ExpiryConfig::new()
//!     .of_prefix("session/", Duration::from_mins(30))
//!     .sweep(Sweep::OnDemand);
//! let store = Stack::on(MemoryConfig::new().open_with(&components))
//!     .with(ExpiryLayer::new(config))
//!     .components(components)
//!     .open()
//!     .await?;
//! store.put("session/7", "Ada").await?;
//! store.put("user/ada", "Ada").await?;
//! clock.advance(Duration::from_mins(30));
//! assert!(!store.exists("session/7").await?);
//! assert!(store.exists("user/ada").await?);
//!
//! let control: &ExpiryControl = store.find().expect("the stack expires entries");
//! assert_eq!(control.sweep_now().await?, 1);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Where it belongs
//! Outside everything but fallback: the cache, the change log and dedup see the expiry
//! that an entry gets, and its removal. The compiler checks it
//! ([`phase::Expiry`](storage_core::layer::phase::Expiry)).
//!
//! # What it does
//! - **Defaults.** A put without an expiry gets one by the longest rule that its key
//!   begins with ([`ExpiryConfig::of_namespace`], [`of_prefix`](ExpiryConfig::of_prefix)),
//!   else the [`default`](ExpiryConfig::default_time_to_live). A put with an expiry keeps
//!   it; the end of time, `Timestamp::from_unix_milliseconds(u64::MAX)`, is for good.
//! - **Sweeping.** Engines hide what has expired and keep it. Each put of an entry that
//!   expires also puts a row that says when, in the same batch
//!   (`docs/formats/expiry.md`). A thread looks for rows whose time has come, and removes
//!   them with their entries, if those have expired.
//!
//! # What it promises
//! - No read and no guard sees what has expired, whatever the sweeper does: the engine
//!   judges each of them, by the store's clock.
//! - The sweeper removes no live entry, however it races with writers: each removal is
//!   guarded by its key being absent, which an expired one is.
//! - What expired is removed some time, also after crashes: the row is in the batch of
//!   its entry, and goes in the batch that removes it.
//!
//! # Sweeping, and engines that do it themselves
//! It takes batches of the whole store, guards, and ordered scans; opening fails where
//! the store below lacks them. [`Sweep::Never`] writes no rows and needs entries that
//! expire alone: for engines that remove what has expired by themselves, and where it may
//! stay. A store keeps to one or the other, as its header says. [`Sweep::OnDemand`]
//! writes rows and starts no thread: [`ExpiryControl::sweep_now`] sweeps.
//!
//! # Cancel safety
//! As for the store below.
//!
//! # What it costs
//! | | |
//! |---|---|
//! | a put of what expires | a second put, of the key and 17 bytes; a look at the clock if the expiry is a default |
//! | other calls | nothing but rules to compare with, if there are any |
//! | limits | batches of half the operations and less than half the bytes of those below |
//! | a removal | a row of a keys-only scan, a read, a guard, two deletes; in batches of 256 |
//! | threads | one |
//!
//! `docs/decisions/0038-expiry.md` says why it is built this way.

mod config;
mod control;
mod index;
mod layer;
mod rewrite;
mod rules;
mod stats;
mod store;
mod sweeper;

pub use self::{
    config::{ExpiryConfig, Rule, Scope, Sweep},
    control::ExpiryControl,
    layer::ExpiryLayer,
    stats::ExpiryStats,
    store::ExpiryStore,
};
