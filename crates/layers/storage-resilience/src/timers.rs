//! Waiting: the timers of the runtime that the store was opened on.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use storage_core::{Error, ErrorKind, Result};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{Instant, Sleep, sleep_until},
};

/// Longer than anybody waits, and short enough to be added to any instant.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The instant that is `duration` after `start`.
pub(crate) fn after(start: Instant, duration: Duration) -> Instant {
    start + duration.min(LONGEST)
}

/// Makes timers on one runtime, wherever it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    runtime: Handle,
}

impl Timers {
    /// The timers of the caller's runtime.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub(crate) fn current() -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "a layer that waits is opened on a Tokio runtime; \
                 open the stack there, or through the blocking façade",
            )
            .with_source(error)
        })?;
        Ok(Self { runtime })
    }

    /// Waits until `instant`.
    pub(crate) fn until(&self, instant: Instant) -> Timer {
        let is_here = Handle::try_current().is_ok_and(|here| here.id() == self.runtime.id());
        if is_here {
            return Timer::Here(Box::pin(sleep_until(instant)));
        }
        // A timer of a runtime that ends panics where it is polled from outside;
        // a task of it is only cancelled.
        Timer::Elsewhere(
            self.runtime
                .spawn(async move { sleep_until(instant).await }),
        )
    }

    /// Waits for `work` until `deadline`; `None` if that came first, and then
    /// `work` has been dropped.
    ///
    /// The deadline is asked for, and a timer taken, only if `work` is not ready
    /// at once.
    pub(crate) async fn within<T>(
        &self,
        deadline: impl FnOnce() -> Instant,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut deadline = Some(deadline);
        let mut timer = None;
        poll_fn(|context| {
            if let Poll::Ready(answer) = work.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            if let Some(deadline) = deadline.take() {
                timer = Some(self.until(deadline()));
            }
            match &mut timer {
                Some(timer) => Pin::new(timer).poll(context).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }
}

/// A wait for an instant. It is over, too, when its runtime has ended.
pub(crate) enum Timer {
    /// On the runtime that it is polled on.
    Here(Pin<Box<Sleep>>),
    /// On another.
    Elsewhere(JoinHandle<()>),
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            Self::Here(sleep) => sleep.as_mut().poll(context),
            Self::Elsewhere(task) => Pin::new(task).poll(context).map(drop),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Self::Elsewhere(task) = self {
            task.abort();
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}
