//! Reads that fail: the same for stores and snapshots.

use std::future::Future;

use storage_core::{
    Entry, ErrorKind, Key, KeyRange, Outcome, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence,
};

use super::{
    Faults,
    call::{Call, Touched},
    fault::Effect,
};

/// A store or a snapshot whose reads fail: the snapshot of a
/// [`FaultyStore`](super::FaultyStore).
#[derive(Debug)]
pub struct FaultyReader<R> {
    inner: R,
    faults: Faults,
    calls: ReadCalls,
}

/// What the reads of a store, or of a snapshot, are called.
#[derive(Clone, Copy, Debug)]
struct ReadCalls {
    get: Call,
    get_many: Call,
    scan: Call,
}

impl<R> FaultyReader<R> {
    pub(super) const fn of_store(inner: R, faults: Faults) -> Self {
        let calls = ReadCalls {
            get: Call::Get,
            get_many: Call::GetMany,
            scan: Call::Scan,
        };
        Self {
            inner,
            faults,
            calls,
        }
    }

    pub(super) const fn of_snapshot(inner: R, faults: Faults) -> Self {
        let calls = ReadCalls {
            get: Call::SnapshotGet,
            get_many: Call::SnapshotGetMany,
            scan: Call::SnapshotScan,
        };
        Self {
            inner,
            faults,
            calls,
        }
    }

    pub(super) const fn inner(&self) -> &R {
        &self.inner
    }

    pub(super) const fn faults(&self) -> &Faults {
        &self.faults
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for FaultyReader<R> {
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        let work = self.inner.get_with(key, options);
        let found = move |entry: &Option<Entry>| entry.as_ref().map(|_| key.to_owned());
        meddle(&self.faults, self.calls.get, Touched::Key(key), work, found)
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        let work = self.inner.get_many_with(keys, options);
        let found = |entries: &Vec<Option<Entry>>| {
            let first = entries.iter().position(Option::is_some)?;
            keys.get(first).cloned()
        };
        let touched = Touched::Keys(keys);
        meddle(&self.faults, self.calls.get_many, touched, work, found)
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        let work = self.inner.scan_with(range, options);
        let found = |page: &Page| {
            let first = page.items.first()?;
            Some(OwnedKey::in_space(range.space(), first.key.clone()))
        };
        let touched = Touched::Range(range);
        meddle(&self.faults, self.calls.scan, touched, work, found)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

/// Carries out `work`, or what a fault makes of it. `found` is the first key
/// whose value the answer holds.
pub(super) async fn meddle<T>(
    faults: &Faults,
    call: Call,
    touched: Touched<'_>,
    work: impl Future<Output = Result<T>>,
    found: impl FnOnce(&T) -> Option<OwnedKey>,
) -> Result<T> {
    let Some(injection) = faults.strike(call, touched) else {
        return work.await;
    };
    let fault = injection.fault();
    let error = |kind| Err(fault.error(kind, Outcome::NotApplied, call, touched));
    match fault.effect() {
        Effect::Refuse(kind) => {
            faults.happened(&injection);
            error(*kind)
        }
        Effect::Hold(until) => {
            until.check()?;
            faults.happened(&injection);
            until.wait().await;
            work.await
        }
        Effect::HoldAnswer(until) => {
            until.check()?;
            faults.happened(&injection);
            let answer = work.await;
            until.wait().await;
            answer
        }
        Effect::Corrupt => {
            let answer = work.await?;
            match found(&answer) {
                None => Ok(answer),
                Some(key) => {
                    faults.happened(&injection);
                    let touched = Touched::Key(key.as_key());
                    Err(fault.error(ErrorKind::Corrupt, Outcome::NotApplied, call, touched))
                }
            }
        }
        // Only commits have these.
        Effect::LoseAnswer(_) | Effect::LoseRequest(_) | Effect::ApplyLate(..) => work.await,
    }
}
