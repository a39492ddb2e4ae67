//! The way back: the primary is looked for, and what was accepted is written to it.
//!
//! Each write-back is a compare-and-swap on a row of the primary that counts them,
//! so one whose answer is lost and that comes late does nothing: the row has moved
//! on. Without it, a late one could undo what was written since.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use storage_core::{
    Error, ErrorKind, OwnedKey, Put, Random, Result, Stamp, Store, SystemKeys, WriteBatch,
    WriteOptions,
};
use tokio::{task::AbortHandle, time::sleep};

use crate::{
    NAME,
    core::Core,
    gone::is_gone,
    journal::{Journal, fresh, marker_value, read_marker},
    status::{FallbackState, count},
};

/// How many puts and deletes are written back at once, and how many bytes.
const GROUP_OPERATIONS: usize = 4_096;
const GROUP_BYTES: usize = 4 << 20;

/// The task that looks for the primary; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Returning(AbortHandle);

impl Returning {
    /// Starts the task, for as long as there is a store over `inner`.
    pub(crate) fn start<S: Store>(inner: &Arc<S>, core: &Arc<Core>) -> Self {
        let (inner, runtime) = (Arc::downgrade(inner), core.runtime.clone());
        let core = Arc::clone(core);
        Self(runtime.spawn(look_out(inner, core)).abort_handle())
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn look_out<S: Store>(inner: Weak<S>, core: Arc<Core>) {
    loop {
        core.wake.notified().await;
        let mut wait = core.config.probe_first;
        while core.is_away() {
            tokio::select! {
                () = sleep(jittered(wait, &*core.random)) => {}
                () = core.hurry.notified() => {}
            }
            let Some(inner) = inner.upgrade() else {
                return;
            };
            match core.come_back(&*inner).await {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Closed => return,
                Err(error) => tracing::debug!(%error, "the primary is not back"),
            }
            wait = wait.saturating_mul(2).min(core.config.probe_max);
        }
    }
}

/// A random part of `time`, at least half: not all that wait for a primary ask it
/// at once.
fn jittered(time: Duration, random: &dyn Random) -> Duration {
    let mut bytes = [0; 4];
    // Without randomness it is the whole of it.
    let share = match random.fill(&mut bytes) {
        Ok(()) => u32::from_le_bytes(bytes),
        Err(_) => u32::MAX,
    };
    time.div_f64(2.0)
        .saturating_add(time.mul_f64(f64::from(share) / f64::from(u32::MAX) / 2.0))
}

impl Core {
    fn is_away(&self) -> bool {
        self.status.state() != FallbackState::Primary || self.holds_back()
    }

    /// Writes back all that is pending, if the primary answers.
    ///
    /// # Errors
    /// As for the primary. What it has by then is pending no more.
    pub(crate) async fn come_back<S: Store>(&self, inner: &S) -> Result<()> {
        let Some(journal) = &self.journal else {
            // Any answer will do, if no cache below gives it.
            let probe = SystemKeys::of(NAME).key("probe");
            inner
                .get_with(probe.as_key(), &fresh(inner.capabilities()))
                .await?;
            self.status.end_return();
            return Ok(());
        };
        loop {
            // Others accept between two groups, not within one.
            let mut journal = journal.lock().await;
            let answer = self.write_back(inner, &mut journal).await;
            match answer {
                Ok(true) => self.status.begin_return(),
                Ok(false) => {
                    // Nobody has accepted anything meanwhile, for want of the lock.
                    self.status.end_return();
                    return Ok(());
                }
                Err(error) => {
                    if !is_gone(&error) && error.kind() != ErrorKind::Closed {
                        tracing::error!(%error, "what was accepted cannot be written back");
                    }
                    self.status.degrade();
                    return Err(error);
                }
            }
        }
    }

    /// Writes the oldest pending commits back, and says whether there were any.
    async fn write_back<S: Store>(&self, inner: &S, journal: &mut Journal) -> Result<bool> {
        let key = journal.marker();
        let Some((stamp, number)) = read_marker(inner, &key).await? else {
            if !self.holds_back() {
                return Ok(false);
            }
            // From here on the row exists, so this cannot happen late.
            let batch = WriteBatch::new().absent(key.clone());
            commit(inner, batch.put(key, marker_value(0))).await?;
            return Ok(true);
        };
        journal.admit(number).await?;
        // A write-back whose answer was lost.
        self.settle(journal, number).await;
        let limits = inner.capabilities();
        let operations = GROUP_OPERATIONS.min(limits.batch_operations_max.saturating_sub(2));
        let bytes = GROUP_BYTES.min(limits.batch_bytes_max / 2);
        let Some(group) = self.pending.oldest(operations, bytes) else {
            return self.lift_fence(inner, journal, (key, stamp), number).await;
        };
        let mut mutations = group.mutations.clone();
        mutations.push(Put::new(key.clone(), marker_value(group.last)).into());
        let batch = WriteBatch::from_parts(Vec::new(), mutations).unchanged(key, stamp);
        let began = Instant::now();
        if !is_made(commit(inner, batch).await)? {
            return Ok(true);
        }
        if let Some(known) = &self.known {
            known.committed(&group.mutations, began);
        }
        self.settle(journal, group.last).await;
        Ok(true)
    }

    /// Moves the marker past what is fenced off, so that no write-back of it comes
    /// late, and says whether it has to be looked at again.
    async fn lift_fence<S: Store>(
        &self,
        inner: &S,
        journal: &Journal,
        (key, stamp): (OwnedKey, Stamp),
        number: u64,
    ) -> Result<bool> {
        if number >= journal.fence() {
            self.is_fenced.store(false, Ordering::Release);
            return Ok(false);
        }
        let batch = WriteBatch::new()
            .unchanged(key.clone(), stamp)
            .put(key, marker_value(journal.fence()));
        is_made(commit(inner, batch).await)?;
        Ok(true)
    }

    /// The primary has all up to this number.
    async fn settle(&self, journal: &Journal, number: u64) {
        let settled = self.pending.remove_through(number);
        if settled == 0 {
            return;
        }
        count(&self.status.tally.written_back, settled);
        if let Err(error) = journal.remove_through(number).await {
            tracing::warn!(%error, "the standby keeps rows that were written back");
        }
    }
}

/// Whether a compare-and-swap of the marker was made; else it has moved on, and the
/// next look at it tells what came of that.
fn is_made(answer: Result<()>) -> Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

/// As durable as the primary can: whoever accepted it has asked for less.
async fn commit<S: Store>(inner: &S, batch: WriteBatch) -> Result<(), Error> {
    inner.commit_with(batch, &WriteOptions::new()).await?;
    Ok(())
}
