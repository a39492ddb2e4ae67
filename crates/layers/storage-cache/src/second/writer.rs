//! The one task that writes to the second level.

use std::{
    future::poll_fn,
    mem,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use storage_core::{
    BatchScope, KeyRange, Mutation, Outcome, Put, Read, Result, ScanOptions, Store, Support,
    WriteBatch, WriteOptions,
};

use super::{
    Core,
    place::{Epoch, Mark},
    queue::{Group, Step},
    witness::Witness,
};

/// How long to wait after a failure; twice as long after each that follows.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// How often a group is tried that was certainly not applied.
const TRIES_MAX: u32 = 4;

impl Core {
    /// Writes what is queued until the cache is closed.
    pub(super) async fn write(self: Arc<Self>) {
        let mut pause = PAUSE_MIN;
        self.remove_others().await;
        loop {
            let step = poll_fn(|context| {
                let step = self.lock().next(context.waker());
                step.map_or(Poll::Pending, Poll::Ready)
            });
            let is_done = match step.await {
                Step::End => return,
                Step::Begin => {
                    let has_begun = self.begin_anew().await.is_ok();
                    if has_begun {
                        self.remove_others().await;
                    }
                    has_begun
                }
                Step::Write(group) => {
                    let is_written = self.write_group(&group).await;
                    let bytes = is_written.then(|| bytes_of(&group));
                    self.lock().written(bytes, self.capacity_bytes);
                    is_written
                }
            };
            if is_done {
                pause = PAUSE_MIN;
                continue;
            }
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
            // Else a store that is slow would be given one epoch after the other.
            self.watch.pause(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    /// Goes on with the rows that the last cache of the store left, if they are what
    /// the store holds, else begins an epoch. Before anybody writes.
    ///
    /// # Errors
    /// As the second level's; nothing is read or kept then.
    pub(super) async fn begin_first(&self, witness: Option<Witness>) -> Result<()> {
        if let Some(now) = witness {
            let mark = self.place.mark();
            let reading = self.store.get_with(mark.as_key(), &self.fresh);
            if let Some(found) = self.within_write(reading).await?
                && let Some(Mark::Closed {
                    epoch,
                    witness,
                    bytes,
                }) = Mark::decode(found.value())
                && witness == now
            {
                let mut batch = WriteBatch::new();
                // A cache over a copy of the store would go on with the same rows.
                if self.store.capabilities().guards == Support::Supported {
                    batch = batch.unchanged(mark.clone(), found.stamp());
                }
                self.commit_mark(batch, Mark::InUse(epoch)).await?;
                self.change(|queue| queue.begin(epoch, bytes));
                return Ok(());
            }
        }
        self.begin_anew().await
    }

    async fn begin_anew(&self) -> Result<()> {
        let epoch = Epoch::generate(&*self.random)?;
        if self.may_outlive {
            self.put_mark(Mark::InUse(epoch)).await?;
        }
        self.counts.epochs.fetch_add(1, Ordering::Relaxed);
        self.change(|queue| queue.begin(epoch, 0));
        Ok(())
    }

    /// What it says must hold whatever becomes of this process and of the second level.
    pub(super) async fn put_mark(&self, mark: Mark) -> Result<()> {
        self.commit_mark(WriteBatch::new(), mark).await
    }

    async fn commit_mark(&self, batch: WriteBatch, mark: Mark) -> Result<()> {
        let batch = batch.put(self.place.mark(), mark.encode());
        self.commit(batch, true).await
    }

    async fn commit(&self, batch: WriteBatch, is_due: bool) -> Result<()> {
        let capabilities = self.store.capabilities();
        // A removal that the second level forgot would bring the old row back.
        let durability = if is_due {
            capabilities.durability_max
        } else {
            capabilities.durability_min
        };
        let options = WriteOptions::new().durability(durability);
        self.within_write(self.store.commit_with(batch, &options))
            .await
            .map(drop)
    }

    /// Whether a group is written. If not, nobody knows which part of it is, or will be.
    async fn write_group(&self, group: &Group) -> bool {
        let is_due = !group.ranges.is_empty() || group.changes.iter().any(|(_, it)| it.is_due);
        for batch in self.batches(group) {
            let mut tries = 0;
            loop {
                tries += 1;
                match self.commit(batch.clone(), is_due).await {
                    Ok(()) => break,
                    Err(error)
                        if error.outcome() == Some(Outcome::NotApplied) && tries < TRIES_MAX =>
                    {
                        self.watch.pause(PAUSE_MIN).await;
                    }
                    Err(_) => return false,
                }
            }
        }
        true
    }

    fn batches(&self, group: &Group) -> Vec<WriteBatch> {
        let ranges = group.ranges.iter();
        let ranges = ranges.map(|range| Mutation::DeleteRange(self.place.rows(group.epoch, range)));
        let changes = group.changes.iter().map(|(key, change)| {
            let row = self.place.row(group.epoch, key.as_key());
            let Some(value) = &change.row else {
                return Mutation::Delete(row);
            };
            let put = Put::new(row, value.clone());
            let is_kept_by_time = self.store.capabilities().expiry == Support::Supported;
            Mutation::Put(match change.expires {
                Some(expires) if is_kept_by_time => put.until(expires),
                _ => put,
            })
        });
        let capabilities = self.store.capabilities();
        let mut batches = Vec::new();
        let mut batch = WriteBatch::new();
        for mutation in ranges.chain(changes) {
            let bytes = batch.size_bytes().saturating_add(mutation.size_bytes());
            let is_full = capabilities.batch != BatchScope::Store
                || batch.mutations().len() >= capabilities.batch_operations_max
                || bytes > capabilities.batch_bytes_max;
            if is_full && !batch.is_empty() {
                batches.push(mem::take(&mut batch));
            }
            batch = batch.mutation(mutation);
        }
        batches.push(batch);
        batches
    }

    /// Removes rows that nobody will read again. What is left takes room and nothing else.
    async fn remove_others(&self) {
        let epoch = self.lock().epoch().filter(|_| self.is_exclusive);
        let Some(epoch) = epoch else { return };
        for range in self.place.others(epoch) {
            if self.remove(range).await.is_err() {
                self.counts.failures.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }

    async fn remove(&self, range: KeyRange) -> Result<()> {
        if self.store.capabilities().range_deletes == Support::Supported {
            return self
                .commit(WriteBatch::new().delete_range(range), false)
                .await;
        }
        let mut rest = Some(range);
        let options = ScanOptions::new().keys_only();
        while let Some(range) = rest {
            let page = self
                .within_write(self.store.scan_with(&range, &options))
                .await?;
            for item in &page.items {
                let batch = WriteBatch::new().delete(item.key.clone());
                self.commit(batch, false).await?;
            }
            rest = page.next;
        }
        Ok(())
    }
}

/// What the rows of a group take.
fn bytes_of(group: &Group) -> u64 {
    let rows = group.changes.iter().filter_map(|(key, change)| {
        let row = change.row.as_ref()?;
        Some(row.len().saturating_add(key.as_key().bytes().len()))
    });
    u64::try_from(rows.sum::<usize>()).unwrap_or(u64::MAX)
}
