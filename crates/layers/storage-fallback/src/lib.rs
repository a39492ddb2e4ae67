//! A layer for when the store below is gone: it answers reads with what was last
//! known, accepts commits for a while if it is told to, writes them back, and says
//! so.
//!
//! ```
//! use std::time::Duration;
//!
//! use storage_core::{
//!     Consistency, Durability, Read, ReadOptions, Stack, Store, StoreExt, WriteBatch,
//!     WriteOptions, memory::MemoryConfig,
//! };
//! use storage_fallback::{
//!     FallbackConfig, FallbackControl, FallbackLayer, FallbackState, StandbyWrites,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storage_core::Result<()> {
//! let config = FallbackConfig::new().writes(StandbyWrites::Overwriting);
//! let store = Stack::on(MemoryConfig::new().open())
//!     .with(FallbackLayer::new(config))
//!     .open()
//!     .await?;
//!
//! // This one may be kept in memory while the store is gone …
//! let volatile = WriteOptions::new().durability(Durability::Volatile);
//! let batch = WriteBatch::new().put("planet/3", "Earth");
//! store.commit_with(batch, &volatile).await?;
//! // … and this read may be answered with what was known a minute ago.
//! let at_most = Duration::from_mins(1);
//! let stale = ReadOptions::new().consistency(Consistency::Stale { at_most });
//! assert!(store.get_with("planet/3".into(), &stale).await?.is_some());
//!
//! let control = store.find::<FallbackControl>().unwrap();
//! assert_eq!(control.state(), FallbackState::Primary);
//! assert_eq!(control.pending(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Where it belongs
//! Outermost: it stands in for all that lies below, the *primary*. Put the
//! resilience layer at the other end of the stack: a circuit that is open lets the
//! primary's calls fail at once, and this layer has no time limits of its own.
//!
//! # While the primary is gone
//! A call has found the primary gone if it failed as `Unavailable` or `TimedOut`
//! (not for a lock that another process holds). Each call asks the primary first,
//! as long as nothing is pending, so what still works, works.
//!
//! | call | answer |
//! |---|---|
//! | read of keys that are known | what was last known, where [`FallbackConfig::reads`] and the read's own [consistency](storage_core::Consistency) let it; else the primary's error |
//! | read of a key that is not known, scan, snapshot | the primary's error: absence cannot be told |
//! | commit, refused | the primary's error |
//! | commit, accepted ([`StandbyWrites`]) | puts and deletes of user keys that the primary has certainly not applied, and that ask for no more durability than the standby has |
//! | put without an expiry, over a layer that gives it one | the primary's error; what it has put is known once it is read |
//! | commit with guards, range deletes, sequenced puts | the primary's error |
//! | commit that is too large for one row of the standby, or for the primary with the guard and the put that writing back adds | the primary's error |
//! | commit of `Unknown` outcome | the primary's error: it may be there, or come late |
//!
//! A commit asks for the strongest durability of the store unless it says what will
//! do. So nothing is accepted but what says so, or what the standby keeps as well as
//! the primary. [`Committed::sequence`](storage_core::Committed::sequence) of an accepted commit is
//! `None`: the standby does not number the primary's commits.
//!
//! # On the way back
//! The primary is looked for in the background, with growing pauses. Then what is
//! pending is written to it: in order, in groups, each exactly once, with the primary's strongest
//! durability. Until all of it is there
//! - reads of single keys see the accepted changes first, those that demand
//!   linearizability are refused: others do not see these changes;
//! - scans of ranges with such keys, and snapshots, are refused;
//! - commits go behind what is pending, or are refused.
//!
//! # What can be lost
//!
//! | what | when |
//! |---|---|
//! | a commit that the primary acknowledged | never because of this layer |
//! | a commit that the standby accepted as `Volatile` | if the process ends before it is written back |
//! | one accepted as `Buffered` | if the machine loses power before |
//! | one accepted as `Synced` | if the standby's disk is lost before, or the standby is not opened again with the same primary |
//! | what others wrote to the same keys meanwhile | whenever accepted commits are written back: the last writer is who is written back |
//! | what was accepted and then [abandoned](FallbackControl::abandon), by this process or by one that has taken its standby | at once |
//!
//! Other processes see accepted commits only once they are written back. A commit
//! whose answer from the primary was `Unknown` may take effect later than those that
//! were accepted after it, as it may without this layer.
//!
//! # One process a standby
//! Opening a standby takes it from whoever had it, whether that process still runs or
//! not, with all that is pending. The former owner accepts no more commits (`Poisoned`),
//! says so in its [health](storage_core::Store::health), and goes on with the primary alone. What both know of is written
//! back once.
//!
//! # What it offers
//! What the primary offers, with two exceptions. Reads are fresh on demand alone,
//! where stale answers are always allowed or commits are accepted. And durabilities
//! begin with the standby's weakest, where commits are accepted; the primary gives
//! those that ask for less than it has its own weakest.
//!
//! # Cancel safety
//! As for the store below. An acceptance that has begun is driven to its end.
//!
//! # What it costs
//! A load and a branch a call; where reads are remembered, a clock reading, a lock
//! and a copy of the value; where commits are accepted or remembered, a copy of the
//! batch, values shared. The primary gets one row of 29 bytes, in the system space, for
//! each standby that wrote back.
//!
//! # Runtime
//! It is opened on a Tokio runtime, on which it looks for the primary.
//!
//! `docs/decisions/0036-fallback.md` says why, and `0046-standby-owner.md` who has a standby.

mod config;
mod control;
mod core;
mod gone;
mod journal;
mod known;
mod layer;
mod limits;
mod pending;
mod read;
mod returning;
mod status;
mod store;
mod write;

pub use self::{
    config::{FallbackConfig, StaleReads, StandbyWrites},
    control::FallbackControl,
    layer::FallbackLayer,
    status::{FallbackState, FallbackStats},
    store::Fallback,
};

/// The name under which the layer is described and its errors are known.
const NAME: &str = "fallback";
