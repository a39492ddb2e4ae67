//! Lanes: how many calls are under way at once, and what waits for one.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    queue::{Queue, Request, Ticket, Weight},
    runtime::Runtime,
};
use crate::{Error, ErrorKind, Result};

/// A number of calls that may be under way, and a queue of requests.
pub(super) struct Lanes<R: Request> {
    state: Mutex<State<R>>,
    bounds: Bounds,
    runtime: Runtime,
    /// Makes one call of a group of requests, on the lane that is given with it.
    serve: Box<Serve<R>>,
    /// Told when there is nothing under way and nothing waits, once no more is
    /// accepted.
    drained: Notify,
}

type Serve<R> = dyn Fn(Vec<R>, Lane<R>) + Send + Sync;

/// How much there may be of everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) lanes: usize,
    pub(super) group_max: Weight,
    pub(super) queue_max: usize,
    pub(super) queue_bytes_max: usize,
}

struct State<R> {
    free: usize,
    queue: Queue<R>,
    is_closed: bool,
    /// Whether somebody hands out free lanes. Whoever frees one meanwhile leaves
    /// it to them, so that a lane that is given back at once, and another, and
    /// another, never becomes a recursion.
    is_dispatching: bool,
    /// Whether a task looks after the deadlines of what waits.
    is_watched: bool,
}

impl<R: Request> Lanes<R> {
    pub(super) fn new(
        bounds: Bounds,
        runtime: Runtime,
        serve: impl Fn(Vec<R>, Lane<R>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                free: bounds.lanes,
                queue: Queue::new(),
                is_closed: false,
                is_dispatching: false,
                is_watched: false,
            }),
            bounds,
            runtime,
            serve: Box::new(serve),
            drained: Notify::new(),
        }
    }

    /// A lane, if one is free and nobody is ahead.
    ///
    /// # Errors
    /// `Closed` once requests are refused.
    pub(super) fn try_enter(self: &Arc<Self>) -> Result<Option<Lane<R>>> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Error::closed());
        }
        if state.free == 0 || !state.queue.is_empty() {
            return Ok(None);
        }
        state.free -= 1;
        Ok(Some(Lane {
            lanes: Arc::clone(self),
        }))
    }

    /// Has a request wait for a lane, if need be.
    ///
    /// # Errors
    /// `Closed` once requests are refused, `Throttled` if too many wait. The
    /// request is dropped.
    pub(super) fn enqueue(self: &Arc<Self>, request: R) -> Result<Ticket> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Error::closed());
        }
        if state.free == 0 && self.is_full(&state.queue, request.weight().bytes) {
            return Err(self.throttled());
        }
        let ticket = state.queue.push(request);
        drop(state);
        self.dispatch();
        Ok(ticket)
    }

    /// Has a request wait no more.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        let mut state = self.lock();
        let withdrawn = state.queue.remove(ticket);
        self.tell_if_drained(&state);
        drop(state);
        drop(withdrawn);
    }

    /// Accepts no more requests.
    pub(super) fn refuse(&self) {
        self.lock().is_closed = true;
    }

    /// Waits, once requests are refused, until the accepted ones have ended.
    pub(super) async fn drained(&self) {
        let mut told = pin!(self.drained.notified());
        told.as_mut().enable();
        if !self.is_drained(&self.lock()) {
            told.await;
        }
    }

    fn is_full(&self, queue: &Queue<R>, bytes: usize) -> bool {
        let with_it = queue.bytes().saturating_add(bytes);
        let is_too_much = queue.bytes() > 0 && with_it > self.bounds.queue_bytes_max;
        queue.len() >= self.bounds.queue_max || is_too_much
    }

    /// Gives free lanes to what waits.
    fn dispatch(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.is_dispatching {
            return;
        }
        state.is_dispatching = true;
        drop(state);
        while let Some((group, lane)) = self.next_group() {
            (self.serve)(group, lane);
        }
    }

    /// The next group and a lane for it. Without, the dispatching is over.
    fn next_group(self: &Arc<Self>) -> Option<(Vec<R>, Lane<R>)> {
        let mut state = self.lock();
        if state.free > 0 && !state.queue.is_empty() {
            state.free -= 1;
            let group = state.queue.take_group(self.bounds.group_max);
            let lanes = Arc::clone(self);
            return Some((group, Lane { lanes }));
        }
        state.is_dispatching = false;
        let is_to_be_watched = !state.is_watched && !state.queue.is_empty();
        state.is_watched |= is_to_be_watched;
        drop(state);
        if is_to_be_watched {
            self.watch();
        }
        None
    }

    /// Refuses what waits too long, for as long as something waits.
    fn watch(self: &Arc<Self>) {
        let lanes = Arc::downgrade(self);
        self.runtime.spawn(async move {
            while let Some(next) = lanes.upgrade().and_then(|lanes| lanes.refuse_late()) {
                sleep_until(next).await;
            }
        });
    }

    /// Refuses what has waited too long; says when to look again.
    fn refuse_late(&self) -> Option<Instant> {
        let mut state = self.lock();
        let late = state.queue.take_late(Instant::now());
        let next = state.queue.first_deadline();
        state.is_watched = next.is_some();
        self.tell_if_drained(&state);
        drop(state);
        for request in late {
            request.refuse(waited_in_vain());
        }
        next
    }

    fn leave(self: &Arc<Self>) {
        let mut state = self.lock();
        state.free += 1;
        self.tell_if_drained(&state);
        let is_awaited = !state.queue.is_empty();
        drop(state);
        if is_awaited {
            self.dispatch();
        }
    }

    fn tell_if_drained(&self, state: &State<R>) {
        if state.is_closed && self.is_drained(state) {
            self.drained.notify_waiters();
        }
    }

    fn is_drained(&self, state: &State<R>) -> bool {
        state.free == self.bounds.lanes && state.queue.is_empty()
    }

    fn throttled(&self) -> Error {
        Error::new(
            ErrorKind::Throttled,
            format!(
                "{} requests or {} MiB of them wait for the engine; \
                 wait for answers before sending more",
                self.bounds.queue_max,
                self.bounds.queue_bytes_max >> 20
            ),
        )
        .with_retry_after(Duration::from_millis(10))
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Request> fmt::Debug for Lanes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Lanes")
            .field("free", &state.free)
            .field("waiting", &state.queue.len())
            .field("is_closed", &state.is_closed)
            .finish_non_exhaustive()
    }
}

/// Leave to have one call under way. Dropping it lets the next go.
#[derive(Debug)]
pub(super) struct Lane<R: Request> {
    lanes: Arc<Lanes<R>>,
}

impl<R: Request> Drop for Lane<R> {
    fn drop(&mut self) {
        self.lanes.leave();
    }
}

/// What a request is answered whose time was over before its turn came.
pub(super) fn waited_in_vain() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        "the time for the request was over before the engine was free for it; \
         send less at once, or allow more calls at once",
    )
    .with_retry_after(Duration::from_millis(100))
}
