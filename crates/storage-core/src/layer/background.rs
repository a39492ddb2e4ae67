//! A thread on which a layer works beside its callers.

use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use super::surroundings::Surroundings;
use crate::{Result, blocking::block_on, component::no_thread};

/// A thread of a layer's own, for what nobody waits for: sweeping, training. It ends when
/// its work does, and is told to when this is dropped.
///
/// Not for the work of callers: that has the [`Executor`](crate::Executor).
pub struct Background {
    signal: Arc<Signal>,
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
        let attendance = Attendance {
            signal: Arc::clone(&signal),
            surroundings: Surroundings::here(),
        };
        thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let _ending = Ending(&attendance.signal);
                work(&attendance);
            })
            .map_err(no_thread)?;
        Ok(Self { signal })
    }

    /// Tells the work to end, and waits until it has, as does every other call.
    ///
    /// # Cancel safety
    /// The work has been told to end; another call waits for it.
    pub async fn stop(&self) {
        self.signal.stop();
        poll_fn(|context| self.signal.poll_ended(context)).await;
    }

    /// Whether a panic has ended the work.
    #[must_use]
    pub fn has_panicked(&self) -> bool {
        self.signal.lock().end == Some(End::Panic)
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
    surroundings: Surroundings,
}

impl Attendance {
    /// Whether the work is to end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.signal.lock().is_over
    }

    /// Sleeps for so long, or until the work is to end; says whether it is.
    #[must_use]
    pub fn pause(&self, time: Duration) -> bool {
        let started = Instant::now();
        let mut state = self.signal.lock();
        while !state.is_over {
            let left = time.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let (woken, _) = self
                .signal
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
        }
        state.is_over
    }

    /// Waits for a future of the store below.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.surroundings.within(|| block_on(future))
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
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the work is to end.
    is_over: bool,
    end: Option<End>,
    /// Those that wait for the end.
    wakers: Vec<Waker>,
}

/// How the work has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Return,
    Panic,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn poll_ended(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.end.is_some() {
            return Poll::Ready(());
        }
        let is_known = |waker: &Waker| waker.will_wake(context.waker());
        if !state.wakers.iter().any(is_known) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        state.end = Some(end);
        let wakers = mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Tells of the end of the work when it is dropped, as a panic does, too.
struct Ending<'a>(&'a Signal);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end(if thread::panicking() {
            End::Panic
        } else {
            End::Return
        });
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
            begun.send(attendance.pause(Duration::ZERO)).unwrap();
            let is_over = attendance.pause(Duration::from_hours(1));
            done.send(is_over && attendance.is_over()).unwrap();
        });
        assert!(!beginning.recv().unwrap());
        drop(background.unwrap());
        assert!(end.recv().unwrap());
    }

    #[test]
    fn work_that_panics_does_not_keep_its_store_from_closing() {
        let background = Background::start("test", |_| panic!("on purpose")).unwrap();
        block_on(background.stop());
        assert!(background.has_panicked());
    }

    #[test]
    fn who_stops_it_again_waits_too() {
        let (go, going) = mpsc::channel();
        let background = Background::start("test", move |_| going.recv().unwrap()).unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut first = Box::pin(background.stop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        drop(first);
        let mut second = Box::pin(background.stop());
        assert!(second.as_mut().poll(&mut context).is_pending());
        go.send(()).unwrap();
        block_on(second);
        assert!(!background.has_panicked());
    }
}
