//! Threads for work that would block an async task.

use std::{
    collections::VecDeque,
    fmt, io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use futures_channel::oneshot;

use crate::{Error, ErrorKind, Result};

/// A piece of work that may block.
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs work that may block, on threads of its own.
pub trait Executor: fmt::Debug + Send + Sync + 'static {
    /// Runs `job` soon, in the order of the calls.
    ///
    /// # Errors
    /// `Unavailable` if there is no thread to run it; the job is dropped.
    fn execute(&self, job: Job) -> Result<()>;
}

impl dyn Executor {
    /// Runs `work` on this executor and waits for its result.
    ///
    /// # Errors
    /// `Internal` if the work panicked; else what `work` returned.
    ///
    /// # Cancel safety
    /// Work that was handed over runs to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, result) = oneshot::channel();
        self.execute(Box::new(move || {
            // Nobody may be waiting any more; then the answer is dropped.
            let _ = answer.send(work());
        }))?;
        result
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the work panicked")))
    }
}

/// A bounded pool: threads start as they are needed and end when idle.
pub struct ThreadPool {
    shared: Arc<Shared>,
}

struct Shared {
    threads_max: NonZeroUsize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl ThreadPool {
    /// How long a thread waits for work before it ends.
    const IDLE: Duration = Duration::from_secs(10);

    /// A pool of at most `threads_max` threads.
    #[must_use]
    pub fn new(threads_max: NonZeroUsize) -> Self {
        Self {
            shared: Arc::new(Shared {
                threads_max,
                state: Mutex::default(),
                work: Condvar::new(),
            }),
        }
    }

    /// The pool that all stores of the process share unless they are given
    /// another: four threads a core, since its work mostly waits for disks.
    #[must_use]
    pub fn shared() -> Arc<dyn Executor> {
        static SHARED: OnceLock<Arc<ThreadPool>> = OnceLock::new();
        let pool = SHARED.get_or_init(|| {
            let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
            let threads = cores.saturating_mul(NonZeroUsize::MIN.saturating_add(3));
            Arc::new(Self::new(threads))
        });
        let pool: Arc<ThreadPool> = Arc::clone(pool);
        pool
    }
}

impl Executor for ThreadPool {
    fn execute(&self, job: Job) -> Result<()> {
        let mut state = self.shared.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads >= self.shared.threads_max.get() {
            drop(state);
            self.shared.work.notify_one();
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let shared = Arc::clone(&self.shared);
        let spawned = thread::Builder::new()
            .name("storage-pool".into())
            .spawn(move || shared.serve());
        match spawned {
            Ok(_) => Ok(()),
            Err(error) => self.shared.give_up_thread(error),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // The waiting caller learns of a panic from its dropped answer.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (woken, timeout) = self
                .work
                .wait_timeout(state, ThreadPool::IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Takes note that a thread could not be started. Other threads will do the
    /// work; without any, the last job is given up.
    fn give_up_thread(&self, error: io::Error) -> Result<()> {
        let mut state = self.lock();
        state.threads -= 1;
        if state.threads > 0 {
            return Ok(());
        }
        let job = state.jobs.pop_back();
        drop(state);
        drop(job);
        Err(no_thread(error))
    }
}

/// The error of an operating system that starts no thread.
pub(crate) fn no_thread(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the operating system gave no thread; raise the limit on threads",
    )
    .with_retry_after(Duration::from_millis(100))
    .with_source(error)
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("threads_max", &self.shared.threads_max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panicking_job_leaves_the_pool_able_to_work() {
        let pool = ThreadPool::new(NonZeroUsize::MIN);
        pool.execute(Box::new(|| panic!("on purpose"))).unwrap();
        let (done, answer) = mpsc::channel();
        pool.execute(Box::new(move || done.send(7).unwrap()))
            .unwrap();
        assert_eq!(answer.recv().unwrap(), 7);
    }

    #[test]
    fn the_pool_never_has_more_threads_than_its_bound() {
        let pool = ThreadPool::new(NonZeroUsize::new(2).unwrap());
        let (done, answer) = mpsc::channel();
        for _ in 0..50 {
            let done = done.clone();
            pool.execute(Box::new(move || {
                thread::sleep(Duration::from_millis(1));
                done.send(()).unwrap();
            }))
            .unwrap();
            assert!(pool.shared.lock().threads <= 2);
        }
        for _ in 0..50 {
            answer.recv().unwrap();
        }
    }
}
