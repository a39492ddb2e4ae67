//! What the layer tells of itself.

use std::sync::Arc;

use storage_core::Timestamp;

use crate::observer::Observer;

/// The layer's own controls: `store.find::<MetricsControl>()`, of the outermost
/// layer of this kind. Clones are the same.
#[derive(Clone, Debug)]
pub struct MetricsControl {
    observer: Arc<Observer>,
}

impl MetricsControl {
    pub(crate) const fn new(observer: Arc<Observer>) -> Self {
        Self { observer }
    }

    /// What each remembered sample showed of the usage, the oldest first.
    #[must_use]
    pub fn usage(&self) -> Vec<Usage> {
        self.observer.usage()
    }

    /// The names of the alerts that are raised.
    #[must_use]
    pub fn raised_alerts(&self) -> Vec<String> {
        self.observer.raised_alerts()
    }
}

/// What a sample showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// When, by the clock of the store.
    pub at: Timestamp,
    /// Roughly how many entries there were.
    pub entries: Option<u64>,
    /// The bytes the store took on its disk.
    pub disk_bytes: Option<u64>,
}

impl Usage {
    pub(crate) const fn new(at: Timestamp, entries: Option<u64>, disk_bytes: Option<u64>) -> Self {
        Self {
            at,
            entries,
            disk_bytes,
        }
    }
}
