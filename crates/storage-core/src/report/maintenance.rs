//! Maintenance that an operator may ask for.

/// A kind of upkeep. A store answers `Unsupported` for those that mean nothing
/// to its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Maintenance {
    /// Merge files so that reads touch fewer and deleted data is freed.
    Compact,
    /// Give free space back.
    Vacuum,
    /// Refresh the statistics of the engine's planner.
    Analyze,
    /// Rebuild indexes.
    Reindex,
    /// Make every commit so far as durable as the store can.
    Flush,
}

/// What maintenance did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaintenanceReport {
    /// The bytes the store took before.
    pub disk_bytes_before: Option<u64>,
    /// The bytes the store takes now.
    pub disk_bytes_after: Option<u64>,
}

impl MaintenanceReport {
    /// A report of the bytes taken before and after.
    #[must_use]
    pub const fn of_disk_bytes(before: u64, after: u64) -> Self {
        Self {
            disk_bytes_before: Some(before),
            disk_bytes_after: Some(after),
        }
    }
}
