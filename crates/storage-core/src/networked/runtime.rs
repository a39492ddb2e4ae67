//! The runtime that a store was opened on: where its engine is called.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};

use crate::{Error, ErrorKind, Result};

/// Whether there is a runtime to open a store on: for an engine that connects
/// before it is given to [`Networked::open`](super::Networked::open).
///
/// # Errors
/// `Invalid` if there is none.
pub fn require_runtime() -> Result<()> {
    Runtime::current().map(drop)
}

/// A runtime that calls are made on.
#[derive(Clone, Debug)]
pub(super) struct Runtime {
    handle: Handle,
}

impl Runtime {
    /// The runtime of the caller.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub(super) fn current() -> Result<Self> {
        match Handle::try_current() {
            Ok(handle) => Ok(Self { handle }),
            Err(error) => Err(Error::new(
                ErrorKind::Invalid,
                "a store across a network is opened on a Tokio runtime; \
                 open it there, or through the blocking façade",
            )
            .with_source(error)),
        }
    }

    /// Drives `call` to its end: right here if this is the runtime, else on a
    /// task of it. Dropping the future drops `call`.
    ///
    /// Whoever has polled it here may go on with it elsewhere: a layer's work moves to the
    /// threads of a pool. There too it finds the timers and sockets of the runtime.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.is_here() {
            let mut call = pin!(call);
            return poll_fn(|context| {
                let _here = self.handle.enter();
                call.as_mut().poll(context)
            })
            .await;
        }
        self.start(call).await.unwrap_or_else(|_| Err(ended()))
    }

    /// Has `work` done by a task that ends when it is dropped.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        Task(self.handle.spawn(work))
    }

    /// Has `work` done to its end. If the runtime has ended, it is dropped.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(work));
    }

    /// Drops a value of the engine as if on the runtime: a connection may want
    /// to say farewell.
    pub(super) fn drop<T>(&self, value: T) {
        let _here = self.handle.enter();
        drop(value);
    }

    fn is_here(&self) -> bool {
        Handle::try_current().is_ok_and(|here| here.id() == self.handle.id())
    }
}

/// A task that ends when it is dropped.
#[derive(Debug)]
pub(super) struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(context)))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The answer to what was to be done on a runtime that is no more.
pub(super) fn ended() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the runtime that the store was opened on has ended; open the store again",
    )
}
