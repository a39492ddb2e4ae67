//! What is counted while values are written and read.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    CodecStats, CompressStats, DictionaryStats,
    form::{Method, as_u64},
};

/// The counters of a layer.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    small: Counter,
    skipped: Counter,
    random: Counter,
    unsaved: Counter,
    logical_bytes: Counter,
    stored_bytes: Counter,
    zstd: CodecCounters,
    lz4: CodecCounters,
    gzip: CodecCounters,
    pub(crate) dictionaries: DictionaryCounters,
}

/// Why a value is stored as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is too short.
    Small,
    /// Those before it did not get smaller.
    Skipped,
    /// It looks random.
    Random,
    /// It was tried, and saves too little.
    Unsaved,
}

impl Counters {
    pub(crate) fn stored(&self, logical: usize, stored: usize) {
        self.logical_bytes.add(as_u64(logical));
        self.stored_bytes.add(as_u64(stored));
    }

    pub(crate) fn kept(&self, kept: Kept) {
        let counter = match kept {
            Kept::Small => &self.small,
            Kept::Skipped => &self.skipped,
            Kept::Random => &self.random,
            Kept::Unsaved => &self.unsaved,
        };
        counter.add(1);
    }

    /// The counters of a codec; `None` for values that are stored as they are.
    pub(crate) const fn codec(&self, method: Method) -> Option<&CodecCounters> {
        match method {
            Method::Raw => None,
            Method::Zstd => Some(&self.zstd),
            Method::Lz4 => Some(&self.lz4),
            Method::Gzip => Some(&self.gzip),
            Method::Trained(_) => Some(&self.dictionaries.codec),
        }
    }

    pub(crate) fn stats(&self) -> CompressStats {
        CompressStats {
            small: self.small.get(),
            skipped: self.skipped.get(),
            random: self.random.get(),
            unsaved: self.unsaved.get(),
            logical_bytes: self.logical_bytes.get(),
            stored_bytes: self.stored_bytes.get(),
            zstd: self.zstd.stats(),
            lz4: self.lz4.stats(),
            gzip: self.gzip.stats(),
            dictionaries: self.dictionaries.stats(),
        }
    }
}

/// The counters of dictionaries.
#[derive(Debug, Default)]
pub(crate) struct DictionaryCounters {
    pub(crate) codec: CodecCounters,
    logical_bytes: Counter,
    stored_bytes: Counter,
    trainings: Counter,
    training_nanoseconds: Counter,
}

impl DictionaryCounters {
    /// Takes note of a value that was compressed with a dictionary.
    pub(crate) fn packed(&self, logical: usize, stored: usize) {
        self.logical_bytes.add(as_u64(logical));
        self.stored_bytes.add(as_u64(stored));
    }

    /// Takes note of a training.
    pub(crate) fn trained(&self, elapsed: Duration) {
        self.trainings.add(1);
        self.training_nanoseconds.add(nanoseconds(elapsed));
    }

    fn stats(&self) -> DictionaryStats {
        DictionaryStats {
            known: 0,
            trainings: self.trainings.get(),
            training: Duration::from_nanos(self.training_nanoseconds.get()),
            logical_bytes: self.logical_bytes.get(),
            stored_bytes: self.stored_bytes.get(),
            codec: self.codec.stats(),
        }
    }
}

/// The counters of one codec.
#[derive(Debug, Default)]
pub(crate) struct CodecCounters {
    pub(crate) compressing: Timer,
    pub(crate) compressed: Counter,
    pub(crate) decompressing: Timer,
}

impl CodecCounters {
    fn stats(&self) -> CodecStats {
        CodecStats {
            tried: self.compressing.calls.get(),
            compressed: self.compressed.get(),
            compressing: self.compressing.total(),
            decompressed: self.decompressing.calls.get(),
            decompressing: self.decompressing.total(),
        }
    }
}

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) -> u64 {
        self.0.fetch_add(more, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long calls take. The clock is read for one in [`EVERY`](Self::EVERY), since for
/// short values two readings would take a good part of the time that they measure.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    calls: Counter,
    timed: Counter,
    nanoseconds: Counter,
}

impl Timer {
    const EVERY: u64 = 16;

    pub(crate) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let call = self.calls.add(1);
        if !call.is_multiple_of(Self::EVERY) {
            return work();
        }
        let started = Instant::now();
        let done = work();
        self.nanoseconds.add(nanoseconds(started.elapsed()));
        self.timed.add(1);
        done
    }

    /// What all calls took, as far as those that were timed tell.
    fn total(&self) -> Duration {
        let (calls, timed) = (self.calls.get(), self.timed.get().max(1));
        let all = u128::from(self.nanoseconds.get()) * u128::from(calls) / u128::from(timed);
        Duration::from_nanos(u64::try_from(all).unwrap_or(u64::MAX))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_timed_stands_for_what_was_not() {
        let timer = Timer::default();
        assert_eq!(timer.total(), Duration::ZERO);
        for _ in 0..32 {
            timer.time(|| ());
        }
        assert_eq!((timer.calls.get(), timer.timed.get()), (32, 2));
        timer.nanoseconds.0.store(10, Ordering::Relaxed);
        assert_eq!(timer.total(), Duration::from_nanos(160));
    }
}
