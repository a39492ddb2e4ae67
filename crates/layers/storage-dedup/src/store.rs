//! The store that the layer makes, and its snapshots.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::Arc,
    time::Duration,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, ErrorKind, Health, Maintenance,
    MaintenanceReport, Mutation, Operation, Outcome, Result, SnapshotOptions, SnapshotSupport,
    Stats, Store, Unit, WriteBatch, WriteOptions, layer::Background,
};

use crate::{
    DedupControl, check, collector::Collector, draft::Draft, layer::NAME, rows::Kind,
    shared::Shared,
};

/// What [`DedupLayer`](crate::DedupLayer) makes of a store, and of a store's snapshots.
/// Clones are the same store.
#[derive(Debug)]
pub struct DedupStore<R> {
    pub(crate) inner: Arc<R>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) view: View,
}

/// Of what a store is a view.
#[derive(Clone, Debug)]
pub(crate) enum View {
    /// Of what is stored now.
    Live(Arc<Attended>),
    /// Of what was stored at some instant: rows and chunks are of the same.
    Snapshot,
}

/// What only a store has, and no snapshot.
#[derive(Debug)]
pub(crate) struct Attended {
    control: DedupControl,
    /// Where passes in the background are made, if they are.
    background: Option<Background>,
}

/// How often a commit that relied on a chunk that went away asks again; then it writes
/// all its chunks.
const ASKED_MAX: u32 = 4;

impl<S: Store> DedupStore<S> {
    /// # Errors
    /// `Unavailable` if the system gives no thread for passes.
    pub(crate) fn new(inner: S, shared: Arc<Shared>, every: Option<Duration>) -> Result<Self> {
        let inner = Arc::new(inner);
        let collector = Collector::new(Arc::downgrade(&inner), Arc::clone(&shared));
        let collector = Arc::new(collector);
        let background = match every {
            Some(every) => Some(Arc::clone(&collector).begin(every)?),
            None => None,
        };
        let control = DedupControl::new(Arc::clone(&shared), collector);
        let attended = Attended {
            control,
            background,
        };
        Ok(Self {
            inner,
            shared,
            view: View::Live(Arc::new(attended)),
        })
    }

    /// Whether passes in the background have ended by a panic.
    fn has_panicked(&self) -> bool {
        match &self.view {
            View::Live(attended) => {
                let background = attended.background.as_ref();
                background.is_some_and(Background::has_panicked)
            }
            View::Snapshot => false,
        }
    }

    /// Hashes the values of a batch, and commits it.
    async fn hash_and_commit(self, batch: WriteBatch, options: WriteOptions) -> Result<Committed> {
        let draft = Draft::of(batch, &self.shared);
        let draft = draft.map_err(|error| error.with_outcome(Outcome::NotApplied))?;
        self.commit_draft(draft, &options).await
    }

    async fn commit_draft(&self, draft: Draft, options: &WriteOptions) -> Result<Committed> {
        if !draft.chunks.is_empty() {
            return self.commit_referring(&draft, options).await;
        }
        let inline_values = draft.inline_values;
        let batch = draft.into_batch(&[], &self.shared);
        let committed = self.inner.commit_with(batch, options).await?;
        self.shared.counters.inline_values(inline_values);
        Ok(committed)
    }

    /// Commits a batch that refers to chunks.
    ///
    /// Those that the store has are guarded: a collector may condemn and remove them until
    /// the commit takes effect. Those that it does not have are written, whatever became
    /// of them since, and are condemned no more.
    async fn commit_referring(&self, draft: &Draft, options: &WriteOptions) -> Result<Committed> {
        let mut asked = 0;
        loop {
            let is_there = if asked < ASKED_MAX {
                self.are_there(draft).await?
            } else {
                vec![false; draft.chunks.len()]
            };
            let batch = draft.batch(&is_there, &self.shared);
            let error = match self.inner.commit_with(batch, options).await {
                Ok(committed) => {
                    self.committed(draft, &is_there);
                    return Ok(committed);
                }
                Err(error) => error,
            };
            let guard = error
                .guard()
                .and_then(|guard| guard.checked_sub(draft.guards()));
            let Some(gone) = guard.filter(|_| error.kind() == ErrorKind::Conflict) else {
                return Err(error);
            };
            let mut guarded = draft
                .chunks
                .iter()
                .zip(&is_there)
                .filter(|(_, there)| **there);
            if let Some((chunk, _)) = guarded.nth(gone) {
                self.shared.known.forget(chunk.hash);
            }
            asked += 1;
        }
    }

