//! A layer that does one thing wrong when the store below it fails.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Error, ErrorKind, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, Outcome, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

/// What a layer does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Commits again what may have been applied.
    RepeatsUnknown,
    /// Says that what may have been applied was not.
    DeniesUnknown,
    /// Takes a failed page for the end of the range.
    SwallowsScanErrors,
    /// Forgets what it read only when a commit is answered.
    KeepsWhatItRead,
    /// Ends the page after a failed one early, and the scan with it.
    DropsTheRest,
    /// Takes a failed read for absence.
    ReadsNothing,
    /// Makes errors of its own.
    RewritesErrors,
    /// Takes damage for a store that is away.
    HidesDamage,
    /// Commits one after the other.
    WaitsInLine,
    /// Takes a failed close for a close.
    ClosesOnce,
}

/// A layer with a defect, or without.
#[derive(Debug)]
pub(crate) struct Broken<S> {
    inner: S,
    defect: Option<Defect>,
    read: Mutex<BTreeMap<OwnedKey, Option<Entry>>>,
    page_failed: AtomicBool,
    is_closed: AtomicBool,
    line: tokio::sync::Mutex<()>,
}

impl<S: Store> Broken<S> {
    pub(crate) fn new(inner: S, defect: Option<Defect>) -> Self {
        Self {
            inner,
            defect,
            read: Mutex::default(),
            page_failed: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            line: tokio::sync::Mutex::default(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }
}

fn is_unknown<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(error) if error.outcome() == Some(Outcome::Unknown))
}

impl<S: Store> Read for Broken<S> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        if self.has(Defect::KeepsWhatItRead) {
            if let Some(entry) = self.read.lock().unwrap().get(&key.to_owned()) {
                return Ok(entry.clone());
            }
            let entry = self.inner.get_with(key, options).await?;
            let mut read = self.read.lock().unwrap();
            read.insert(key.to_owned(), entry.clone());
            return Ok(entry);
        }
        let answer = self.inner.get_with(key, options).await;
        match (self.defect, answer) {
            (Some(Defect::ReadsNothing), answer) => Ok(answer.unwrap_or(None)),
            (Some(Defect::HidesDamage), Err(error)) if error.kind() == ErrorKind::Corrupt => {
                Err(Error::new(ErrorKind::Unavailable, "it cannot be read now"))
            }
            (_, answer) => answer,
        }
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.inner.get_many_with(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let answer = self.inner.scan_with(range, options).await;
        match (self.defect, answer) {
            (Some(Defect::SwallowsScanErrors), Err(_)) => Ok(Page::default()),
            (Some(Defect::DropsTheRest), answer) => {
                let failed_before = self.page_failed.swap(answer.is_err(), Ordering::Relaxed);
                let mut page = answer?;
                if failed_before {
                    page.items.truncate(1);
                }
                Ok(page)
            }
            (_, answer) => answer,
        }
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

impl<S: Store> Store for Broken<S> {
    type Snapshot = S::Snapshot;

    fn describe(&self) -> Description {
        self.inner.describe().under("broken")
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let _turn = match self.defect {
            Some(Defect::WaitsInLine) => Some(self.line.lock().await),
            _ => None,
        };
        let mut answer = self.inner.commit_with(batch.clone(), options).await;
        if self.has(Defect::RepeatsUnknown) && is_unknown(&answer) {
            answer = self.inner.commit_with(batch, options).await;
        }
        if answer.is_ok() {
            self.read.lock().unwrap().clear();
        }
        match (self.defect, answer) {
            (Some(Defect::DeniesUnknown), Err(error)) => {
                Err(error.with_outcome(Outcome::NotApplied))
            }
            (Some(Defect::RewritesErrors), Err(error)) => {
                Err(Error::new(ErrorKind::Internal, "it did not work")
                    .with_outcome(error.outcome().unwrap_or(Outcome::Unknown)))
            }
            (_, answer) => answer,
        }
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        self.inner.snapshot_with(options).await
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
        if self.has(Defect::ClosesOnce) && self.is_closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.close().await
    }
}
