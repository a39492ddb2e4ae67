//! What waits for the writer thread to serve it: commits, and snapshots that
//! found others at the order point.
//!
//! A snapshot waits as a commit does, without a thread: the order point may be
//! held for as long as another process holds a lock, and the threads of a pool
//! that waited there would be missing to everybody who shares it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_channel::oneshot;

use super::{
    super::{
        Engine, Prepared,
        shared::{Shared, Taken},
    },
    OrderPoint,
    commit::Answer,
};
use crate::{Durability, Error, ErrorKind, Result, WriteBatch};

/// How much may wait for the writer thread. A single commit may be larger.
pub(super) const QUEUED_BYTES_MAX: usize = 256 << 20;

/// What a commit takes besides its keys and values, roughly.
const COMMIT_BYTES: usize = 256;

/// What waits for its turn at the order point.
#[derive(Debug)]
pub(super) enum Request<E: Engine> {
    Commit(QueuedCommit),
    Snapshot(SnapshotAnswer<E>),
}

pub(super) type SnapshotAnswer<E> = oneshot::Sender<Result<Taken<E>>>;

/// A commit that waits for its turn.
#[derive(Debug)]
pub(super) struct QueuedCommit {
    pub(super) batch: WriteBatch,
    pub(super) prepared: Option<Prepared>,
    /// Roughly what the commit takes while it waits.
    pub(super) bytes: usize,
    pub(super) durability: Durability,
    pub(super) answer: Answer,
}

impl QueuedCommit {
    pub(super) fn new(
        batch: WriteBatch,
        prepared: Option<Prepared>,
        durability: Durability,
        answer: Answer,
    ) -> Self {
        Self {
            bytes: COMMIT_BYTES + batch.size_bytes(),
            batch,
            prepared,
            durability,
            answer,
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Takes a snapshot and its sequence when it is its turn at the order point.
    pub(in crate::embedded) async fn snapshot_in_turn(self: &Arc<Self>) -> Result<Taken<E>> {
        let (answer, receiver) = oneshot::channel();
        self.put_in_queue(Request::Snapshot(answer))?;
        receiver.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Internal,
                "the thread that takes snapshots ended without an answer",
            ))
        })
    }

    /// Has the writer thread serve a request.
    ///
    /// # Errors
    /// `Throttled` for a commit if too much waits; `Closed`, and `Unavailable`
    /// if there is no thread. The request is dropped.
    pub(super) fn put_in_queue(self: &Arc<Self>, request: Request<E>) -> Result<()> {
        let order = &self.order;
        let bytes = match &request {
            Request::Commit(commit) => commit.bytes,
            Request::Snapshot(_) => 0,
        };
        order.queued.fetch_add(1, Ordering::AcqRel);
        let before = order.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
        let is_throttled = bytes > 0 && before > 0 && before + bytes > QUEUED_BYTES_MAX;
        let put = if is_throttled {
            Err(throttled())
        } else {
            let shared = Arc::clone(self);
            order
                .queue
                .put(request, "storage-writer", move || shared.keep_serving())
                .map_err(|(_, error)| error)
        };
        put.inspect_err(|_| order.leave_queue(1, bytes))
    }
}

impl<E: Engine> OrderPoint<E> {
    /// Takes note that so many requests, of so many bytes, queue no more.
    pub(super) fn leave_queue(&self, requests: usize, bytes: usize) {
        self.queued.fetch_sub(requests, Ordering::AcqRel);
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

fn throttled() -> Error {
    Error::new(
        ErrorKind::Throttled,
        format!(
            "commits of more than {} MiB wait to be applied; wait for answers before sending more",
            QUEUED_BYTES_MAX >> 20
        ),
    )
    .with_retry_after(Duration::from_millis(10))
}
