//! What a store needs from outside: time, randomness, threads.
//!
//! They are passed in when a store is opened and never taken from the
//! environment in the middle of code, so tests decide what time it is and which
//! dice fall.

mod clock;
mod executor;
mod kept;
mod random;

pub(crate) use self::executor::no_thread;
pub use self::{
    clock::{Clock, ManualClock, SystemClock, TimeSource},
    executor::{Executor, Job, ThreadPool},
    kept::Kept,
    random::{OsRandom, Random, SeededRandom},
};

use std::sync::Arc;

/// The clock, randomness and threads of a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Components {
    /// Judges expiry. Default: the system's clock.
    pub clock: Clock,
    /// Makes identities. Default: the operating system's randomness.
    pub random: Arc<dyn Random>,
    /// Runs what would block. Default: a pool shared by the whole process.
    pub executor: Arc<dyn Executor>,
}

impl Components {
    /// The same components with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// The same components with another source of randomness.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The same components with another executor.
    #[must_use]
    pub fn with_executor(mut self, executor: impl Executor) -> Self {
        self.executor = Arc::new(executor);
        self
    }
}

impl Default for Components {
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            random: Arc::new(OsRandom),
            executor: ThreadPool::shared(),
        }
    }
}
