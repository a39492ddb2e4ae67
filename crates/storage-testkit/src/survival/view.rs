//! Reading under faults: what was seen, against what may be.

use std::cell::Cell;

use storage_core::{
    Capabilities, Entry, Error, KeyRange, OwnedKey, Page, Read, ReadExt, Result, ScanOptions,
    Timestamp,
};

use super::belief::Belief;
use crate::{
    CaseResult, Failure,
    failure::ensure_eq,
    faulty::Faults,
    fixture::system_keys,
    model::{answer::Truth, oracle::Oracle},
};

/// Which errors may occur: one for each fault that happened, and of its kind.
///
/// A layer adds no kinds of its own: callers act on the kind, so one who is told
/// that a damaged value is away for a while asks for it for ever.
#[derive(Debug)]
pub(super) struct Excuses<'a> {
    faults: &'a Faults,
    used: Cell<u64>,
}

/// A reader, and what it may show.
#[derive(Debug)]
pub(super) struct View<'a, R> {
    pub(super) reader: &'a R,
    pub(super) belief: &'a mut Belief,
    pub(super) now: Timestamp,
    pub(super) capabilities: &'a Capabilities,
    pub(super) excuses: &'a Excuses<'a>,
}

impl<'a> Excuses<'a> {
    pub(super) fn new(faults: &'a Faults) -> Self {
        Self {
            faults,
            used: Cell::new(faults.injected()),
        }
    }

    /// Checks that a fault of the error's kind has happened since the last error.
    #[track_caller]
    pub(super) fn excuse(&self, error: Error) -> CaseResult {
        let kinds = self.faults.kinds_after(self.used.get());
        self.forget();
        if kinds.contains(&error.kind()) {
            return Ok(());
        }
        let reason = if kinds.is_empty() {
            "no fault has happened since the last error".to_owned()
        } else {
            let kind = error.kind();
            format!("the faults since the last error were {kinds:?}, and none was {kind:?}")
        };
        Err(Failure::from(error).within(reason))
    }

    /// The answer, unless it is an error that a fault explains.
    #[track_caller]
    pub(super) fn accept<T>(&self, answer: Result<T>) -> CaseResult<Option<T>> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => self.excuse(error).map(|()| None),
        }
    }

    /// Errors from now on need a fault from now on.
    pub(super) fn forget(&self) {
        self.used.set(self.faults.injected());
    }
}

impl<'a, R: Read> View<'a, R> {
    /// Reads everything.
    pub(super) async fn check_all(&mut self) -> CaseResult {
        for range in [KeyRange::all(), system_keys().range()] {
            self.walk(&range, &ScanOptions::new()).await?;
        }
        Ok(())
    }

    /// Walks through `range`. After an error it asks for the same page again.
    pub(super) async fn walk(&mut self, range: &KeyRange, options: &ScanOptions) -> CaseResult {
        let mut rest = Some(range.clone());
        while let Some(range) = rest.take() {
            rest = match self.page(&range, options).await? {
                Some(page) => page.next,
                None => Some(range),
            };
        }
        Ok(())
    }

    /// One page; `None` if a fault kept it back.
    pub(super) async fn page(
        &mut self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> CaseResult<Option<Page>> {
        let answer = self.reader.scan_with(range, options).await;
        let Some(page) = self.excuses.accept(answer)? else {
            return Ok(None);
        };
        let truths = self.truths();
        self.belief.see(self.now, |oracle| {
            truths.of(oracle).judge_page(&page, range, options)
        })?;
        Ok(Some(page))
    }

    /// Reads keys at once. Each may be read at an instant of its own.
    pub(super) async fn get_many(&mut self, keys: &[OwnedKey]) -> CaseResult {
        let answer = self.reader.get_many(keys).await;
        let Some(entries) = self.excuses.accept(answer)? else {
            return Ok(());
        };
        ensure_eq!(entries.len(), keys.len(), "answers of get_many");
        let truths = self.truths();
        for (key, entry) in keys.iter().zip(&entries) {
            self.belief.allows(self.now, |oracle| {
                truths.of(oracle).check_entry(key, entry.as_ref())
            })?;
        }
        if self.belief.has_pending() {
            return Ok(());
        }
        self.belief.see(self.now, |oracle| {
            let mut read = keys.iter().zip(&entries);
            read.try_for_each(|(key, entry)| truths.of(oracle).check_entry(key, entry.as_ref()))
        })
    }

    /// Reads one key; the outer `None` if a fault kept it back.
    pub(super) async fn get(&mut self, key: &OwnedKey) -> CaseResult<Option<Option<Entry>>> {
        let answer = self.reader.get(key).await;
        let Some(entry) = self.excuses.accept(answer)? else {
            return Ok(None);
        };
        let truths = self.truths();
        self.belief.see(self.now, |oracle| {
            truths.of(oracle).check_entry(key, entry.as_ref())
        })?;
        Ok(Some(entry))
    }

    const fn truths(&self) -> Truths<'a> {
        Truths {
            now: self.now,
            capabilities: self.capabilities,
        }
    }

    /// Counts the entries of `range`.
    pub(super) async fn count(&mut self, range: &KeyRange) -> CaseResult {
        let answer = self.reader.count(range.clone()).await;
        let Some(count) = self.excuses.accept(answer)? else {
            return Ok(());
        };
        // A count may take several pages, and a late commit come between them.
        if self.belief.has_pending() {
            return Ok(());
        }
        let now = self.now;
        self.belief.see(now, |oracle| {
            let live = oracle.live_in(range, now).len();
            ensure_eq!(usize::try_from(count), Ok(live), "the count of {range:?}");
            Ok(())
        })
    }
}

/// What makes a state comparable with a read.
#[derive(Clone, Copy, Debug)]
struct Truths<'a> {
    now: Timestamp,
    capabilities: &'a Capabilities,
}

impl Truths<'_> {
    const fn of<'o>(&'o self, oracle: &'o Oracle) -> Truth<'o> {
        Truth {
            oracle,
            now: self.now,
            capabilities: self.capabilities,
        }
    }
}
