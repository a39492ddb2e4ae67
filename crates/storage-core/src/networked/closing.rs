//! Closing: accepted requests end, then snapshots, then the engine.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    Engine,
    call::{GRACE, by},
    runtime::ended,
    shared::Shared,
};
use crate::{Error, Result};

/// Whether a store is being closed, and how that ended.
#[derive(Debug)]
pub(super) struct Closing {
    has_begun: AtomicBool,
    end: watch::Sender<Option<Result<()>>>,
}

impl Closing {
    pub(super) fn new() -> Self {
        Self {
            has_begun: AtomicBool::new(false),
            end: watch::Sender::new(None),
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Refuses new requests, and has a task close the store, unless that has
    /// begun.
    pub(super) fn begin_close(self: &Arc<Self>) {
        if self.closing.has_begun.swap(true, Ordering::SeqCst) {
            return;
        }
        self.commits.refuse();
        self.reads.refuse();
        self.calls.refuse();
        let ending = Ending {
            shared: Arc::clone(self),
            result: Err(ended()),
        };
        self.runtime.spawn(ending.come_about());
    }

    /// How closing ended, once it has.
    pub(super) async fn closed(&self) -> Result<()> {
        let mut end = self.closing.end.subscribe();
        // The sender outlives this borrow of it.
        match end.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Err(error))) => Err(error.duplicate()),
            _ => Ok(()),
        }
    }

    /// Waits until the accepted requests have ended. All of them do within the
    /// time limit, but for checks and maintenance.
    async fn drained(&self, deadline: Instant) {
        let drained = async {
            self.commits.drained().await;
            self.reads.drained().await;
            self.calls.drained().await;
        };
        // What is under way at the deadline meets a closed engine.
        let _ = timeout_at(deadline, drained).await;
    }

    async fn end_snapshots(&self, deadline: Instant) {
        let snapshots = self.open_snapshots();
        for snapshot in &snapshots {
            snapshot.refuse();
        }
        for snapshot in snapshots {
            let _ = timeout_at(deadline, snapshot.drained()).await;
            snapshot.end(Error::closed);
        }
    }
}

/// Tells how closing ended when it is dropped, be it that the runtime ended
/// first.
struct Ending<E: Engine> {
    shared: Arc<Shared<E>>,
    result: Result<()>,
}

impl<E: Engine> Ending<E> {
    async fn come_about(mut self) {
        let shared = &self.shared;
        let drained_by = shared.deadline() + GRACE + GRACE;
        shared.drained(drained_by).await;
        shared.end_snapshots(drained_by).await;
        let deadline = shared.deadline();
        let closed = async {
            let engine = shared.source.get()?;
            engine.close(deadline).await
        };
        let result = by(deadline, closed).await;
        shared.source.end(Error::closed);
        self.result = result;
    }
}

impl<E: Engine> Drop for Ending<E> {
    fn drop(&mut self) {
        let result = std::mem::replace(&mut self.result, Ok(()));
        self.shared.closing.end.send_replace(Some(result));
    }
}
