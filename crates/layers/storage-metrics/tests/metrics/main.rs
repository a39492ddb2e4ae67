//! What the layer records, logs and tells.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerting;
mod counting;
#[cfg(feature = "prometheus")]
mod exporting;
mod logging;
mod sampling;
mod scene;
