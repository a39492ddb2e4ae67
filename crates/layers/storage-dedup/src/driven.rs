//! Work that goes on when its caller leaves.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use storage_core::{Executor, blocking::block_on};

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Work of which the store below may not know yet. Its caller drives it for as long as he
/// waits; if he leaves, the pool does.
pub(crate) struct Driven<T: Send + 'static> {
    /// `None` when it has ended.
    work: Option<Work<T>>,
    executor: Arc<dyn Executor>,
}

impl<T: Send + 'static> Driven<T> {
    /// To be made when the work is accepted, and not before.
    pub(crate) fn new(
        work: impl Future<Output = T> + Send + 'static,
        executor: &Arc<dyn Executor>,
    ) -> Self {
        Self {
            work: Some(Box::pin(work)),
            executor: Arc::clone(executor),
        }
    }
}

impl<T: Send + 'static> Future for Driven<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let answer = work.as_mut().poll(context);
        if answer.is_ready() {
            self.work = None;
        }
        answer
    }
}

impl<T: Send + 'static> Drop for Driven<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // Without a thread the work is not done, not even in part.
            let _ = self
                .executor
                .execute(Box::new(move || drop(block_on(work))));
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Driven<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven")
            .field("has_ended", &self.work.is_none())
            .finish_non_exhaustive()
    }
}
