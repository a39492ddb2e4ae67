//! A store that does one thing wrong.

#![expect(clippy::unwrap_used, reason = "a poisoned lock fails the test anyway")]

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    ops::Bound,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Direction, Durability, Entry, Error,
    ErrorKind, Guard, Health, Key, KeyRange, Maintenance, MaintenanceReport, Mutation, Outcome,
    OwnedKey, Page, Projection, Read, ReadExt, ReadOptions, ReadSupport, Result, ScanOptions,
    Sequence, SnapshotOptions, Space, Stats, Store, StoreExt, WriteBatch, WriteOptions,
};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    LosesTheLastMutation,
    IgnoresGuards,
    AppliesAndConflicts,
    NamesTheFirstGuard,
    HidesTheOutcome,
    /// By a slow clock, which the subject passes in.
    ExpiresLate,
    SkipsBetweenPages,
    RepeatsBetweenPages,
    ReverseLosesOne,
    EndsScansEarly,
    ReturnsValuesWithKeys,
    SortsGetMany,
    SnapshotsAreLive,
    TearsBatches,
    ShowsSystemKeys,
    DeletesTheEnd,
    DropsEmptyValues,
    GrantsAnyDurability,
    RepeatsSequences,
    StartsLate,
    StaysOpen,
    PromisesToKeep,
    /// Every third read is of a cache that no write goes through.
    ServesStaleReads,
    /// The same of a store that does not promise more.
    LagsAsItSays,
    ShowsHalfBatches,
    ComparesBeforeItSwaps,
    ServesOldSnapshots,
    ForgetsNowAndThen,
    /// Makes no commit, and says that nobody knows.
    AnswersNoCommit,
    /// Takes every stamp for an old one.
    RefusesStamps,
    /// Takes every third stamp for an old one.
    RefusesSomeStamps,
}

/// A store with a defect, or without.
#[derive(Debug)]
pub(crate) struct Broken<S: Store> {
    inner: Arc<S>,
    clock: Clock,
    defect: Option<Defect>,
    capabilities: Capabilities,
    entries_scanned: AtomicUsize,
    operations: AtomicUsize,
    /// What reads found before.
    cache: Mutex<HashMap<OwnedKey, Option<Entry>>>,
    /// The snapshot that was taken before.
    snapshot: Mutex<Option<S::Snapshot>>,
}

/// A snapshot of it, which may be the store itself.
#[derive(Debug)]
pub(crate) enum BrokenSnapshot<S: Store> {
    Sound(S::Snapshot),
    Live(Arc<S>, Option<Sequence>),
}

