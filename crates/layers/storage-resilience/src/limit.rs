//! How many attempts are under way at once, and how many may wait for that.
//!
//! While nobody waits, a place costs one atomic change to take and one to give
//! back. Tokio's semaphore, which takes a lock to give one back, is only the queue
//! of those that wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use storage_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

/// A number of places, given in the order in which they were asked for.
///
/// INVARIANT: a place is taken, or free, or in the queue. While somebody waits, no
/// place stays free: whoever frees one, and whoever begins to wait, looks at what
/// the other has done, in one order that all agree on (`SeqCst`), and moves it into
/// the queue.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Places that whoever comes may take, as long as nobody waits.
    free: AtomicUsize,
    /// How many wait, or are about to.
    waiting: AtomicUsize,
    /// Places for those that wait, in their order.
    queue: Semaphore,
    places_max: usize,
    waiting_max: usize,
}

impl Limit {
    pub(crate) fn new(places_max: usize, waiting_max: usize) -> Self {
        let places_max = places_max.min(Semaphore::MAX_PERMITS);
        Self {
            free: AtomicUsize::new(places_max),
            waiting: AtomicUsize::new(0),
            queue: Semaphore::new(0),
            places_max,
            waiting_max,
        }
    }

    /// A place, if one is free and nobody waits for it.
    #[inline]
    pub(crate) fn place(&self) -> Option<Place<'_>> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.take_free().then(|| Place { limit: self })
    }

    /// Joins those that wait for a place.
    ///
    /// # Errors
    /// `Throttled` if too many wait.
    pub(crate) fn wait(&self) -> Result<Wait<'_>> {
        let joined = self
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiting| {
                (waiting < self.waiting_max).then_some(waiting + 1)
            });
        match joined {
            Ok(_) => {
                self.hand_over();
                Ok(Wait { limit: self })
            }
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
        let free = self.free.load(Ordering::Relaxed);
        self.places_max
            .saturating_sub(free)
            .saturating_sub(self.queue.available_permits())
    }

    /// How many wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    #[inline]
    fn take_free(&self) -> bool {
        self.free
            // Also that there was none is part of the one order: else a place that has just
            // come back could be missed by both.
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| {
                free.checked_sub(1)
            })
            .is_ok()
    }

    #[inline]
    fn give_back(&self, places: usize) {
        self.free.fetch_add(places, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.hand_over();
        }
    }

    /// Moves what is free into the queue, while somebody waits there.
    #[cold]
    fn hand_over(&self) {
        while self.waiting.load(Ordering::SeqCst) > 0 && self.take_free() {
            self.queue.add_permits(1);
        }
    }

    /// One that waited does so no more. The last one frees what was meant for those
    /// that have left; until somebody waits again, what still arrives in the queue is
    /// found there by the next that waits.
    #[cold]
    fn leave(&self) {
        if self.waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            let left = self.queue.forget_permits(self.places_max);
            if left > 0 {
                self.give_back(left);
            }
        }
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    limit: &'a Limit,
}

impl Drop for Place<'_> {
    #[inline]
    fn drop(&mut self) {
        self.limit.give_back(1);
    }
}

/// One that waits for a place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    limit: &'a Limit,
}

impl<'a> Wait<'a> {
    /// Waits for the place; `None` never comes, since the queue is never closed.
    pub(crate) async fn place(self) -> Option<Place<'a>> {
        let place = self.limit.queue.acquire().await.ok()?;
        place.forget();
        Some(Place { limit: self.limit })
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.limit.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        pin::Pin,
        sync::Arc,
        task::Poll,
        time::Duration,
    };

    use tokio::time::timeout;

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

    /// What was meant for one that left is there for the next, waiting or not.
    #[tokio::test]
    async fn a_place_for_one_that_has_left_is_not_lost() {
        let limit = Limit::new(1, 2);
        for leaves_with_the_place in [false, true] {
            let place = limit.place().unwrap();
            let mut wait = Box::pin(limit.wait().unwrap().place());
            assert!(polled_once(wait.as_mut()).await.is_none());
            if leaves_with_the_place {
                drop(place);
                drop(wait);
            } else {
                drop(wait);
                drop(place);
            }
            assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
        }
        assert!(limit.place().is_some());
    }

    #[tokio::test]
    async fn who_waits_comes_before_who_comes_later() {
        let limit = Limit::new(1, 2);
        let place = limit.place().unwrap();
        let first = limit.wait().unwrap();
        drop(place);
        assert!(limit.place().is_none(), "the place is the first one's");
        let place = first.place().await.unwrap();
        drop(place);
        assert!(limit.place().is_some());
    }

    /// Polls once.
    async fn polled_once<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// Tasks come, wait, leave and go on at random times: the places are all there
    /// afterwards, and there were never too many.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn racing_tasks_neither_lose_a_place_nor_make_one() {
        const PLACES: usize = 3;
        let limit = Arc::new(Limit::new(PLACES, 64));
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks = (0..16_u32).map(|task| {
            let (limit, inside) = (Arc::clone(&limit), Arc::clone(&inside));
            tokio::spawn(async move {
                for round in 0..2_000_u32 {
                    let mut place = limit.place();
                    if place.is_none() {
                        let mut wait = Box::pin(limit.wait().unwrap().place());
                        let leaves = (task + round) % 3 == 0;
                        place = if leaves {
                            // Perhaps with a place.
                            polled_once(wait.as_mut()).await.flatten()
                        } else {
                            wait.await
                        };
                    }
                    if place.is_some() {
                        let others = inside.fetch_add(1, Ordering::SeqCst);
                        assert!(others < PLACES, "{others} were inside");
                        if round % 5 == 0 {
                            tokio::task::yield_now().await;
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                    drop(place);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            timeout(Duration::from_mins(1), task)
                .await
                .unwrap()
                .unwrap();
        }
        assert_eq!((limit.in_flight(), limit.waiting()), (0, 0));
        let mut places = Vec::new();
        for _ in 0..PLACES {
            // One may lie in the queue, where who waits finds it.
            let place = match limit.place() {
                None => timeout(Duration::from_mins(1), limit.wait().unwrap().place())
                    .await
                    .unwrap(),
                place => place,
            };
            places.extend(place);
        }
        assert_eq!(places.len(), PLACES);
    }
}
