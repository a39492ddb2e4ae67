//! How long to look for what is about to come before sleeping until it does.
//!
//! A commit that must be durable passes from its caller's thread to the sync
//! thread and back. On a fast disk, putting both to sleep and waking them takes
//! as long as the sync itself. So while one caller commits alone, one commit
//! after the other, both keep looking for the other's move for about as long as
//! a sync takes. Where several callers commit, a caller that looks keeps others
//! from joining the next sync; where syncs are slow, looking gains nothing. In
//! both cases everybody sleeps. `docs/decisions/0014-lone-commits.md` gives the
//! figures.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The longest look. An async thread is not kept longer than this.
const LOOK_MAX: Duration = Duration::from_micros(150);

/// So many syncs in a row that served one commit each mean a lone caller.
const LONE_MIN: u32 = 8;

/// One in so many commits does not look, to see whether others join its sync:
/// callers that share a thread come one by one for as long as each looks.
const SLEEP_EVERY: u32 = 16;

/// After a look in vain, so many commits sleep; twice as many after each further
/// one. On a busy machine the other has no core to make its move on.
const SLEEPS_MIN: u32 = 2;
const SLEEPS_MAX: u32 = 4_096;

/// What recent syncs have taught.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// How long a sync takes, as a moving average.
    typical_nanoseconds: AtomicU64,
    /// How many syncs in a row have served one commit each.
    lone: AtomicU32,
    /// How many commits are yet to sleep after a look in vain.
    sleeps: AtomicU32,
    /// How many commits sleep after the next look in vain.
    penalty: AtomicU32,
}

impl Patience {
    /// Takes note of a sync.
    pub(super) fn learn(&self, took: Duration, commits: usize) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let typical = self.typical_nanoseconds.load(Ordering::Relaxed);
        // Only the sync thread writes.
        let typical = typical - typical / 8 + took / 8;
        self.typical_nanoseconds.store(typical, Ordering::Relaxed);
        let lone = match commits {
            1 => self.lone.load(Ordering::Relaxed).saturating_add(1),
            _ => 0,
        };
        self.lone.store(lone, Ordering::Relaxed);
    }

    /// Looks for a caller's answer, for a while.
    pub(super) fn look_for_answer<T>(&self, answer: impl FnMut() -> Option<T>) -> Option<T> {
        if self
            .lone
            .load(Ordering::Relaxed)
            .is_multiple_of(SLEEP_EVERY)
        {
            return None;
        }
        let time = self.time();
        if time.is_zero() {
            let sleeps = self.sleeps.load(Ordering::Relaxed);
            self.sleeps
                .store(sleeps.saturating_sub(1), Ordering::Relaxed);
            return None;
        }
        let found = look_for(time, answer);
        let penalty = self.penalty.load(Ordering::Relaxed);
        let penalty = if found.is_some() {
            penalty / 2
        } else {
            let sleeps = penalty.clamp(SLEEPS_MIN, SLEEPS_MAX);
            self.sleeps.store(sleeps, Ordering::Relaxed);
            sleeps * 2
        };
        self.penalty.store(penalty, Ordering::Relaxed);
        found
    }

    /// Looks for the next commit to sync, for a while.
    pub(super) fn look_for_commit(&self, commit: impl FnMut() -> Option<()>) {
        look_for(self.time(), commit);
    }

    /// How long it is worth to look; zero where it is not.
    fn time(&self) -> Duration {
        let typical = Duration::from_nanos(self.typical_nanoseconds.load(Ordering::Relaxed));
        let time = typical * 3 / 2;
        let is_worth_it = self.lone.load(Ordering::Relaxed) >= LONE_MIN
            && self.sleeps.load(Ordering::Relaxed) == 0
            && time <= LOOK_MAX
            && has_two_cores();
        if is_worth_it { time } else { Duration::ZERO }
    }
}

/// Looks for something until it is there or the time is over.
fn look_for<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    if time.is_zero() {
        return None;
    }
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if started.elapsed() >= time {
            return None;
        }
        // Whatever the disk needs a core for goes first.
        thread::yield_now();
    }
}

/// On a single core, looking keeps the other from making its move.
fn has_two_cores() -> bool {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from)) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_micros(50);

    fn taught(took: Duration, commits: usize) -> Patience {
        let patience = Patience::default();
        // Not a multiple of `SLEEP_EVERY`.
        for _ in 0..101 {
            patience.learn(took, commits);
        }
        patience
    }

    fn looks(patience: &Patience) -> bool {
        let mut looks = false;
        patience.look_for_answer(|| {
            looks = true;
            Some(())
        });
        looks
    }

    #[test]
    fn only_a_lone_caller_of_fast_syncs_looks() {
        let is_parallel = has_two_cores();
        assert_eq!(looks(&taught(FAST, 1)), is_parallel);
        assert!(!looks(&Patience::default()));
        assert!(!looks(&taught(FAST, 2)));
        assert!(!looks(&taught(Duration::from_millis(1), 1)));
    }

    #[test]
    fn now_and_then_a_lone_caller_sleeps() {
        let patience = taught(FAST, 1);
        let slept = (0..SLEEP_EVERY).filter(|_| {
            patience.learn(FAST, 1);
            !looks(&patience)
        });
        assert!(slept.count() >= 1);
    }

    #[test]
    fn looks_in_vain_become_rare() {
        let patience = taught(FAST, 1);
        let in_vain = (0..10_000).filter(|_| {
            let mut looked = false;
            patience.look_for_answer(|| {
                looked = true;
                None::<()>
            });
            looked
        });
        assert!(in_vain.count() <= 16);
        assert!(!looks(&patience));
    }
}
