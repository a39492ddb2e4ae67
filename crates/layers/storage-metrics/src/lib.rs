//! A layer that measures what passes through it: counts, latencies, bytes,
//! errors, calls under way, and what the engine tells of itself.
//!
//! ```
//! use storage_core::{Stack, StoreExt, memory::MemoryConfig};
//! use storage_metrics::{MetricsConfig, MetricsLayer};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! // Install a recorder of the `metrics` crate first; without one, nothing is kept.
//! let store = Stack::on(MemoryConfig::new().open())
//!     .with(MetricsLayer::new(MetricsConfig::new("accounts")))
//!     .open()
//!     .await?;
//! store.put("account/ada", "100").await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Where it belongs
//! Anywhere, any number of times, each under a name of its own: outermost it
//! sees what callers see, next to the engine what the engine does.
//!
//! # What is measured
//! [`names`] lists all metrics. They go through the `metrics` crate, to the
//! recorder that is installed for the process when the store is opened, or to one
//! given to [`MetricsLayer::recording_to`]. Operations a second, means and shares
//! are for whoever reads them: `rate(storage_operations_total[1m])`.
//!
//! Reads of snapshots count as reads of the store. A scan is an operation for
//! each page.
//!
//! # Samples, usage, alerts
//! Each time that [`stats`](storage_core::Store::stats) is called, and every
//! [`sample_every`](MetricsConfig::sample_every), the figures of the store below
//! become gauges, its usage is remembered for [`MetricsControl::usage`], and
//! [alerts](Alert) are judged. An alert that is raised stays so until its value
//! has come back past a second bound.
//!
//! # Logs and traces
//! Each operation is a `tracing` span, `storage`, at level debug, with the fields
//! `store`, `operation`, `key` and, of one that failed, `error`. Operations that
//! take longer than [`slow_after`](MetricsConfig::slow_after) are logged as
//! warnings within their spans. Keys are a length and a fingerprint in both. For OpenTelemetry,
//! put the layer of the crate `tracing-opentelemetry` on the subscriber: it
//! exports these spans as they are. The example `traces` of the crate `storage` does so; the
//! command `storage` has it as its feature of that name.
//!
//! # What it costs
//! Two clock readings and some atomic changes a call: about 0.2 µs with the
//! Prometheus recorder. Names and labels are looked up when the store is opened;
//! only errors look theirs up when they happen. A disabled span costs a branch.
//!
//! # Cancel safety
//! As for the store below. An operation whose future is dropped counts as
//! cancelled, and is under way no more.

mod alert;
mod config;
mod control;
mod figures;
mod layer;
mod meter;
pub mod names;
mod observer;
#[cfg(feature = "prometheus")]
mod prometheus;
mod recording;
mod sampler;
mod store;
mod watched;

#[cfg(feature = "prometheus")]
pub use self::prometheus::PrometheusExporter;
pub use self::{
    alert::{Alert, AlertChange, Bound, Watch},
    config::MetricsConfig,
    control::{MetricsControl, Usage},
    layer::MetricsLayer,
    recording::SharedRecorder,
    store::Metered,
};

/// The name under which the layer is described and its errors are known.
const NAME: &str = "metrics";
