//! Driving what a layer has accepted to its end.

use std::{
    collections::BTreeSet,
    fmt,
    future::{Future, poll_fn},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use futures_channel::oneshot;

use super::task::Detached;
use crate::{Error, ErrorKind, Executor, Outcome, Result};

/// Drives commits that a layer works on before the store below has them: a store promises
/// that a commit, once polled, goes to its end whether or not anybody waits.
#[derive(Clone)]
pub struct Driver {
    executor: Arc<dyn Executor>,
    under_way: Arc<UnderWay>,
}

impl Driver {
    /// A driver that goes on with work on `executor`.
    #[must_use]
    pub fn new(executor: &Arc<dyn Executor>) -> Self {
        Self {
            executor: Arc::clone(executor),
            under_way: Arc::default(),
        }
    }

    /// Does `work`. It begins on the caller's thread with the first poll, and where it has
    /// to wait it goes on by itself: no later poll is needed. Timers and sockets are those
    /// of the Tokio runtime that the caller is in.
    ///
    /// # Errors
    /// What the work returns; `Unavailable` with the outcome `NotApplied` if there is no thread
    /// to begin it; `Internal` with `Unknown` if it has begun and ends without a result, for
    /// want of a thread to go on with it or by a panic.
    ///
    /// # Cancel safety
    /// Once polled, the work goes to its end.
    pub async fn drive<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.drive_by(Detached::begin_here, work).await
    }

    /// Does as [`drive`](Self::drive) with work that takes long before it has to wait: the
    /// executor begins it.
    ///
    /// # Errors
    /// As for [`drive`](Self::drive).
    ///
    /// # Cancel safety
    /// Once polled, the work goes to its end.
    pub async fn drive_on_pool<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.drive_by(Detached::begin, work).await
    }

    async fn drive_by<T: Send + 'static>(
        &self,
        begin: fn(Detached),
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (answer, mut answered) = oneshot::channel();
        let one = One::begin(&self.under_way);
        let has_begun = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&has_begun);
        begin(Detached::new(&self.executor, async move {
            note.store(true, Ordering::Release);
            let result = work.await;
            drop(one);
            // The caller may have left.
            let _ = answer.send(result);
        }));
        if let Ok(Some(result)) = answered.try_recv() {
            return result;
        }
        answered
            .await
            .unwrap_or_else(|_| Err(unanswered(has_begun.load(Ordering::Acquire))))
    }

    /// Waits for all work that is under way, and for none that begins later.
    pub async fn finish(&self) {
        let end = self.under_way.lock().next;
        poll_fn(|context| self.under_way.poll_before(end, context)).await;
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("under_way", &self.under_way.lock().open.len())
            .finish_non_exhaustive()
    }
}

/// The error of work that nobody answers for.
fn unanswered(has_begun: bool) -> Error {
    if has_begun {
        return Error::new(
            ErrorKind::Internal,
            "the work on the commit ended without an answer: it panicked, or no thread went on with it",
        )
        .with_outcome(Outcome::Unknown);
    }
    Error::new(
        ErrorKind::Unavailable,
        "there is no thread to begin the work on the commit",
    )
    .with_outcome(Outcome::NotApplied)
}

#[derive(Default)]
struct UnderWay(Mutex<Pieces>);

/// Pieces of work, by their numbers.
#[derive(Default)]
struct Pieces {
    /// The number of the next.
    next: u64,
    open: BTreeSet<u64>,
    /// Those that wait for some to end.
    wakers: Vec<Waker>,
}

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all pieces have ended whose numbers are below `end`.
    fn poll_before(&self, end: u64, context: &mut Context<'_>) -> Poll<()> {
        let mut pieces = self.lock();
        if pieces.open.first().is_none_or(|first| *first >= end) {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !pieces.wakers.iter().any(|known| known.will_wake(waker)) {
            pieces.wakers.push(waker.clone());
        }
        Poll::Pending
    }
}

/// One piece of work that is under way.
struct One {
    under_way: Arc<UnderWay>,
    number: u64,
}

