//! Work of layers that goes on by itself, on the executor of a store.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake},
};

use super::surroundings::Surroundings;
use crate::Executor;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work that goes on until it has ended or this is dropped. While it waits, it holds no
/// thread: stores that are opened at once could take all threads of a pool
/// that their engines wait for.
#[must_use = "dropped, it ends its work"]
pub struct Task(Arc<State>);

struct State {
    executor: Arc<dyn Executor>,
    /// Those of the thread that brought the work, in which all of it is done.
    surroundings: Surroundings,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// None while it takes a step, and once it has ended. A step may drop the store and so
    /// this, so that nothing is locked meanwhile.
    work: Option<Work>,
    is_awake: bool,
    is_cancelled: bool,
}

impl Task {
    /// Has `executor` begin `work`. It is dropped when the executor refuses to go on with
    /// it.
    pub fn spawn(
        executor: &Arc<dyn Executor>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let state = State::of(executor, work);
        Arc::clone(&state).wake();
        Self(state)
    }

    /// Ends the work where it is, or after the step that it is taking.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// Work that goes on whoever leaves. It is dropped when the executor refuses to go on with
/// it.
pub(super) struct Detached(Arc<State>);

impl Detached {
    pub(super) fn new(
        executor: &Arc<dyn Executor>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self(State::of(executor, work))
    }

    /// Begins the work on this thread.
    pub(super) fn begin_here(self) {
        self.0.step();
    }

    /// Has the executor begin the work.
    pub(super) fn begin(self) {
        self.0.wake();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").finish_non_exhaustive()
    }
}

impl State {
    fn of(
        executor: &Arc<dyn Executor>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            executor: Arc::clone(executor),
            surroundings: Surroundings::here(),
            progress: Mutex::new(Progress {
                work: Some(Box::pin(work)),
                ..Progress::default()
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel(&self) {
        let mut progress = self.lock();
        progress.is_cancelled = true;
        let work = progress.work.take();
        drop(progress);
        drop(work);
    }

    fn step(self: &Arc<Self>) {
        let waker = Arc::clone(self).into();
        let mut progress = self.lock();
        progress.is_awake = true;
        // Else another thread takes a step, and will take another.
        let Some(mut work) = progress.work.take() else {
            return;
        };
        while progress.is_awake && !progress.is_cancelled {
            progress.is_awake = false;
            drop(progress);
            if work
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                return;
            }
            progress = self.lock();
        }
        if !progress.is_cancelled {
            progress.work = Some(work);
            return;
        }
        drop(progress);
        drop(work);
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        let state = Arc::clone(&self);
        if self
            .executor
            .execute(Box::new(move || state.surroundings.within(|| state.step())))
            .is_err()
        {
            // Nobody will go on with it, and others may wait for what it has begun.
            self.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Poll, Waker},
    };

    use super::*;
    use crate::{Error, ErrorKind, Result};

    /// Does so many jobs at once, on the thread that brings them, and refuses others.
    #[derive(Debug)]
    struct Closing(AtomicUsize);

    impl Executor for Closing {
        fn execute(&self, job: Box<dyn FnOnce() + Send>) -> Result<()> {
            let less = |left: usize| left.checked_sub(1);
            self.0
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
                .map_err(|_| Error::new(ErrorKind::Unavailable, "no thread"))?;
            job();
            Ok(())
        }
    }

    #[test]
    fn work_that_nobody_will_go_on_with_is_dropped() {
        for jobs in [0, 1] {
            let executor: Arc<dyn Executor> = Arc::new(Closing(AtomicUsize::new(jobs)));
            let seen = Arc::new(Mutex::new(None::<Waker>));
            let work = {
                let seen = Arc::clone(&seen);
                poll_fn(move |context| {
                    *seen.lock().unwrap() = Some(context.waker().clone());
                    Poll::<()>::Pending
                })
            };
            let _task = Task::spawn(&executor, work);
            let waker = seen.lock().unwrap().take();
            assert_eq!(
                (waker.is_some(), Arc::strong_count(&seen)),
                (jobs == 1, jobs + 1)
            );
            if let Some(waker) = waker {
                waker.wake();
            }
            assert_eq!(Arc::strong_count(&seen), 1);
        }
    }
}
