//! Work in the background, on the executor of a store.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake},
};

use storage_core::Executor;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work that goes on until it has ended or this is dropped. While it waits, it holds no
/// thread: stores that are opened at once could take all threads of a pool
/// that their engines wait for.
pub(crate) struct Task(Arc<State>);

struct State {
    executor: Arc<dyn Executor>,
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
    /// Begins `work`. Without a thread to run it, it does not happen.
    pub(crate) fn spawn(
        executor: &Arc<dyn Executor>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let state = Arc::new(State {
            executor: Arc::clone(executor),
            progress: Mutex::new(Progress {
                work: Some(Box::pin(work)),
                ..Progress::default()
            }),
        });
        Arc::clone(&state).wake();
        Self(state)
    }

    /// Ends the work where it is, or after the step that it is taking.
    pub(crate) fn cancel(&self) {
        let mut progress = self.0.lock();
        progress.is_cancelled = true;
        let work = progress.work.take();
        drop(progress);
        drop(work);
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
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
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
        let executor = Arc::clone(&self.executor);
        // Without a thread it goes, and with it the work.
        let _ = executor.execute(Box::new(move || self.step()));
    }
}
