//! Removing what has expired.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use storage_core::{
    ErrorKind, KeyRange, OwnedKey, ReadExt, Result, ScanOptions, Space, Store, Timestamp,
    WriteBatch, WriteOptions, layer::Attendance,
};

use crate::{ExpiryConfig, index, stats::Counters};

/// Removes what has expired from a store, batch by batch.
#[derive(Debug)]
pub(crate) struct Sweeper<S> {
    inner: Weak<S>,
    counters: Arc<Counters>,
    entries_max: usize,
}

/// A row whose time has come.
#[derive(Debug)]
struct Due {
    row: OwnedKey,
    key: OwnedKey,
}

impl<S: Store> Sweeper<S> {
    /// How many operations one removal takes: a guard and two deletes.
    const OPERATIONS: usize = 3;

    pub(crate) fn new(inner: &Arc<S>, counters: Arc<Counters>, config: &ExpiryConfig) -> Self {
        let fitting = inner.capabilities().batch_operations_max / Self::OPERATIONS;
        Self {
            inner: Arc::downgrade(inner),
            counters,
            entries_max: config.sweep_entries_max.min(fitting).max(1),
        }
    }

    /// Sweeps again and again, until the store is closed or gone.
    pub(crate) fn attend(&self, attendance: &Attendance, every: Duration, pause: Duration) {
        while !attendance.pause(every) {
            let mut round = Round::default();
            loop {
                // Not kept beyond a batch: whoever drops the last handle closes the store.
                let Some(inner) = self.inner.upgrade() else {
                    return;
                };
                if !attendance
                    .wait(self.step(&*inner, &mut round))
                    .unwrap_or(false)
                {
                    break;
                }
                drop(inner);
                if attendance.pause(pause) {
                    return;
                }
            }
        }
    }

    /// Removes all that has expired by now; says how many entries that were.
    pub(crate) async fn sweep(&self) -> Result<u64> {
        let mut round = Round::default();
        while let Some(inner) = self.inner.upgrade() {
            if !self.step(&*inner, &mut round).await? {
                return Ok(round.swept);
            }
        }
        Err(storage_core::Error::closed())
    }

    /// Takes the next step of a round; says whether there is another.
    async fn step(&self, inner: &S, round: &mut Round) -> Result<bool> {
        let answer = self.sweep_page(inner, round).await;
        match &answer {
            Ok(true) => {}
            Ok(false) => {
                Counters::add(&self.counters.rounds, 1);
                self.counters.set_failure(None);
            }
            Err(error) => self.counters.set_failure(Some(error.to_string())),
        }
        answer
    }

    async fn sweep_page(&self, inner: &S, round: &mut Round) -> Result<bool> {
        let rest = if let Some(rest) = round.rest.take() {
            rest
        } else {
            let now = inner.clock().now();
            round.now = Some(now);
            index::due(now)
        };
        let options = ScanOptions::new().keys_only().entries_max(self.entries_max);
        let page = inner.scan_with(&rest, &options).await?;
        let rows = page.items.into_iter().map(|item| item.key);
        let due = self.due(rows, round)?;
        if !due.is_empty() {
            round.swept += self.remove(inner, due).await?;
        }
        round.rest = page.next;
        Ok(round.rest.is_some())
    }

    fn due(&self, rows: impl Iterator<Item = Bytes>, round: &mut Round) -> Result<Vec<Due>> {
        let mut due = Vec::new();
        for row in rows {
            let (expires, key) = index::parse(&row)?;
            round.see(expires);
            due.push(Due {
                row: OwnedKey::in_space(Space::System, row),
                key: key.into(),
            });
        }
        self.counters.set_lag(round.lag_milliseconds);
        Ok(due)
    }

    /// Removes rows, and the entries that have expired; says how many those were. A key
    /// that is written meanwhile is left for the next round.
    async fn remove(&self, inner: &S, mut due: Vec<Due>) -> Result<u64> {
        let durability = inner.capabilities().durability_min;
        let options = WriteOptions::new().durability(durability);
        let keys: Vec<_> = due.iter().map(|due| due.key.clone()).collect();
        let live = inner.get_many(&keys).await?;
        let mut is_live: Vec<_> = live.iter().map(Option::is_some).collect();
        while !due.is_empty() {
            let mut batch = WriteBatch::new();
            for (Due { row, key }, is_live) in due.iter().zip(&is_live) {
                batch = if *is_live {
                    // Put anew: then it has another row.
                    batch.present(key)
                } else {
                    batch.absent(key).delete(key)
                };
                batch = batch.delete(row);
            }
            match inner.commit_with(batch, &options).await {
                Ok(_) => {
                    let stale = is_live.iter().filter(|is_live| **is_live).count();
                    let swept = due.len() - stale;
                    Counters::add(&self.counters.stale, stale);
                    Counters::add(&self.counters.swept, swept);
                    return Ok(u64::try_from(swept).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    let Some(overtaken) = error.guard().filter(|guard| *guard < due.len()) else {
                        return Err(error);
                    };
                    due.remove(overtaken);
                    is_live.remove(overtaken);
                    Counters::add(&self.counters.overtaken, 1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(0)
    }
}

/// A walk through all rows whose time has come.
#[derive(Debug, Default)]
struct Round {
    /// When it began.
    now: Option<Timestamp>,
    /// What is left of it; `None` before its first step and after its last.
    rest: Option<KeyRange>,
    lag_milliseconds: u64,
    swept: u64,
}

impl Round {
    fn see(&mut self, expires: Timestamp) {
        let now = self.now.map_or(0, Timestamp::as_unix_milliseconds);
        let lag = now.saturating_sub(expires.as_unix_milliseconds());
        self.lag_milliseconds = self.lag_milliseconds.max(lag);
    }
}
