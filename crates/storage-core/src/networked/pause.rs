//! Pauses between tries.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pause before something is tried again, each twice as long as the one before it.
#[derive(Debug)]
pub struct Pause {
    next: Duration,
    max: Duration,
}

impl Pause {
    /// A pause of `min` at first, and of `max` at most.
    #[must_use]
    pub const fn between(min: Duration, max: Duration) -> Self {
        Self { next: min, max }
    }

    /// Waits, if the pause is over before the deadline; says whether it has.
    ///
    /// # Cancel safety
    /// Dropped, the pause to come is as long as this one was to be.
    pub async fn before(&mut self, deadline: Instant) -> bool {
        let end = Instant::now() + self.next;
        if end >= deadline {
            return false;
        }
        sleep_until(end).await;
        self.next = (self.next * 2).min(self.max);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_the_longest_and_none_ends_behind_the_deadline() {
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(60);
        let mut pause = Pause::between(Duration::from_millis(5), Duration::from_millis(20));
        let mut ends = Vec::new();
        while pause.before(deadline).await {
            ends.push(begun.elapsed().as_millis());
        }
        assert_eq!(ends, [5, 15, 35, 55]);
    }
}
