//! When a namespace gets a dictionary, and when another one.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use crate::form::as_u64;

/// Where a namespace is on its way from one dictionary to the next. It rests for some
/// values, then samples are gathered, and a dictionary is trained on them; then it rests
/// again. It says nothing that must be exact, and is cheap for values that pass.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// How many values pass before it is looked again; samples are gathered from 0 on.
    rest: AtomicI64,
    /// How often in a row training was in vain.
    in_vain: AtomicU32,
    /// Of values that were packed with the dictionary since the last look.
    logical_bytes: AtomicU64,
    stored_bytes: AtomicU64,
    /// How many thousandths of their bytes the first of them were stored in; 0 before.
    usual: AtomicU64,
}

impl Course {
    /// After training in vain, so many times the samples pass before the next; twice as
    /// many each time.
    const VAIN_REST: u64 = 16;

    const VAIN_DOUBLINGS_MAX: u32 = 16;

    /// A dictionary that stores values in so much more of their bytes than it did has had
    /// its time.
    const WORSE_PERCENT: u64 = 110;

    /// Whether the value that passes is a sample. `look_every` is how long it rests if there
    /// is a dictionary and it does well.
    pub(crate) fn is_gathering(&self, look_every: u32) -> bool {
        if self.rest.load(Ordering::Relaxed) <= 0 {
            return true;
        }
        if self.rest.fetch_sub(1, Ordering::Relaxed) == 1 && self.does_as_usual() {
            self.rest_for(u64::from(look_every));
        }
        false
    }

    /// Takes note of a value that was packed with the dictionary.
    pub(crate) fn packed(&self, logical: usize, stored: usize) {
        self.logical_bytes
            .fetch_add(as_u64(logical), Ordering::Relaxed);
        self.stored_bytes
            .fetch_add(as_u64(stored), Ordering::Relaxed);
    }

    /// Lets so many values pass.
    pub(crate) fn rest_for(&self, values: u64) {
        let values = i64::try_from(values).unwrap_or(i64::MAX);
        self.rest.store(values, Ordering::Relaxed);
    }

    /// There will be no other dictionary, or not before it says so.
    pub(crate) fn rest_for_good(&self) {
        self.rest_for(u64::MAX);
    }

    /// Goes on with another dictionary.
    pub(crate) fn begin(&self, look_every: u32) {
        self.in_vain.store(0, Ordering::Relaxed);
        self.usual.store(0, Ordering::Relaxed);
        self.take_window();
        self.rest_for(u64::from(look_every));
    }

    /// Goes on without another dictionary: it would not have paid.
    pub(crate) fn go_on(&self, samples: usize) {
        let doublings = self.in_vain.fetch_add(1, Ordering::Relaxed);
        let times = Self::VAIN_REST << doublings.min(Self::VAIN_DOUBLINGS_MAX);
        // What is usual stays: a dictionary that had its time still has.
        self.take_window();
        self.rest_for(as_u64(samples).saturating_mul(times));
    }

    /// Whether there is a dictionary that does about as well as it did at first.
    fn does_as_usual(&self) -> bool {
        let (logical, stored) = self.take_window();
        let Some(now) = (stored * 1_000).checked_div(logical) else {
            return false;
        };
        match self.usual.load(Ordering::Relaxed) {
            0 => {
                self.usual.store(now, Ordering::Relaxed);
                true
            }
            usual => now * 100 <= usual * Self::WORSE_PERCENT,
        }
    }

    fn take_window(&self) -> (u64, u64) {
        (
            self.logical_bytes.swap(0, Ordering::Relaxed),
            self.stored_bytes.swap(0, Ordering::Relaxed),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many values pass before samples are gathered, up to a number.
    fn passing(course: &Course, stored: usize) -> usize {
        let passes = |_: &usize| !course.is_gathering(10);
        (0..100)
            .take_while(passes)
            .inspect(|_| {
                if stored > 0 {
                    course.packed(100, stored);
                }
            })
            .count()
    }

    #[test]
    fn samples_are_gathered_from_the_first_value_on() {
        assert!(Course::default().is_gathering(10));
    }

    #[test]
    fn a_dictionary_that_does_as_well_as_ever_is_kept() {
        let course = Course::default();
        course.begin(10);
        assert_eq!(passing(&course, 40), 100);
        assert_eq!(passing(&course, 44), 100);
    }

    #[test]
    fn a_dictionary_that_does_worse_is_followed_by_another() {
        let course = Course::default();
        course.begin(10);
        assert_eq!(passing(&course, 40), 100);
        assert!(passing(&course, 50) < 30);
        course.begin(10);
        assert_eq!(passing(&course, 50), 100);
    }

    #[test]
    fn a_dictionary_that_had_its_time_is_tried_to_be_replaced_again() {
        let course = Course::default();
        course.begin(10);
        assert_eq!(passing(&course, 40), 100);
        assert!(passing(&course, 50) < 30);
        course.go_on(1);
        assert_eq!(passing(&course, 50), 16);
        course.go_on(1);
        assert_eq!(passing(&course, 50), 32);
    }

    #[test]
    fn training_in_vain_is_repeated_less_and_less() {
        let course = Course::default();
        course.go_on(1);
        assert_eq!(passing(&course, 0), 16);
        course.go_on(1);
        assert_eq!(passing(&course, 0), 32);
        course.rest_for_good();
        assert_eq!(passing(&course, 0), 100);
    }
}
