//! The names of all metrics, with their units as Prometheus wants them.
//!
//! | Name | Kind | Labels beside `store` |
//! |---|---|---|
//! | [`storage_operations_total`](OPERATIONS) | counter | `operation` |
//! | [`storage_operation_errors_total`](ERRORS) | counter | `operation`, `kind` |
//! | [`storage_operations_cancelled_total`](CANCELLED) | counter | `operation` |
//! | [`storage_operation_duration_seconds`](DURATION) | histogram | `operation` |
//! | [`storage_operations_in_flight`](IN_FLIGHT) | gauge | `operation` |
//! | [`storage_read_bytes_total`](READ_BYTES) | counter | `operation` |
//! | [`storage_read_entries_total`](READ_ENTRIES) | counter | `operation` |
//! | [`storage_written_bytes_total`](WRITTEN_BYTES) | counter | `operation` |
//! | [`storage_slow_operations_total`](SLOW) | counter | `operation` |
//! | [`storage_entries`](ENTRIES) | gauge | |
//! | [`storage_disk_bytes`](DISK_BYTES) | gauge | |
//! | [`storage_alert_raised`](ALERT_RAISED) | gauge | `alert` |
//! | `storage_engine_…` | gauge | |
//!
//! `store` is the name of the layer's settings. `operation` is one of `get`,
//! `get_many`, `scan`, `commit`, `snapshot`, `stats`, `health`, `check`,
//! `maintain` and `close`; `kind` is a kind of error, such as `timed_out`.
//!
//! Each other figure of [`Stats`](storage_core::Stats), of the engine or of a
//! layer below, is a gauge `storage_engine_` and its name, and then `_bytes`,
//! `_seconds` or `_ratio` where it is one: hit rates among them.

/// Operations that were answered.
pub const OPERATIONS: &str = "storage_operations_total";
/// Of those, the ones answered with an error.
pub const ERRORS: &str = "storage_operation_errors_total";
/// Operations whose future was dropped before they were answered.
pub const CANCELLED: &str = "storage_operations_cancelled_total";
/// How long operations took that were answered.
pub const DURATION: &str = "storage_operation_duration_seconds";
/// Operations under way.
pub const IN_FLIGHT: &str = "storage_operations_in_flight";
/// Bytes of the keys that scans found, and of the values that reads found.
pub const READ_BYTES: &str = "storage_read_bytes_total";
/// Entries that reads found.
pub const READ_ENTRIES: &str = "storage_read_entries_total";
/// Bytes of the keys and values of commits that were applied.
pub const WRITTEN_BYTES: &str = "storage_written_bytes_total";
/// Operations that took longer than the settings allow.
pub const SLOW: &str = "storage_slow_operations_total";
/// Roughly how many entries there are.
pub const ENTRIES: &str = "storage_entries";
/// The bytes the store takes on its disk.
pub const DISK_BYTES: &str = "storage_disk_bytes";
/// 1 while an alert is raised, else 0.
pub const ALERT_RAISED: &str = "storage_alert_raised";

/// What the names of all other figures of the store below begin with.
pub(crate) const ENGINE_PREFIX: &str = "storage_engine_";
