//! Commits whose callers have left.
//!
//! The store below drives them to their end, but only their futures tell of it.
//! So a future that is dropped is kept here, and asked for its answer whenever a
//! read or a commit meets what it has marked.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use futures_util::stream::{FuturesUnordered, Stream};
use storage_core::{Committed, Result};

/// A commit under way, which settles its marks itself.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Committed>> + Send>>;

/// The commits whose callers have left.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    /// How many there are.
    count: AtomicUsize,
    work: Mutex<FuturesUnordered<Work>>,
}

impl Orphans {
    /// Drives `work` to its answer; if the future that does so is dropped, keeps it.
    pub(crate) fn drive(&self, work: Work) -> impl Future<Output = Result<Committed>> + Send {
        Driven {
            work: Some(work),
            orphans: self,
        }
    }

    /// Asks the commits that have news, and lets go those that have ended.
    pub(crate) fn ask(&self) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(_answer)) = Pin::new(&mut *work).poll_next(&mut context) {}
        self.count.store(work.len(), Ordering::Release);
    }

    fn adopt(&self, orphan: Work) {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.push(orphan);
        self.count.store(work.len(), Ordering::Release);
    }
}

struct Driven<'a> {
    /// None while it is polled, so that work which panics is not kept, and once it
    /// has ended.
    work: Option<Work>,
    orphans: &'a Orphans,
}

impl Future for Driven<'_> {
    type Output = Result<Committed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut work) = self.work.take() else {
            return Poll::Pending;
        };
        let answer = work.as_mut().poll(context);
        if answer.is_pending() {
            self.work = Some(work);
        }
        answer
    }
}

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.orphans.adopt(work);
        }
    }
}
