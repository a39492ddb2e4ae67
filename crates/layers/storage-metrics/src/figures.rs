//! The figures of the store below, as gauges and as values to watch.

use metrics::Gauge;
use storage_core::{Statistic, Stats, Unit};

use crate::{names, recording::Recording};

/// A figure in the unit that its metric has: bytes, seconds, a ratio.
pub(crate) fn value_of(statistic: &Statistic) -> f64 {
    let value = as_f64(statistic.value);
    match statistic.unit {
        Unit::Count | Unit::Bytes => value,
        Unit::Microseconds => value / 1e6,
        Unit::Thousandths => value / 1e3,
    }
}

/// Sets the gauges of all figures.
pub(crate) fn publish(stats: &Stats, recording: &Recording) {
    let set = |gauge: Gauge, value| gauge.set(value);
    if let Some(entries) = stats.entries_estimate {
        set(recording.gauge(names::ENTRIES, Vec::new()), as_f64(entries));
    }
    if let Some(bytes) = stats.disk_bytes {
        set(
            recording.gauge(names::DISK_BYTES, Vec::new()),
            as_f64(bytes),
        );
    }
    for statistic in &stats.details {
        let gauge = recording.gauge(metric_name(statistic), Vec::new());
        set(gauge, value_of(statistic));
    }
}

/// The name of the metric of a figure, which ends with its unit.
fn metric_name(statistic: &Statistic) -> String {
    let mut name = format!("{}{}", names::ENGINE_PREFIX, statistic.name);
    let unit = match statistic.unit {
        Unit::Count => return name,
        Unit::Bytes => "_bytes",
        Unit::Microseconds => "_seconds",
        Unit::Thousandths => "_ratio",
    };
    if !name.ends_with(unit) {
        name.push_str(unit);
    }
    name
}

/// As near as a floating-point number comes to it: exact up to 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "metrics are floating-point numbers"
)]
pub(crate) const fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_with_the_unit_once_and_values_are_in_it() {
        for (name, value, unit, metric, expected) in [
            ("journals", 3, Unit::Count, "journals", 3.0),
            ("cache", 5, Unit::Bytes, "cache_bytes", 5.0),
            ("value_bytes", 5, Unit::Bytes, "value_bytes", 5.0),
            ("lag", 2_500_000, Unit::Microseconds, "lag_seconds", 2.5),
            ("hit_rate", 950, Unit::Thousandths, "hit_rate_ratio", 0.95),
        ] {
            let statistic = Statistic { name, value, unit };
            assert_eq!(metric_name(&statistic), format!("storage_engine_{metric}"));
            assert!((value_of(&statistic) - expected).abs() < 1e-9);
        }
    }
}
