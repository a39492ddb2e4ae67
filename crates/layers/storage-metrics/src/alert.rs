//! Alerts: values that somebody should know of, with hysteresis.

use serde::{Deserialize, Serialize};

/// A value that is watched, and the bounds at which somebody is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Alert {
    /// Its name, in logs and as the label `alert`.
    pub name: String,
    /// The value.
    pub watch: Watch,
    /// When it is raised, and when cleared.
    pub bound: Bound,
}

impl Alert {
    /// Watches a value.
    #[must_use]
    pub fn new(name: impl Into<String>, watch: Watch, bound: Bound) -> Self {
        Self {
            name: name.into(),
            watch,
            bound,
        }
    }

    /// Checks that the alert can be raised and cleared; else says why not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let is_ordered = match self.bound {
            Bound::Above { raise, clear } => clear <= raise,
            Bound::Below { raise, clear } => clear >= raise,
        };
        if !is_ordered {
            return Err(format!(
                "the alert `{name}` is cleared by a value that raises it; exchange its bounds"
            ));
        }
        match self.watch {
            Watch::Latency { percentile, .. } if !(1..=100).contains(&percentile) => Err(format!(
                "the alert `{name}` watches percentile {percentile}, it must be from 1 to 100"
            )),
            _ => Ok(()),
        }
    }
}

/// A value that can be watched. What a sample does not show leaves an alert as
/// it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum Watch {
    /// The latency that so many percent of the operations since the last sample
    /// have kept to, in seconds, known to within a fifth.
    Latency {
        /// The operation, as the label of that name has it.
        operation: String,
        /// The percentile, from 1 to 100.
        percentile: u8,
    },
    /// Of all operations since the last sample, the share that the store failed,
    /// from 0 to 1. Conflicts and requests that were wrong do not count.
    ErrorShare,
    /// The bytes the store takes on its disk.
    DiskBytes,
    /// Roughly how many entries there are.
    Entries,
    /// Another figure of the store below, by its name in
    /// [`Stats`](storage_core::Stats), in bytes, seconds or as a ratio where it
    /// is one: how far a replica lags behind, or, as `fallback_lag`, for how long a store has
    /// been gone while commits that were accepted for it are pending, counted anew from
    /// each open.
    Figure {
        /// The name of the figure.
        name: String,
    },
    /// How one count of the store below has grown since the last sample, as a share
    /// of what it and another have grown by, from 0 to 1: the hit rate of a cache is
    /// that of `cache_hits` beside `cache_misses`.
    Share {
        /// The name of the count.
        of: String,
        /// The name of the other.
        beside: String,
    },
}

/// When an alert is raised, and when it is cleared: between the two values it
/// stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Bound {
    /// Raised at a value of `raise` or more, cleared at `clear` or less.
    Above {
        /// What raises it.
        raise: f64,
        /// What clears it: at most `raise`.
        clear: f64,
    },
    /// Raised at a value of `raise` or less, cleared at `clear` or more.
    Below {
        /// What raises it.
        raise: f64,
        /// What clears it: at least `raise`.
        clear: f64,
    },
}

impl Bound {
    /// Whether an alert that is raised or not is raised after this value.
    pub(crate) fn is_raised(self, value: f64, was_raised: bool) -> bool {
        match (self, was_raised) {
            (Self::Above { raise, .. }, false) => value >= raise,
            (Self::Above { clear, .. }, true) => value > clear,
            (Self::Below { raise, .. }, false) => value <= raise,
            (Self::Below { clear, .. }, true) => value < clear,
        }
    }
}

/// An alert that was raised or cleared, as callbacks are told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AlertChange {
    /// The name of the store.
    pub store: String,
    /// The name of the alert.
    pub alert: String,
    /// The value that changed it.
    pub value: f64,
    /// Whether it is raised now.
    pub is_raised: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of an alert over some values.
    fn course(bound: Bound, values: &[f64]) -> Vec<bool> {
        let mut is_raised = false;
        let step = |value: &f64| {
            is_raised = bound.is_raised(*value, is_raised);
            is_raised
        };
        values.iter().map(step).collect()
    }

    #[test]
    fn between_its_bounds_an_alert_stays_what_it_is() {
        let above = Bound::Above {
            raise: 10.0,
            clear: 5.0,
        };
        assert_eq!(
            course(above, &[9.0, 10.0, 7.0, 5.1, 5.0, 7.0, 9.9, 11.0]),
            [false, true, true, true, false, false, false, true]
        );
        let below = Bound::Below {
            raise: 0.5,
            clear: 0.8,
        };
        assert_eq!(
            course(below, &[0.6, 0.5, 0.7, 0.8, 0.6]),
            [false, true, true, false, false]
        );
    }

    #[test]
    fn bounds_in_the_wrong_order_are_refused() {
        let bound = Bound::Above {
            raise: 1.0,
            clear: 2.0,
        };
        let alert = Alert::new("x", Watch::DiskBytes, bound);
        assert!(alert.check().unwrap_err().contains("`x`"));
        let bound = Bound::Below {
            raise: 2.0,
            clear: 1.0,
        };
        assert!(Alert::new("x", Watch::DiskBytes, bound).check().is_err());
    }
}
