//! Reads: what is pending, else what the primary says, else what was last known.

use std::time::{Duration, Instant};

use storage_core::{
    Consistency, Entry, Error, ErrorKind, Key, KeyRange, Operation, OwnedKey, Page, Projection,
    ReadOptions, ReadSupport, Result, ScanOptions, Store,
};

use crate::{NAME, core::Core, gone::is_gone, status::count, store::Fallback};

impl<S: Store> Fallback<S> {
    pub(crate) async fn get(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        let core = self.core();
        if let Some(entry) = core.pending.find(key, self.inner().clock().now()) {
            core.may_be_pending(options.consistency, Operation::Get)
                .map_err(|error| error.with_key(key))?;
            count(&core.status.tally.served, 1);
            return Ok(entry);
        }
        let began = core.begin();
        match self.inner().get_with(key, options).await {
            Ok(entry) => {
                core.learn(key, entry.as_ref(), began, options.consistency);
                Ok(entry)
            }
            Err(error) if is_gone(&error) => {
                let mut entries = self.recall(&[key.to_owned()], options, error)?;
                Ok(entries.pop().flatten())
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn get_many(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let core = self.core();
        if core.pending.is_empty() {
            return self.get_rest(keys, options).await;
        }
        let now = self.inner().clock().now();
        let pending: Vec<_> = keys
            .iter()
            .map(|key| core.pending.find(key.as_key(), now))
            .collect();
        let found = pending.iter().flatten().count();
        if found == 0 {
            return self.get_rest(keys, options).await;
        }
        core.may_be_pending(options.consistency, Operation::Get)?;
        let is_missing =
            |(key, pending): (&OwnedKey, &Option<_>)| pending.is_none().then(|| key.clone());
        let rest: Vec<_> = keys.iter().zip(&pending).filter_map(is_missing).collect();
        let mut rest = self.get_rest(&rest, options).await?.into_iter();
        count(&core.status.tally.served, 1);
        let merged = pending
            .into_iter()
            .map(|pending| pending.or_else(|| rest.next()).flatten());
        Ok(merged.collect())
    }

    pub(crate) async fn scan(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let core = self.core();
        if core.pending.changes(range) {
            count(&core.status.tally.refused, 1);
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the range holds keys whose changes are not written back yet; \
                 read single keys, or scan when they are",
            )
            .with_retry_after(core.config.probe_first)
            .with_operation(Operation::Scan)
            .with_layer(NAME));
        }
        let began = core.begin();
        let page = self.inner().scan_with(range, options).await;
        match page {
            Ok(page) => {
                if began.is_some() && options.projection == Projection::Entries {
                    for item in &page.items {
                        let key = Key::in_space(range.space(), &item.key);
                        core.learn(key, Some(&item.entry), began, options.consistency);
                    }
                }
                Ok(page)
            }
            Err(error) if is_gone(&error) => Err(core.gone(
                error,
                "the store is gone, and the standby does not know what a range holds",
            )),
            Err(error) => Err(error),
        }
    }

    /// Reads keys of which none is pending.
    async fn get_rest(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let core = self.core();
        let began = core.begin();
        match self.inner().get_many_with(keys, options).await {
            Ok(entries) => {
                for (key, entry) in keys.iter().zip(&entries) {
                    core.learn(key.as_key(), entry.as_ref(), began, options.consistency);
                }
                Ok(entries)
            }
            Err(error) if is_gone(&error) => self.recall(keys, options, error),
            Err(error) => Err(error),
        }
    }

    /// What was last known of all these keys, where that will do.
    ///
    /// # Errors
    /// The primary's, which says besides why nothing else will do.
    fn recall(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
        error: Error,
    ) -> Result<Vec<Option<Entry>>> {
        let core = self.core();
        let (Some(known), Some(staleness)) =
            (&core.known, core.config.staleness(options.consistency))
        else {
            return Err(core.failed(error));
        };
        let now = self.inner().clock().now();
        let recall = |key| known.recall(key, staleness, now);
        match keys.iter().map(recall).collect() {
            Some(entries) => {
                core.degrade();
                count(&core.status.tally.served, 1);
                Ok(entries)
            }
            None => Err(core.gone(
                error,
                "the store is gone, and the standby knows no answer that is young enough",
            )),
        }
    }
}

impl Core {
    /// When a call begins whose answer is remembered, if it is.
    fn begin(&self) -> Option<Instant> {
        self.known.as_ref().map(|_| Instant::now())
    }

    fn learn(
        &self,
        key: Key<'_>,
        entry: Option<&Entry>,
        began: Option<Instant>,
        asked: Option<Consistency>,
    ) {
        let (Some(known), Some(began)) = (&self.known, began) else {
            return;
        };
        let lag = match (asked, self.primary_reads) {
            (Some(Consistency::Stale { at_most }), _) => Some(at_most),
            (Some(Consistency::Linearizable), _) | (None, ReadSupport::Linearizable) => {
                Some(Duration::ZERO)
            }
            (None, ReadSupport::OnDemand | ReadSupport::Eventual) => None,
        };
        known.read(key, entry, began, lag);
    }

    /// Whether a read may be answered with what is pending.
    ///
    /// # Errors
    /// `Unavailable` if it demands what all others see, too.
    fn may_be_pending(&self, asked: Option<Consistency>, operation: Operation) -> Result<()> {
        if asked != Some(Consistency::Linearizable) {
            return Ok(());
        }
        count(&self.status.tally.refused, 1);
        Err(Error::new(
            ErrorKind::Unavailable,
            "a change of the key is not written back yet, and others do not see it; \
             ask without demanding linearizability, or later",
        )
        .with_retry_after(self.config.probe_first)
        .with_operation(operation)
        .with_layer(NAME))
    }

    /// The primary's error, where the standby cannot help, and why.
    pub(crate) fn gone(&self, error: Error, why: &str) -> Error {
        self.failed(error).with_place(why)
    }

    /// The primary's error, where the standby is not asked.
    pub(crate) fn failed(&self, error: Error) -> Error {
        self.degrade();
        count(&self.status.tally.refused, 1);
        error
    }
}
