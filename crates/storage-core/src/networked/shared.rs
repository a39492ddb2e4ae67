//! What all handles, snapshots and tasks of one store share.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::time::{Instant, sleep_until};

use super::{
    Engine, Limits, Partitions,
    call::{by, from_now},
    calls::Calls,
    closing::Closing,
    commits::Commits,
    reads::Reads,
    runtime::{Runtime, Task},
    source::Source,
};
use crate::{
    Components, Error, ErrorKind, Result, Sequence, SequenceScope, SnapshotSupport, adapter::Facts,
};

/// The engine and everything that is between it and its callers.
pub(super) struct Shared<E: Engine> {
    pub(super) source: Arc<Source<E>>,
    pub(super) reads: Reads<E>,
    pub(super) commits: Commits,
    /// What is neither a read nor a commit.
    pub(super) calls: Calls,
    /// Open snapshots, so that closing can end them.
    snapshots: Mutex<Vec<Weak<Reads<E::Snapshot>>>>,
    pub(super) closing: Closing,
    pub(super) facts: Facts,
    pub(super) limits: Limits,
    pub(super) runtime: Runtime,
}

/// A snapshot, the last commit in it, and the task that ends it in time.
pub(super) type Taken<E> = (
    Arc<Reads<<E as Engine>::Snapshot>>,
    Option<Sequence>,
    Option<Task<()>>,
);

impl<E: Engine> Shared<E> {
    /// Goes on where the engine's commits end.
    pub(super) async fn recover(engine: E, components: &Components) -> Result<Self> {
        let runtime = Runtime::current()?;
        let limits = engine.limits();
        let deadline = from_now(limits.time_limit);
        let last = by(deadline, async { engine.sequence(deadline).await }).await?;
        let facts = Facts {
            description: engine.describe().needing_runtime(),
            capabilities: engine.capabilities(),
            buffered_as: engine.buffered_as(),
            clock: components.clock.clone(),
        };
        let partitions = engine.partitions();
        let source = Arc::new(Source::new(Arc::new(engine), runtime.clone()));
        Ok(Self {
            reads: Reads::new(
                Arc::clone(&source),
                limits.reads_at_once,
                partitions,
                &limits,
                &runtime,
            ),
            commits: Commits::new(
                Arc::clone(&source),
                last.unwrap_or(Sequence::ZERO),
                partitions,
                &limits,
                facts.clock.clone(),
                &runtime,
            ),
            source,
            calls: Calls::new(),
            snapshots: Mutex::default(),
            closing: Closing::new(),
            facts,
            limits,
            runtime,
        })
    }

    /// The last commit known to have taken effect.
    pub(super) fn sequence(&self) -> Option<Sequence> {
        let is_numbered = self.facts.capabilities.sequence != SequenceScope::Unsupported;
        is_numbered.then(|| self.commits.last().get())
    }

    /// Calls the engine on the runtime, for something that is neither a read nor
    /// a commit.
    pub(super) async fn call<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>, Arc<E>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let shared = Arc::clone(self);
        let call = async move {
            let _call = shared.calls.enter()?;
            let engine = shared.source.get()?;
            work(Arc::clone(&shared), engine).await
        };
        self.runtime.run(call).await
    }

    /// When the time of a request is over that begins now.
    pub(super) fn deadline(&self) -> Instant {
        from_now(self.limits.time_limit)
    }

    pub(super) async fn take_snapshot(self: &Arc<Self>) -> Result<Taken<E>> {
        self.call(async |shared: Arc<Self>, engine: Arc<E>| {
            let deadline = shared.deadline();
            let (snapshot, sequence) =
                by(deadline, async { engine.snapshot(deadline).await }).await?;
            shared.commits.last().raise(sequence);
            let source = Source::new(Arc::new(snapshot), shared.runtime.clone());
            let reads = Arc::new(Reads::new(
                Arc::new(source),
                shared.limits.snapshot_reads_at_once,
                Partitions::one(),
                &shared.limits,
                &shared.runtime,
            ));
            // Before the call is over, which closing waits for: so no snapshot
            // escapes it.
            shared.register_snapshot(&reads);
            let ending = shared.end_in_time(&reads);
            Ok((reads, sequence, ending))
        })
        .await
    }

    fn register_snapshot(&self, reads: &Arc<Reads<E::Snapshot>>) {
        let mut snapshots = self.lock_snapshots();
        if snapshots.len() == snapshots.capacity() {
            snapshots.retain(|reads| reads.strong_count() > 0);
        }
        snapshots.push(Arc::downgrade(reads));
    }

    /// Ends a snapshot when it is as old as snapshots get.
    fn end_in_time(&self, reads: &Arc<Reads<E::Snapshot>>) -> Option<Task<()>> {
        let SnapshotSupport::Within(age) = self.facts.capabilities.snapshots else {
            return None;
        };
        let end = from_now(age);
        let reads = Arc::downgrade(reads);
        Some(self.runtime.start(async move {
            sleep_until(end).await;
            if let Some(reads) = reads.upgrade() {
                reads.end(expired);
            }
        }))
    }

    /// The snapshots that are open.
    pub(super) fn open_snapshots(&self) -> Vec<Arc<Reads<E::Snapshot>>> {
        let snapshots = self.lock_snapshots();
        snapshots.iter().filter_map(Weak::upgrade).collect()
    }

    fn lock_snapshots(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Reads<E::Snapshot>>>> {
        self.snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Networked")
            .field("store", &self.facts.description.to_string())
            .field("reads", &self.reads)
            .field("commits", &self.commits)
            .finish_non_exhaustive()
    }
}

fn expired() -> Error {
    Error::new(
        ErrorKind::SnapshotExpired,
        "the snapshot is older than the store keeps any; take a new one",
    )
}
