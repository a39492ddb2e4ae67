//! How long to wait before the next attempt.

use std::time::Duration;

use storage_core::SeededRandom;

/// Waits that double, each of random length: those that failed together do not
/// come back together ("full jitter", Brooker, AWS Architecture Blog, 2015).
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    random: SeededRandom,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, max: Duration, seed: u64) -> Self {
        Self {
            first,
            max,
            random: SeededRandom::new(seed),
        }
    }

    /// How long to wait after `attempts` failed attempts, the last of which asks
    /// for a wait of `asked`: that, and a random time on top.
    pub(crate) fn delay(&self, attempts: u32, asked: Duration) -> Duration {
        let doubled = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let ceiling = self.first.saturating_mul(doubled).min(self.max);
        let ceiling = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        let random = self.random.next_u64() % ceiling.saturating_add(1).max(1);
        asked.saturating_add(Duration::from_nanos(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(10);
    const MAX: Duration = Duration::from_millis(35);

    fn longest(attempts: u32) -> Duration {
        let backoff = Backoff::new(FIRST, MAX, 7);
        let delays = (0..1_000).map(|_| backoff.delay(attempts, Duration::ZERO));
        delays.max().unwrap()
    }

    #[test]
    fn delays_double_up_to_their_bound() {
        for (attempts, ceiling) in [(1, 10), (2, 20), (3, 35), (40, 35), (u32::MAX, 35)] {
            let ceiling = Duration::from_millis(ceiling);
            let longest = longest(attempts);
            assert!(longest <= ceiling, "{longest:?} after {attempts}");
            assert!(longest > ceiling * 9 / 10, "{longest:?} after {attempts}");
        }
    }

    #[test]
    fn a_delay_is_never_shorter_than_asked() {
        let backoff = Backoff::new(FIRST, MAX, 7);
        let asked = Duration::from_secs(3);
        assert!((0..100).all(|_| backoff.delay(1, asked) >= asked));
        let none = Backoff::new(Duration::ZERO, Duration::ZERO, 7);
        assert_eq!(none.delay(3, asked), asked);
    }

    #[test]
    fn those_that_fail_together_do_not_come_back_together() {
        let backoff = Backoff::new(FIRST, MAX, 7);
        let delays: std::collections::BTreeSet<_> =
            (0..100).map(|_| backoff.delay(2, Duration::ZERO)).collect();
        assert!(delays.len() > 90);
    }
}
