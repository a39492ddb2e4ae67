//! Calling an engine: it may panic, and it may not keep its word on time.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::{Error, ErrorKind, Result, adapter::panicked};

/// How much later than its deadline a commit under way is given up: an engine
/// that keeps its word knows better how the commit ended.
pub(super) const GRACE: Duration = Duration::from_millis(250);

/// Longer than anybody waits, and short enough to be added to any instant.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The instant that is `duration` from now.
pub(super) fn from_now(duration: Duration) -> Instant {
    Instant::now() + duration.min(LONGEST)
}

/// Waits for a call of the engine until `deadline`. A panic becomes an error.
pub(super) async fn by<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    timeout_at(deadline, no_panic(call))
        .await
        .unwrap_or_else(|_| Err(overran()))
}

/// Waits for a call of the engine. A panic becomes an error.
pub(super) async fn no_panic<T>(call: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let mut call = pin!(call);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
    })
    .await
}

fn overran() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        "the engine did not answer within the time limit of the request",
    )
}
