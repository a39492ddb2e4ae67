//! Made-up traces: which keys are read, one after the other.

use clap::ValueEnum;
use storage::SeededRandom;

/// The keys there are: 0 up to this.
pub(super) const KEYS: u32 = 100_000;

/// The reads of a trace. Of these the first half fills the caches and is not counted.
pub(super) const READS: u32 = 1_000_000;

/// The exponent of the Zipf distribution, as in YCSB.
const ZIPF_EXPONENT: f64 = 0.99;

/// Of so many reads in a row, the last quarter is a scan that goes on where the last one ended.
const SCAN_PERIOD: u32 = 4_000;

/// The hot set is one key in so many; it takes 9 reads of 10, and is another after so many reads.
const HOT_DIVISOR: u32 = 200;
const HOT_READS: u32 = 50_000;

/// How many keys the loop goes through before it begins again.
const LOOP_KEYS: u32 = 20_000;

/// A way to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Trace {
    /// A few keys are read most of the time.
    Zipf,
    /// The same, and every fourth read belongs to a scan of everything.
    ZipfAndScan,
    /// A small set is read most of the time, and another one after a while.
    ShiftingHotSet,
    /// All keys of a range, one after the other, again and again.
    Loop,
}

impl Trace {
    /// The keys that are read.
    pub(super) fn keys(self, seed: u64) -> Vec<u32> {
        let random = SeededRandom::new(seed);
        let below = |bound: u32| u32::try_from(random.next_u64() % u64::from(bound)).unwrap_or(0);
        match self {
            Self::Zipf => {
                let zipf = Zipf::new();
                (0..READS).map(|_| zipf.draw(&random)).collect()
            }
            Self::ZipfAndScan => {
                let zipf = Zipf::new();
                let mut scanned = 0;
                let mut read = |at: u32| {
                    if at % SCAN_PERIOD < SCAN_PERIOD / 4 * 3 {
                        return zipf.draw(&random);
                    }
                    scanned = (scanned + 1) % KEYS;
                    scanned
                };
                (0..READS).map(&mut read).collect()
            }
            Self::ShiftingHotSet => {
                let hot = KEYS / HOT_DIVISOR;
                let read = |at: u32| match below(10) {
                    0 => below(KEYS),
                    _ => (at / HOT_READS * hot + below(hot)) % KEYS,
                };
                (0..READS).map(read).collect()
            }
            Self::Loop => (0..READS).map(|at| at % LOOP_KEYS).collect(),
        }
    }
}

/// Draws keys so that the key of rank `r` is drawn in proportion to `1 / r^0.99`.
struct Zipf {
    /// For each key, the chance that it or one before it is drawn.
    chances: Vec<f64>,
}

impl Zipf {
    fn new() -> Self {
        let mut sum = 0.0;
        let mut chances: Vec<f64> = (1..=KEYS)
            .map(|rank| {
                sum += f64::from(rank).powf(-ZIPF_EXPONENT);
                sum
            })
            .collect();
        for chance in &mut chances {
            *chance /= sum;
        }
        Self { chances }
    }

    fn draw(&self, random: &SeededRandom) -> u32 {
        // 32 bits are fine enough for 100,000 keys.
        let bits = u32::try_from(random.next_u64() >> 32).unwrap_or(u32::MAX);
        let drawn = f64::from(bits) / f64::from(u32::MAX);
        let index = self.chances.partition_point(|chance| *chance < drawn);
        u32::try_from(index).unwrap_or(KEYS).min(KEYS - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_trace_is_the_same_again_and_stays_among_its_keys() {
        for trace in Trace::value_variants() {
            let keys = trace.keys(7);
            assert_eq!(keys, trace.keys(7), "{trace:?}");
            assert_eq!(keys.len(), usize::try_from(READS).unwrap());
            assert!(keys.iter().all(|key| *key < KEYS), "{trace:?}");
        }
    }

    #[test]
    fn each_trace_is_what_it_is_called() {
        let share = |keys: &[u32], counts: &dyn Fn(u32) -> bool| {
            let counted = keys.iter().filter(|key| counts(**key)).count();
            f64::from(u32::try_from(counted).unwrap()) / f64::from(READS)
        };
        let zipf = Trace::Zipf.keys(1);
        // 1 / (sum of 1 / r^0.99 up to 100,000) is 0.079.
        assert!((share(&zipf, &|key| key == 0) - 0.079).abs() < 0.005);
        let scan = Trace::ZipfAndScan.keys(1);
        let steps = scan
            .windows(2)
            .filter(|pair| pair[0] + 1 == pair[1])
            .count();
        assert!(steps > 240_000, "{steps}");
        let hot: HashSet<u32> = Trace::ShiftingHotSet.keys(1)[..50_000]
            .iter()
            .copied()
            .collect();
        assert!(hot.len() < 500 + 5_500, "{}", hot.len());
        let around = Trace::Loop.keys(1);
        assert_eq!(around[0], around[20_000]);
    }
}