impl One {
    fn begin(under_way: &Arc<UnderWay>) -> Self {
        let mut pieces = under_way.lock();
        let number = pieces.next;
        pieces.next += 1;
        pieces.open.insert(number);
        drop(pieces);
        Self {
            under_way: Arc::clone(under_way),
            number,
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let mut pieces = self.under_way.lock();
        pieces.open.remove(&self.number);
        let wakers = std::mem::take(&mut pieces.wakers);
        drop(pieces);
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
        thread,
        time::Duration,
    };

    use super::*;
    use crate::{Components, Job, blocking::block_on};

    /// Long enough for what takes no time, however busy the machine.
    const PATIENCE: Duration = Duration::from_mins(1);

    fn driver() -> Driver {
        Driver::new(&Components::default().executor)
    }

    fn polled_once(future: impl Future<Output = Result<()>>) -> Option<Result<()>> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_need_not_wait_is_done_by_the_first_poll() {
        let here = thread::current().id();
        let work = async move {
            assert_eq!(thread::current().id(), here);
            Ok(())
        };
        polled_once(driver().drive(work)).unwrap().unwrap();
    }

    #[test]
    fn what_was_polled_once_goes_to_its_end_without_its_caller() {
        let (open, gate) = oneshot::channel::<()>();
        let (done, is_done) = mpsc::channel();
        let driver = driver();
        let work = async move {
            gate.await.unwrap();
            done.send(()).unwrap();
            Ok(())
        };
        assert!(polled_once(driver.drive(work)).is_none());
        open.send(()).unwrap();
        is_done.recv_timeout(PATIENCE).unwrap();
    }

    #[cfg(any(feature = "runtime", feature = "networked"))]
    #[tokio::test]
    async fn what_goes_on_by_itself_finds_the_timers_of_its_caller() {
        let (open, gate) = oneshot::channel::<()>();
        let (driver, aside) = (driver(), driver());
        let work = async move {
            gate.await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(())
        };
        let on_pool = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(())
        };
        let mut answer = pin!(driver.drive(work));
        let mut context = Context::from_waker(Waker::noop());
        assert!(answer.as_mut().poll(&mut context).is_pending());
        open.send(()).unwrap();
        answer.await.unwrap();
        aside.drive_on_pool(on_pool).await.unwrap();
    }

    #[test]
    fn what_was_not_polled_does_not_begin() {
        let has_begun = Arc::new(AtomicBool::new(false));
        let work = {
            let has_begun = Arc::clone(&has_begun);
            async move {
                has_begun.store(true, Ordering::SeqCst);
                Ok(())
            }
        };
        drop(driver().drive(work));
        assert!(!has_begun.load(Ordering::SeqCst));
    }

    /// A pool that has no thread for anybody.
    #[derive(Debug)]
    struct Full;

    impl Executor for Full {
        fn execute(&self, _: Job) -> Result<()> {
            Err(Error::new(ErrorKind::Unavailable, "no thread"))
        }
    }

    #[test]
    fn what_has_not_begun_was_not_applied_and_what_has_may_have_been() {
        let full: Arc<dyn Executor> = Arc::new(Full);
        let driver = Driver::new(&full);
        let never = driver.drive_on_pool(async { Ok(()) });
        let error = polled_once(never).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        let (open, gate) = oneshot::channel::<()>();
        let mut begun = pin!(driver.drive(async move {
            gate.await.unwrap();
            Ok(())
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(begun.as_mut().poll(&mut context).is_pending());
        open.send(()).unwrap();
        let error = block_on(begun).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.outcome(), Some(Outcome::Unknown));
    }

    #[test]
    fn finishing_does_not_wait_for_what_begins_later() {
        let driver = driver();
        let gate = || {
            let (open, gate) = oneshot::channel::<()>();
            let work = async move {
                gate.await.unwrap();
                Ok(())
            };
            (open, work)
        };
        let ((open, before), (_held, after)) = (gate(), gate());
        assert!(polled_once(driver.drive(before)).is_none());
        let mut finishing = pin!(driver.finish());
        let mut context = Context::from_waker(Waker::noop());
        assert!(finishing.as_mut().poll(&mut context).is_pending());
        assert!(polled_once(driver.drive(after)).is_none());
        open.send(()).unwrap();
        block_on(finishing);
    }

    #[test]
    fn finishing_waits_for_what_is_under_way() {
        let (open, gate) = oneshot::channel::<()>();
        let driver = driver();
        let work = async move {
            gate.await.unwrap();
            Ok(())
        };
        assert!(polled_once(driver.drive(work)).is_none());
        let mut finishing = pin!(driver.finish());
        let mut context = Context::from_waker(Waker::noop());
        assert!(finishing.as_mut().poll(&mut context).is_pending());
        open.send(()).unwrap();
        block_on(finishing);
    }
}
