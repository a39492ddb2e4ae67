//! What alerts on latencies and errors are judged by: recorders cannot be read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets an octave.
const STEPS: usize = 4;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const BUCKETS: usize = 64 * STEPS;

/// Counts of latencies by length, four buckets an octave, and of failures.
#[derive(Debug)]
pub(crate) struct Watched {
    buckets: Box<[AtomicU64]>,
    failures: AtomicU64,
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            failures: AtomicU64::new(0),
        }
    }

    /// Counts an operation.
    pub(crate) fn record(&self, nanoseconds: u64, is_failure: bool) {
        if let Some(bucket) = self.buckets.get(bucket_of(nanoseconds)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        if is_failure {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What has been counted since this was last asked.
    pub(crate) fn take(&self) -> Interval {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Interval {
            buckets: self.buckets.iter().map(take).collect(),
            failures: take(&self.failures),
        }
    }
}

/// What was counted between two samples.
#[derive(Debug)]
pub(crate) struct Interval {
    buckets: Vec<u64>,
    failures: u64,
}

impl Interval {
    pub(crate) fn operations(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(crate) const fn failures(&self) -> u64 {
        self.failures
    }

    /// The latency in seconds that `percentile` percent of the operations have
    /// kept to, rounded up to the end of its bucket; `None` without operations.
    pub(crate) fn latency(&self, percentile: u8) -> Option<f64> {
        let operations = self.operations();
        let rank = operations
            .saturating_mul(u64::from(percentile))
            .div_ceil(100)
            .max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(end_of(bucket) / 1e9)
    }
}

/// The bucket of a latency: its octave, then the two bits after the first.
fn bucket_of(nanoseconds: u64) -> usize {
    let value = nanoseconds.max(1);
    let octave = value.ilog2();
    let step = if octave >= STEP_BITS {
        value >> (octave - STEP_BITS)
    } else {
        value << (STEP_BITS - octave)
    };
    let step = usize::try_from(step).unwrap_or(0) % STEPS;
    usize::try_from(octave).unwrap_or(0) * STEPS + step
}

/// Where a bucket ends, in nanoseconds.
fn end_of(bucket: usize) -> f64 {
    let octave = i32::try_from(bucket / STEPS).unwrap_or(0);
    let step = u32::try_from(bucket % STEPS + 1).unwrap_or(1);
    let steps = u32::try_from(STEPS).unwrap_or(1);
    2_f64.powi(octave) * (1.0 + f64::from(step) / f64::from(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_lies_within_a_quarter_below_the_end_of_its_bucket() {
        for value in (1..2_000).chain([1 << 20, 999_999_999, 3_600_000_000_000]) {
            let end = end_of(bucket_of(value));
            let exact = f64::from(u32::try_from(value).unwrap_or(0));
            if exact > 0.0 {
                assert!(end > exact, "{value} ends at {end}");
                assert!(end <= exact * 1.25 + 1.0, "{value} ends at {end}");
            }
        }
        bucket_of(0);
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    #[test]
    fn percentiles_are_of_what_was_counted_since_the_last_time() {
        let watched = Watched::new();
        for _ in 0..99 {
            watched.record(1_000, false);
        }
        watched.record(1_000_000_000, true);
        let interval = watched.take();
        assert_eq!((interval.operations(), interval.failures()), (100, 1));
        assert!(interval.latency(99).unwrap() < 0.000_002);
        assert!(interval.latency(100).unwrap() >= 1.0);
        assert_eq!(watched.take().latency(50), None);
    }
}
