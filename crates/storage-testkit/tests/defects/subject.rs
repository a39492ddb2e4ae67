//! A place for a broken store.

use std::time::Duration;

use storage_core::{Clock, Components, Result, TimeSource, Timestamp, memory::MemoryConfig};
use storage_testkit::Subject;

use crate::{
    Sound,
    broken::{Broken, Defect},
};

/// A memory store with a defect, or without.
pub(crate) struct Damaged(pub(crate) Option<Defect>);

impl Subject for Damaged {
    type Store = Broken<Sound>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let clock = components.clock.clone();
        let components = match self.0 {
            Some(Defect::ExpiresLate) => components.with_clock(Clock::new(Slow(clock.clone()))),
            _ => components,
        };
        Ok(Broken::new(
            MemoryConfig::new().open_with(&components),
            clock,
            self.0,
        ))
    }
}

/// A clock one millisecond behind another.
#[derive(Debug)]
struct Slow(Clock);

impl TimeSource for Slow {
    fn now(&self) -> Timestamp {
        let now = Duration::from_millis(self.0.now().as_unix_milliseconds());
        let behind = now.saturating_sub(Duration::from_millis(1));
        Timestamp::from_unix_milliseconds(0).after(behind)
    }
}
