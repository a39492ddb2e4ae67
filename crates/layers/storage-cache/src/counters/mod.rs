//! Counting what happens, without threads waiting for each other.

mod part;

use std::sync::atomic::{AtomicU64, Ordering};

use self::part::Part;

/// Something that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Hit,
    NegativeHit,
    Miss,
    Fill,
    DroppedFill,
    TurnedAway,
    ReadAhead,
    Oversized,
    Joined,
    Bypassed,
    Warmed,
    HotSetFailed,
}

const EVENTS: usize = 12;

/// How often each thing has happened. Threads count in parts of their own.
#[derive(Debug)]
pub(crate) struct Counters {
    own: Box<[Counts]>,
    /// For threads that have no part of their own.
    shared: Counts,
}

/// Alone on its cache lines: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts([AtomicU64; EVENTS]);

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            own: (0..part::PARTS).map(|_| Counts::default()).collect(),
            shared: Counts::default(),
        }
    }

    #[inline]
    pub(crate) fn raise(&self, event: Event) {
        match part::of_this_thread() {
            Part::Own(part) => {
                if let Some(counts) = self.own.get(part) {
                    // No other thread writes there, so that it takes no locked instruction,
                    // which would take as long as a third of a hit.
                    let count = counts.of(event);
                    let next = count.load(Ordering::Relaxed).wrapping_add(1);
                    count.store(next, Ordering::Relaxed);
                }
            }
            Part::Shared => {
                self.shared.of(event).fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn total(&self, event: Event) -> u64 {
        let parts = self.own.iter().chain([&self.shared]);
        parts
            .map(|counts| counts.of(event).load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add)
    }
}

impl Counts {
    #[inline]
    fn of(&self, event: Event) -> &AtomicU64 {
        let index = match event {
            Event::Hit => 0,
            Event::NegativeHit => 1,
            Event::Miss => 2,
            Event::Fill => 3,
            Event::DroppedFill => 4,
            Event::ReadAhead => 5,
            Event::Oversized => 6,
            Event::Joined => 7,
            Event::Bypassed => 8,
            Event::Warmed => 9,
            Event::HotSetFailed => 10,
            Event::TurnedAway => 11,
        };
        #[expect(clippy::indexing_slicing, reason = "there are EVENTS of them")]
        &self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn nothing_is_lost_among_more_threads_than_there_are_parts() {
        let counters = Counters::new();
        for _ in 0..3 {
            thread::scope(|scope| {
                for _ in 0..part::PARTS + 8 {
                    scope.spawn(|| {
                        for _ in 0..1_000 {
                            counters.raise(Event::Hit);
                            counters.raise(Event::Fill);
                        }
                    });
                }
            });
        }
        let threads = u64::try_from(part::PARTS + 8).unwrap();
        assert_eq!(counters.total(Event::Hit), 3_000 * threads);
        assert_eq!(counters.total(Event::Fill), 3_000 * threads);
        assert_eq!(counters.total(Event::Miss), 0);
    }
}
