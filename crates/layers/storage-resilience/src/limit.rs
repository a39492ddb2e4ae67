//! How many attempts are under way at once, and how many may wait for that.

use std::sync::atomic::{AtomicUsize, Ordering};

use storage_core::{Error, ErrorKind, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A number of places, given in the order in which they were asked for.
#[derive(Debug)]
pub(crate) struct Limit {
    places: Semaphore,
    places_max: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// A place, until it is dropped.
pub(crate) type Place<'a> = SemaphorePermit<'a>;

impl Limit {
    pub(crate) fn new(places_max: usize, waiting_max: usize) -> Self {
        let places_max = places_max.min(Semaphore::MAX_PERMITS);
        Self {
            places: Semaphore::new(places_max),
            places_max,
            waiting: AtomicUsize::new(0),
            waiting_max,
        }
    }

    /// A place, if one is free and nobody waits for it.
    #[inline]
    pub(crate) fn place(&self) -> Option<Place<'_>> {
        self.places.try_acquire().ok()
    }

    /// Joins those that wait for a place.
    ///
    /// # Errors
    /// `Throttled` if too many wait.
    pub(crate) fn wait(&self) -> Result<Wait<'_>> {
        let joined = self
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < self.waiting_max).then_some(waiting + 1)
            });
        match joined {
            Ok(_) => Ok(Wait { limit: self }),
            Err(waiting) => Err(Error::new(
                ErrorKind::Throttled,
                format!(
                    "{} calls are under way and {waiting} wait; \
                     ask less at once, or raise the limits of the layer",
                    self.places_max
                ),
            )),
        }
    }

    /// How many places are taken.
    pub(crate) fn in_flight(&self) -> usize {
        self.places_max
            .saturating_sub(self.places.available_permits())
    }

    /// How many wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One that waits for a place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    limit: &'a Limit,
}

impl<'a> Wait<'a> {
    /// Waits for the place; `None` never comes, since the places are never closed.
    pub(crate) async fn place(self) -> Option<Place<'a>> {
        self.limit.places.acquire().await.ok()
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.limit.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_whoever_leaves_it_makes_room() {
        let limit = Limit::new(1, 1);
        let place = limit.place().unwrap();
        assert!(limit.place().is_none());
        let wait = limit.wait().unwrap();
        assert_eq!(limit.wait().unwrap_err().kind(), ErrorKind::Throttled);
        assert_eq!((limit.in_flight(), limit.waiting()), (1, 1));
        drop(wait);
        let wait = limit.wait().unwrap();
        drop(place);
        let place = wait.place().await;
        assert!(place.is_some());
        assert_eq!((limit.in_flight(), limit.waiting()), (1, 0));
        drop(place);
        assert_eq!(limit.in_flight(), 0);
    }
}
