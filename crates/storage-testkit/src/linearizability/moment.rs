//! When something happened, on a clock that all processes of a machine share.

use serde::{Deserialize, Serialize};

/// An instant, in nanoseconds of the machine's monotonic clock.
///
/// The clock is the same for every process until the machine restarts, so
/// histories of several processes can be [merged](super::History::merge). Where
/// the system has no such clock (off Unix), it counts from the first call in
/// this process, and histories of several processes cannot be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// Before everything.
    pub const START: Self = Self(0);

    /// This instant.
    #[must_use]
    pub fn now() -> Self {
        Self(monotonic_nanoseconds())
    }

    /// The instant `nanoseconds` after the clock's start.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the clock's start.
    #[must_use]
    pub const fn as_nanoseconds(self) -> u64 {
        self.0
    }
}

#[cfg(unix)]
fn monotonic_nanoseconds() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

#[cfg(not(unix))]
fn monotonic_nanoseconds() -> u64 {
    use std::{sync::LazyLock, time::Instant};
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
