//! Certifies a store: the same claims for every engine, layer and stack.
//!
//! A [`Subject`] is a place where a store keeps its data and the way to open
//! it. [`conformance!`] turns it into one test per named [case](cases), one that
//! runs [random histories](model) against an ordered map, and one that looks for
//! an order in [concurrent histories](linearizability).
//!
//! ```
//! use storage_core::memory::{MemoryBackend, MemoryConfig};
//! use storage_testkit::{Components, Subject, storage_core};
//!
//! struct Memory;
//!
//! impl Subject for Memory {
//!     type Store = MemoryBackend;
//!     const ENGINE: &'static str = "memory";
//!
//!     async fn open(&self, components: Components) -> storage_core::Result<MemoryBackend> {
//!         Ok(MemoryConfig::new().open_with(&components))
//!     }
//! }
//!
//! storage_testkit::conformance!(Memory);
//! ```
//!
//! A case asks the store for its capabilities. Where one is advertised, the
//! case tests it; where it is not, the case tests that the request is refused
//! as `Unsupported`, without effect. No case is ever left out silently.
//!
//! [`on_disk!`] certifies an engine that keeps its files in a directory.
//! [`survives_faults!`] certifies a layer over a [store that fails](faulty).
//!
//! What a store must hold after its process was killed is another matter:
//! [`proof`] puts it to the test.
//!
//! Stores across a network are tested over real servers, which the feature
//! `servers` starts, kills and cuts off; `chaos` does so at random, under load, and
//! `lost_answers` has cases for connections that break.
//!
//! Decoders of stored forms are given damaged ones by `fuzz`, behind the feature of that name.
//!
//! The suite takes for granted that a read of this process sees the commits
//! which this process was answered, also where the store declares
//! [`ReadSupport::Eventual`](storage_core::ReadSupport::Eventual).

pub mod cases;
#[cfg(all(feature = "servers", target_os = "linux"))]
pub mod chaos;
pub mod faulty;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod json;
pub mod linearizability;
#[cfg(all(feature = "servers", target_os = "linux"))]
pub mod lost_answers;
pub mod model;
pub mod on_disk;
pub mod proof;
#[cfg(all(feature = "servers", target_os = "linux"))]
pub mod servers;
pub mod survival;

mod bench;
mod child;
mod dice;
mod environment;
mod failure;
mod fixture;
mod list;
mod record;
mod runner;
mod subject;
mod waiting;

pub use storage_core::{self, Components};

pub use self::{
    bench::Bench,
    failure::{CaseResult, Failure},
    runner::{run, verdict},
    subject::{PassedThrough, Shared, Subject},
    waiting::wait_for,
};
