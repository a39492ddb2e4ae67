//! Removing what has expired.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use storage_core::{
    Entry, Error, ErrorKind, KeyRange, OwnedKey, ReadExt, Result, ScanOptions, Space, Stamp, Store,
    Timestamp, WriteBatch, WriteOptions, layer::Attendance,
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
    expires: Timestamp,
}

impl<S: Store> Sweeper<S> {
    /// How many operations one removal takes: a guard and two deletes.
    const OPERATIONS: usize = 3;

    /// How many entries are read at once: live ones come with their values.
    const LOOKED_AT_ONCE: usize = 16;

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
        while !attendance.is_over() {
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
            let _ = attendance.pause(every);
        }
    }

    /// Removes all that has expired by now; says how many rows of expired
    /// entries that were.
    pub(crate) async fn sweep(&self) -> Result<u64> {
        let mut round = Round::default();
        while let Some(inner) = self.inner.upgrade() {
            if !self.step(&*inner, &mut round).await? {
                return Ok(round.swept);
            }
        }
        Err(Error::closed())
    }

    /// Takes the next step of a round; says whether there is another.
    async fn step(&self, inner: &S, round: &mut Round) -> Result<bool> {
        let answer = self.sweep_page(inner, round).await;
        match &answer {
            Ok(true) => {}
            Ok(false) => {
                Counters::add(&self.counters.rounds, 1);
                let damage = round.damage.take();
                let told = |damage| format!("what is damaged was not swept: {damage}");
                self.counters.set_failure(damage.map(told));
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
        let due = self.due(rows, round);
        let removals = self.look(inner, due, round).await?;
        round.swept += self.remove(inner, removals).await?;
        round.rest = page.next;
        Ok(round.rest.is_some())
    }

    fn due(&self, rows: impl Iterator<Item = Bytes>, round: &mut Round) -> Vec<Due> {
        let mut due = Vec::new();
        for row in rows {
            let (expires, key) = match index::parse(&row) {
                Ok(parsed) => parsed,
                Err(error) => {
                    self.skip(round, &error);
                    continue;
                }
            };
            round.see(expires);
            due.push(Due {
                row: OwnedKey::in_space(Space::System, row),
                key: key.into(),
                expires,
            });
        }
        self.counters.set_lag(round.lag_milliseconds);
        due
    }

    /// Leaves out what is damaged: all else is still swept.
    fn skip(&self, round: &mut Round, error: &Error) {
        Counters::add(&self.counters.skipped, 1);
        round.damage.get_or_insert_with(|| error.to_string());
    }

    /// Says which rows are to go, and why. A row stays whose entry is live and expires at
    /// the row's time: the clock has been set back, and the entry has no other row.
    async fn look(&self, inner: &S, due: Vec<Due>, round: &mut Round) -> Result<Vec<Removal>> {
        let mut removals = Vec::with_capacity(due.len());
        let mut due = due.into_iter();
        loop {
            let some: Vec<_> = due.by_ref().take(Self::LOOKED_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(removals);
            }
            let keys: Vec<_> = some.iter().map(|due| due.key.clone()).collect();
            match inner.get_many(&keys).await {
                Ok(entries) => {
                    let some = some.into_iter().zip(entries);
                    removals.extend(some.filter_map(|(due, entry)| Removal::of(due, entry)));
                }
                Err(error) if is_damage(&error) => {
                    for due in some {
                        match inner.get(&due.key).await {
                            Ok(entry) => removals.extend(Removal::of(due, entry)),
                            Err(error) if is_damage(&error) => self.skip(round, &error),
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes rows, and the entries that have expired; says how many rows of those there
    /// were. A key that is written meanwhile is left for the next round.
    async fn remove(&self, inner: &S, mut removals: Vec<Removal>) -> Result<u64> {
        let durability = inner.capabilities().durability_min;
        let options = WriteOptions::new().durability(durability);
        while !removals.is_empty() {
            let batch = removals.iter().fold(WriteBatch::new(), Removal::add_to);
            match inner.commit_with(batch, &options).await {
                Ok(_) => {
                    let is_stale = |removal: &&Removal| removal.live.is_some();
                    let stale = removals.iter().filter(is_stale).count();
                    let swept = removals.len() - stale;
                    Counters::add(&self.counters.stale, stale);
                    Counters::add(&self.counters.swept, swept);
                    return Ok(u64::try_from(swept).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    let is_ours = |guard: &usize| *guard < removals.len();
                    let Some(overtaken) = error.guard().filter(is_ours) else {
                        return Err(error);
                    };
                    removals.remove(overtaken);
                    Counters::add(&self.counters.overtaken, 1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(0)
    }
}

/// A row that goes, with its entry if that has expired.
#[derive(Debug)]
struct Removal {
    due: Due,
    /// The entry that was put anew since, if there is one: it has another row.
    live: Option<Stamp>,
}

impl Removal {
    fn of(due: Due, entry: Option<Entry>) -> Option<Self> {
        let live = match entry {
            Some(entry) if entry.expires() == Some(due.expires) => return None,
            Some(entry) => Some(entry.stamp()),
            None => None,
        };
        Some(Self { due, live })
    }

    fn add_to(batch: WriteBatch, removal: &Self) -> WriteBatch {
        let Due { row, key, .. } = &removal.due;
        let batch = match &removal.live {
            // Of another that was put meanwhile, this may be the row.
            Some(stamp) => batch.unchanged(key, stamp.clone()),
            None => batch.absent(key).delete(key),
        };
        batch.delete(row)
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
    /// What was wrong with the first row or entry that was skipped.
    damage: Option<String>,
}

/// Whether it is about what was read, and not about the store: the rest may be well.
fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid)
}

impl Round {
    fn see(&mut self, expires: Timestamp) {
        let now = self.now.map_or(0, Timestamp::as_unix_milliseconds);
        let lag = now.saturating_sub(expires.as_unix_milliseconds());
        self.lag_milliseconds = self.lag_milliseconds.max(lag);
    }
}
