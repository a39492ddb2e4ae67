//! A layer for stores that fail: it repeats what is safe to repeat, gives up in
//! time, keeps a store from being asked too much at once, and leaves one alone
//! that does not answer.
//!
//! ```
//! use std::time::Duration;
//!
//! use storage_core::{Stack, StoreExt, memory::MemoryConfig};
//! use storage_resilience::{CircuitState, ResilienceConfig, ResilienceControl, ResilienceLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storage_core::Result<()> {
//! let config = ResilienceConfig::new().time_limit(Duration::from_secs(5));
//! let store = Stack::on(MemoryConfig::new().open())
//!     .with(ResilienceLayer::new(config))
//!     .open()
//!     .await?;
//! store.put("planet/3", "Earth").await?;
//!
//! let control = store.find::<ResilienceControl>().unwrap();
//! assert_eq!(control.circuit(), CircuitState::Closed);
//! assert_eq!(control.stats().retries, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Where it belongs
//! Innermost, next to what fails: what lies outside of it sees fewer failures
//! and never its own work done twice. It offers what the store below offers.
//!
//! # What happens to a call
//! A call is one or more *attempts*. Each attempt takes a place among those that
//! may be under way at once, asks the circuit breaker, and then has
//! [`attempt_time_limit`](ResilienceConfig::attempt_time_limit) to be answered.
//! Between attempts nothing is held. All of it, waiting included, ends within
//! [`time_limit`](ResilienceConfig::time_limit). A scan is a call for each page,
//! so one that its caller leaves lying holds no place.
//!
//! **Repeated** is a failed attempt whose error says that the same request may
//! succeed later, and of which it is certain that doing it again changes nothing
//! that doing it once would not have: every read, and a commit that was
//! `NotApplied`. A commit of `Unknown` outcome is repeated only if its batch has
//! no mutations. The next attempt begins after the time that the error asks for,
//! and then a random part of a time that doubles.
//!
//! **The circuit** opens where too many attempts are `Unavailable` or
//! `TimedOut`: calls are then refused at once, as `Unavailable`. After a while
//! a trial call is let through, and its success closes the circuit. Refusals,
//! conflicts and other answers of a store that works count as successes; a lock
//! that another process holds does not count as a failure.
//!
//! `docs/decisions/0030-resilience.md` says why.
//!
//! # Cancel safety
//! As for the store below. Dropping a future gives up the place it holds or
//! waits for. A commit is accepted once its first attempt has reached the store
//! below: a time limit that ends it later answers `Unknown`, and the store drives
//! the commit to its end. One that has not got that far is `NotApplied`.
//!
//! # What it costs
//! A call that is answered at once takes no clock reading and no timer: two
//! atomic changes for its place, and one load for the circuit. A call that has to
//! wait takes one timer. A commit is copied once, values shared, since it may
//! have to be repeated.
//!
//! # Runtime
//! It is opened on a Tokio runtime, whose timers it uses from then on wherever
//! it is called.

mod backoff;
mod call;
mod circuit;
mod config;
mod control;
mod layer;
mod limit;
mod repeat;
mod store;
mod timers;

pub use self::{
    circuit::CircuitState,
    config::{CircuitConfig, ResilienceConfig},
    control::{ResilienceControl, ResilienceStats},
    layer::ResilienceLayer,
    store::Resilient,
};

/// The name under which the layer is described and its errors are known.
const NAME: &str = "resilience";