    /// Which of the chunks of a batch the store has, as far as is remembered; it is asked
    /// for the others.
    async fn are_there(&self, draft: &Draft) -> Result<Vec<bool>> {
        let hashes = draft.chunks.iter().map(|chunk| chunk.hash);
        let mut is_there = self.shared.known.among(hashes.clone());
        let asked = hashes.zip(&is_there).filter(|(_, known)| !**known);
        let rows: Vec<_> = asked
            .map(|(hash, _)| self.shared.rows.of(Kind::Live, hash))
            .collect();
        if rows.is_empty() {
            return Ok(is_there);
        }
        let found = self
            .inner
            .get_many_with(&rows, &self.shared.fresh())
            .await
            .map_err(|error| error.with_outcome(Outcome::NotApplied))?;
        let mut found = found.into_iter().map(|entry| entry.is_some());
        for known in is_there.iter_mut().filter(|known| !**known) {
            *known = found.next().unwrap_or_default();
        }
        Ok(is_there)
    }

    fn committed(&self, draft: &Draft, is_there: &[bool]) {
        let Shared {
            known, counters, ..
        } = &*self.shared;
        known.learn(draft.chunks.iter().map(|chunk| chunk.hash));
        counters.inline_values(draft.inline_values);
        counters.referring(draft.referring_values, draft.referring_bytes);
        let mut duplicates = 0;
        for (chunk, is_there) in draft.chunks.iter().zip(is_there) {
            if *is_there {
                duplicates += 1;
            } else {
                counters.stored(chunk.content.len());
            }
        }
        counters.duplicates(duplicates);
    }
}

impl<R> Clone for DedupStore<R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shared: Arc::clone(&self.shared),
            view: self.view.clone(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for DedupStore<S> {
    type Snapshot = DedupStore<S::Snapshot>;

    fn describe(&self) -> Description {
        self.inner.describe().under(NAME)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.shared.capabilities
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let named = |error: storage_core::Error| error.with_operation(Operation::Commit);
        self.shared.capabilities.admit(&batch).map_err(named)?;
        let bytes = bytes_hashed(&batch, self.shared.bytes_min);
        if bytes == 0 {
            // Nothing is waited for before the store below has the commit.
            let draft = Draft::of(batch, &self.shared).map_err(named)?;
            return self.commit_draft(draft, options).await.map_err(named);
        }
        let work = self.clone().hash_and_commit(batch, options.clone());
        let driver = &self.shared.driver;
        let committed = if self.shared.is_inline(bytes) {
            driver.drive(work).await
        } else {
            driver.drive_on_pool(work).await
        };
        committed.map_err(named)
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let inner = self.inner.snapshot_with(options).await?;
        Ok(DedupStore {
            inner: Arc::new(inner),
            shared: Arc::clone(&self.shared),
            view: View::Snapshot,
        })
    }

    async fn stats(&self) -> Result<Stats> {
        let stats = self.inner.stats().await?;
        let own = self.shared.counters.stats();
        let pending_bytes = own.last_pass.map_or(0, |pass| pass.pending_bytes);
        Ok(stats
            .with("dedup_logical_bytes", own.logical_bytes, Unit::Bytes)
            .with("dedup_stored_bytes", own.stored_bytes, Unit::Bytes)
            .with("dedup_duplicates", own.duplicates, Unit::Count)
            .with("dedup_pending_bytes", pending_bytes, Unit::Bytes))
    }

    async fn health(&self) -> Result<Health> {
        let health = self.inner.health().await?;
        if self.has_panicked() {
            let issue = "the thread that collects has panicked; open the store anew";
            return Ok(health.with("dedup_collect", issue));
        }
        Ok(match self.shared.counters.stats().failure {
            Some(failure) => health.with("dedup_collect", failure),
            None => health,
        })
    }

    /// Checks the store below, and then that each chunk is what its name says, that each
    /// reference leads to a chunk, and that the collector knows of both.
    async fn check(&self) -> Result<CheckReport> {
        let report = self.inner.check().await?;
        if self.shared.capabilities.snapshots != SnapshotSupport::Unlimited {
            return check::all(self, report).await;
        }
        let snapshot = self.snapshot_with(&SnapshotOptions::default()).await?;
        check::all(&snapshot, report).await
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.inner.maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        match &self.view {
            View::Live(attended) if id == TypeId::of::<DedupControl>() => Some(&attended.control),
            _ => self.inner.control(id),
        }
    }

    /// Ends passes in the background, waits for the commits that are under way, and closes
    /// the store below.
    async fn close(&self) -> Result<()> {
        if let View::Live(attended) = &self.view
            && let Some(background) = &attended.background
        {
            background.stop().await;
        }
        self.shared.driver.finish().await;
        self.inner.close().await
    }
}

/// The bytes of the values of a batch that are hashed.
fn bytes_hashed(batch: &WriteBatch, bytes_min: usize) -> usize {
    let bytes = |mutation: &Mutation| match mutation {
        Mutation::Put(put) => put.value.len(),
        Mutation::PutSequenced(put) => put.value.len(),
        Mutation::Delete(_) | Mutation::DeleteRange(_) => 0,
    };
    let hashed = |bytes: &usize| *bytes >= bytes_min;
    batch.mutations().iter().map(bytes).filter(hashed).sum()
}
