//! A thread on which a layer works beside its callers.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use futures_channel::oneshot;

use crate::{Result, blocking::block_on, component::no_thread};

/// A thread of a layer's own, for what nobody waits for: sweeping, training. It ends when
/// its work does, and is told to when this is dropped.
///
/// Not for the work of callers: that has the [`Executor`](crate::Executor).
pub struct Background {
    signal: Arc<Signal>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Background {
    /// Starts a thread called `name` that does `work`.
    ///
    /// Where a store takes a Tokio runtime, start it from within that: futures that the
    /// work waits for find its timers and sockets.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub fn start(name: &str, work: impl FnOnce(&Attendance) + Send + 'static) -> Result<Self> {
        let signal = Arc::new(Signal::default());
        let (end, ended) = oneshot::channel();
        let attendance = Attendance {
            signal: Arc::clone(&signal),
            #[cfg(any(feature = "runtime", feature = "networked"))]
            runtime: tokio::runtime::Handle::try_current().ok(),
        };
        thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                work(&attendance);
                // Nobody may be waiting.
                let _ = end.send(());
            })
            .map_err(no_thread)?;
        Ok(Self {
            signal,
            ended: Mutex::new(Some(ended)),
        })
    }

    /// Tells the work to end, and waits until it has. A second call does not wait.
    pub async fn stop(&self) {
        self.signal.stop();
        let ended = self
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(ended) = ended {
            // A panic has ended it, too.
            let _ = ended.await;
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.signal.stop();
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

/// What work in the background listens to.
pub struct Attendance {
    signal: Arc<Signal>,
    #[cfg(any(feature = "runtime", feature = "networked"))]
    runtime: Option<tokio::runtime::Handle>,
}

impl Attendance {
    /// Whether the work is to end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.signal.lock()
    }

    /// Sleeps for so long, or until the work is to end; says whether it is.
    #[must_use]
    pub fn pause(&self, time: Duration) -> bool {
        let started = Instant::now();
        let mut is_over = self.signal.lock();
        while !*is_over {
            let left = time.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let (woken, _) = self
                .signal
                .changed
                .wait_timeout(is_over, left)
                .unwrap_or_else(PoisonError::into_inner);
            is_over = woken;
        }
        *is_over
    }

    /// Waits for a future of the store below.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        #[cfg(any(feature = "runtime", feature = "networked"))]
        let _context = self.runtime.as_ref().map(tokio::runtime::Handle::enter);
        block_on(future)
    }
}

impl fmt::Debug for Attendance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendance")
            .field("is_over", &self.is_over())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Signal {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_pause_ends_when_the_work_is_told_to() {
        let (begun, beginning) = mpsc::channel();
        let (done, end) = mpsc::channel();
        let background = Background::start("test", move |attendance| {
            begun.send(()).unwrap();
            done.send(attendance.pause(Duration::from_hours(1)))
                .unwrap();
        })
        .unwrap();
        beginning.recv().unwrap();
        block_on(background.stop());
        assert!(end.try_recv().unwrap());
        block_on(background.stop());
    }

    #[test]
    fn dropping_it_ends_the_work() {
        let (begun, beginning) = mpsc::channel();
        let (done, end) = mpsc::channel();
        let background = Background::start("test", move |attendance| {
            assert!(!attendance.pause(Duration::ZERO));
            begun.send(()).unwrap();
            let is_over = attendance.pause(Duration::from_hours(1));
            done.send(is_over && attendance.is_over()).unwrap();
        });
        beginning.recv().unwrap();
        drop(background.unwrap());
        assert!(end.recv().unwrap());
    }

    #[test]
    fn work_that_panics_does_not_keep_its_store_from_closing() {
        let background = Background::start("test", |_| panic!("on purpose")).unwrap();
        block_on(background.stop());
    }
}
