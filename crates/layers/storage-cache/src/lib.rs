//! Answers reads from memory, and never with what its process has overwritten.
//!
//! ```
//! use storage_cache::{Cache, CacheConfig, CacheLayer};
//! use storage_core::{ReadExt, Stack, StoreExt, memory::MemoryConfig};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! let store = Stack::on(MemoryConfig::new().open())
//!     .with(CacheLayer::new(CacheConfig::exclusive(64 << 20)))
//!     .open()
//!     .await?;
//! store.put("planet/3", "Earth").await?;
//! for _ in 0..3 {
//!     store.get("planet/3").await?; // the second and the third come from memory
//! }
//! let cache: &Cache = store.find().expect("the stack has a cache");
//! assert_eq!(cache.stats().memory.hits, 2);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Where it belongs
//! Outside everything that changes or encodes values, so that a hit costs no
//! decompression and no decryption; inside expiry and fallback, which must see every
//! read. The compiler checks it ([`phase::Cache`](storage_core::layer::phase::Cache)).
//!
//! # What it promises
//! - **Within its process**: no read returns a value older than the last write that
//!   was acknowledged before the read began, and reads stay linearizable where the
//!   store below is. From the moment a commit is accepted until its outcome is known,
//!   reads of its keys go around the cache, also when the commit's future was
//!   dropped. If the store answers that the outcome is unknown, they do so for
//!   [`unknown_for`](CacheConfig::unknown_for).
//! - **Between processes**, and between a cache and others who write to the store
//!   below it: what others write is seen after
//!   [`time_to_live`](CacheConfig::time_to_live) at the latest, and the store declares
//!   [`OnDemand`](storage_core::ReadSupport::OnDemand) reads. A read that demands
//!   [`Linearizable`](storage_core::Consistency::Linearizable) goes around the cache
//!   then; one that allows [`Stale`](storage_core::Consistency::Stale) answers is
//!   served what is young enough.
//! - An entry is never returned after it has expired, by the store's clock.
//! - A stamp is that of the store below. A conflict forgets the keys that were
//!   guarded, so whoever reads again reads what the store holds.
//! - Scans, snapshots and system keys are those of the store below: layers below the
//!   cache write their own keys without its knowledge.
//!
//! # Cancel safety
//! A dropped read fills nothing and leaves nobody waiting: one of those who joined it
//! reads in its place. (One that is kept and not polled keeps those who joined
//! waiting, as it would keep a connection.) A dropped commit is driven to its end by
//! the store below; its future is kept, and asked until it tells the outcome.
//!
//! A dropped `close` may lose the hot set.
//!
//! # After a crash
//! Nothing that was kept is read again: memory is gone, and a second level begins a new
//! epoch unless the last cache was closed.
//!
//! # The second level
//! [`CacheLayer::second_level`] puts another store behind the memory, on a local disk or
//! in a server nearby. All that is promised above holds with it, whatever it does: it may
//! fail, stall, answer late or lose what it was sent. A read waits for it no longer than
//! [its limit](SecondLevel::time_limit), a commit not at all. After a clean close the next
//! cache of an [`exclusive`](CacheConfig::exclusive) store goes on with what it holds,
//! unless somebody wrote meanwhile. One thing it must not do:
//! see [`SecondLevel`]. `docs/decisions/0040-second-level-cache.md` says how it works.
//!
//! # The hot set
//! With [`hot_set_entries`](CacheConfig::hot_set_entries), closing the store keeps the keys that
//! would be evicted last in the store below, and the next cache reads them again
//! in the background, 64 at a time. Opening waits for none of it; closing and
//! dropping the store end it. What it reads fills the cache by the rules for any
//! read, and it stops when nine tenths of the room are taken. A hot set that is
//! damaged or cannot be read is counted
//! ([`hot_set_failures`](CacheStats::hot_set_failures)) and has no other effect.
//! The keys lie there as they are: a layer below that encrypts values encrypts them.
//!
//! # What it costs
//! | | |
//! |---|---|
//! | memory | the capacity: keys, entries, and 192 bytes for each; what is under way besides |
//! | a hit | a hash, a shared lock, a counted handle; the clock too where the entry expires or there is a time to live |
//! | a miss | two exclusive locks of one of 64 stripes; a copy of the entry and an insertion, if there is room or the key was missed shortly before |
//! | a commit | for each key two locks of a stripe and one of a shard; one allocation for its future |
//! | a range delete | a walk through all cached keys |
//! | with a second level | a read of it for each miss; in the background a write for each fill and each key of a commit |
//! | closing, with a hot set | an eviction of all but so many entries, one put |
//!
//! `cargo xtask bench layers` measures it; `docs/decisions/0033-cache.md` says why it
//! is built this way.

mod ahead;
mod cache;
mod cached;
mod config;
mod counters;
mod get;
mod hot;
mod key;
mod layer;
mod leading;
mod level;
mod marks;
mod orphans;
mod read;
mod second;
mod stats;
mod store;
mod stripes;
mod walk;
mod wide;

pub use self::{
    cache::Cache,
    config::{Absence, CacheConfig, Policy, Writes},
    layer::CacheLayer,
    second::{SecondLevel, SecondLevelStats},
    stats::{CacheStats, LevelStats},
    store::CacheStore,
};