impl<S: Store> Broken<S> {
    pub(crate) fn new(inner: S, clock: Clock, defect: Option<Defect>) -> Self {
        let mut capabilities = inner.capabilities().clone();
        if defect == Some(Defect::PromisesToKeep) {
            capabilities.durability_max = Durability::Buffered;
        }
        if defect == Some(Defect::LagsAsItSays) {
            capabilities.reads = ReadSupport::Eventual;
        }
        Self {
            inner: Arc::new(inner),
            clock,
            defect,
            capabilities,
            entries_scanned: AtomicUsize::new(0),
            operations: AtomicUsize::new(0),
            cache: Mutex::default(),
            snapshot: Mutex::new(None),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// The batch that reaches the sound store instead.
    fn damaged(&self, batch: WriteBatch) -> WriteBatch {
        let (mut guards, mut mutations) = batch.into_parts();
        match self.defect {
            Some(Defect::LosesTheLastMutation) if mutations.len() > 1 => {
                mutations.pop();
            }
            Some(Defect::IgnoresGuards) => guards.clear(),
            Some(Defect::DeletesTheEnd) => mutations.iter_mut().for_each(delete_the_end),
            Some(Defect::DropsEmptyValues) => mutations.iter_mut().for_each(drop_empty_value),
            _ => {}
        }
        WriteBatch::from_parts(guards, mutations)
    }

    async fn commit_damaged(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        if self.has(Defect::TearsBatches) {
            let mut last = self.inner.commit(WriteBatch::new()).await?;
            for mutation in batch.mutations() {
                last = self
                    .inner
                    .commit(WriteBatch::new().mutation(mutation.clone()))
                    .await?;
                tokio::task::yield_now().await;
            }
            return Ok(last);
        }
        match self.defect {
            Some(Defect::ShowsHalfBatches) => return self.commit_in_two(batch, options).await,
            Some(Defect::ComparesBeforeItSwaps) => {
                return self.compare_and_commit(batch, options).await;
            }
            Some(Defect::AnswersNoCommit) => {
                return Err(Error::new(ErrorKind::TimedOut, "nobody answered")
                    .with_outcome(Outcome::Unknown));
            }
            Some(Defect::RefusesStamps) => refuse_stamp(&batch)?,
            Some(Defect::RefusesSomeStamps) if self.now_and_then(3) => refuse_stamp(&batch)?,
            Some(Defect::ForgetsNowAndThen) if self.now_and_then(20) => {
                return self.inner.commit(WriteBatch::new()).await;
            }
            _ => {}
        }
        let (guards, mutations) = batch.clone().into_parts();
        let answer = self.inner.commit_with(batch, options).await;
        match (self.defect, answer) {
            (Some(Defect::AppliesAndConflicts), Err(error)) => {
                self.inner
                    .commit(WriteBatch::from_parts(Vec::new(), mutations))
                    .await?;
                Err(error)
            }
            (Some(Defect::NamesTheFirstGuard), Err(error))
                if error.kind() == ErrorKind::Conflict =>
            {
                Err(guards
                    .first()
                    .map_or(error, |guard: &Guard| Error::conflict(0, guard)))
            }
            (Some(Defect::HidesTheOutcome), Err(error)) => {
                Err(error.with_outcome(Outcome::Unknown))
            }
            (Some(Defect::RepeatsSequences), Ok(committed)) => {
                Ok(Committed::new(Some(Sequence::new(1)), committed.durability))
            }
            (_, answer) => answer,
        }
    }

    /// Once in `times`.
    fn now_and_then(&self, times: usize) -> bool {
        self.operations.fetch_add(1, Ordering::Relaxed) % times == times - 1
    }

    /// The first mutation alone, and the others a little later.
    async fn commit_in_two(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let (guards, mut first) = batch.into_parts();
        let rest = first.split_off(first.len().min(1));
        let first = WriteBatch::from_parts(guards, first);
        let committed = self.inner.commit_with(first, options).await?;
        if rest.is_empty() {
            return Ok(committed);
        }
        tokio::task::yield_now().await;
        let rest = WriteBatch::from_parts(Vec::new(), rest);
        self.inner.commit_with(rest, options).await
    }

    /// Guards are compared, and the batch applied a little later.
    async fn compare_and_commit(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<Committed> {
        let (guards, mutations) = batch.into_parts();
        for (index, guard) in guards.iter().enumerate() {
            if !guard.holds(self.inner.get(guard.key()).await?.as_ref()) {
                return Err(Error::conflict(index, guard));
            }
        }
        tokio::task::yield_now().await;
        let unguarded = WriteBatch::from_parts(Vec::new(), mutations);
        self.inner.commit_with(unguarded, options).await
    }

    fn damage_page(&self, page: &mut Page, options: &ScanOptions) {
        match self.defect {
            Some(Defect::SkipsBetweenPages) => {
                if let Some(next) = &mut page.next {
                    *next = moved(next);
                }
            }
            Some(Defect::RepeatsBetweenPages) => {
                if let (Some(next), Some(item)) = (&mut page.next, page.items.last()) {
                    let (space, start, end) = next.clone().into_bounds();
                    let again = Bound::Included(item.key.clone());
                    *next = match options.direction {
                        Direction::Forward => KeyRange::from_bounds(space, again, end),
                        Direction::Reverse => KeyRange::from_bounds(space, start, again),
                    };
                }
            }
            Some(Defect::ReverseLosesOne)
                if options.direction == Direction::Reverse && page.next.is_none() =>
            {
                page.items.pop();
            }
            Some(Defect::EndsScansEarly) => {
                let before = self
                    .entries_scanned
                    .fetch_add(page.items.len(), Ordering::Relaxed);
                if before >= 10_000 {
                    page.next = None;
                }
            }
            _ => {}
        }
    }
}

/// Conflicts over the first guard that has a stamp.
fn refuse_stamp(batch: &WriteBatch) -> Result<()> {
    let mut guards = batch.guards().iter().enumerate();
    let stamped = guards.find(|(_, guard)| matches!(guard, Guard::Unchanged(..)));
    stamped.map_or(Ok(()), |(index, guard)| Err(Error::conflict(index, guard)))
}

/// A range that begins a little after where a forward page ended.
fn moved(range: &KeyRange) -> KeyRange {
    let (space, start, end) = range.clone().into_bounds();
    let start = match start {
        Bound::Excluded(key) => {
            let mut key = key.to_vec();
            if let Some(last) = key.last_mut() {
                *last = last.saturating_add(1);
            }
            Bound::Excluded(key.into())
        }
        other => other,
    };
    KeyRange::from_bounds(space, start, end)
}

fn delete_the_end(mutation: &mut Mutation) {
    if let Mutation::DeleteRange(range) = mutation {
        let (space, start, end) = range.clone().into_bounds();
        let end = match end {
            Bound::Excluded(key) => Bound::Included(key),
            other => other,
        };
        *range = KeyRange::from_bounds(space, start, end);
    }
}

fn drop_empty_value(mutation: &mut Mutation) {
    if let Mutation::Put(put) = mutation
        && put.value.is_empty()
    {
        *mutation = Mutation::Delete(put.key.clone());
    }
}

impl<S: Store> Read for Broken<S> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        let entry = self.inner.get_with(key, options).await?;
        if !self.has(Defect::ServesStaleReads) && !self.has(Defect::LagsAsItSays) {
            return Ok(entry);
        }
        let mut cache = self.cache.lock().unwrap();
        let found = cache.get(&key.to_owned()).cloned();
        if let Some(stale) = found.filter(|_| self.now_and_then(3)) {
            return Ok(stale);
        }
        cache.insert(key.to_owned(), entry.clone());
        Ok(entry)
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let mut keys = keys.to_vec();
        if self.has(Defect::SortsGetMany) {
            keys.sort();
        }
        self.inner.get_many_with(&keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let mut asked = options.clone();
        if self.has(Defect::ReturnsValuesWithKeys) {
            asked.projection = Projection::Entries;
        }
        let mut page = self.inner.scan_with(range, &asked).await?;
        if self.has(Defect::ShowsSystemKeys) && page.items.is_empty() {
            let system = range.clone().in_space(Space::System);
            page = self.inner.scan_with(&system, options).await?;
        }
        self.damage_page(&mut page, options);
        Ok(page)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

impl<S: Store> Store for Broken<S> {
    type Snapshot = BrokenSnapshot<S>;

    fn describe(&self) -> Description {
        self.inner.describe()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let options = match self.defect {
            Some(Defect::GrantsAnyDurability | Defect::PromisesToKeep) => WriteOptions::new(),
            _ => options.clone(),
        };
        if self.has(Defect::StartsLate) {
            tokio::task::yield_now().await;
        }
        self.commit_damaged(self.damaged(batch), &options)
            .await
            .map(|committed| match self.defect {
                Some(Defect::PromisesToKeep) => {
                    Committed::new(committed.sequence, Durability::Buffered)
                }
                _ => committed,
            })
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let snapshot = self.inner.snapshot_with(options).await?;
        Ok(match self.defect {
            Some(Defect::SnapshotsAreLive) => {
                BrokenSnapshot::Live(Arc::clone(&self.inner), snapshot.sequence())
            }
            Some(Defect::ServesOldSnapshots) => {
                let old = self.snapshot.lock().unwrap().take();
                let newer = self.inner.snapshot_with(options).await?;
                *self.snapshot.lock().unwrap() = Some(newer);
                BrokenSnapshot::Sound(old.unwrap_or(snapshot))
            }
            _ => BrokenSnapshot::Sound(snapshot),
        })
    }

    async fn stats(&self) -> Result<Stats> {
        self.inner.stats().await
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.inner.check().await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.inner.maintain(maintenance).await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.control(id)
    }

    async fn close(&self) -> Result<()> {
        match self.defect {
            Some(Defect::StaysOpen) => Ok(()),
            _ => self.inner.close().await,
        }
    }
}

impl<S: Store> Read for BrokenSnapshot<S> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        match self {
            Self::Sound(snapshot) => snapshot.get_with(key, options).await,
            Self::Live(store, _) => store.get_with(key, options).await,
        }
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        match self {
            Self::Sound(snapshot) => snapshot.get_many_with(keys, options).await,
            Self::Live(store, _) => store.get_many_with(keys, options).await,
        }
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        match self {
            Self::Sound(snapshot) => snapshot.scan_with(range, options).await,
            Self::Live(store, _) => store.scan_with(range, options).await,
        }
    }

    fn sequence(&self) -> Option<Sequence> {
        match self {
            Self::Sound(snapshot) => snapshot.sequence(),
            Self::Live(_, sequence) => *sequence,
        }
    }
}
