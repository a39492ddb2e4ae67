//! What a store, its controls and the task that looks for the primary share,
//! whatever the primary is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use storage_core::{
    Capabilities, Committed, Durability, Error, ErrorKind, Mutation, Operation, Outcome, Random,
    ReadSupport, Result, SharedStore, Space, Store, WriteBatch, WriteOptions,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, Notify},
};

use crate::{
    FallbackConfig, NAME,
    journal::Journal,
    known::Known,
    limits::why_too_large,
    pending::{Accepted, Pending},
    status::{Status, count},
};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: FallbackConfig,
    /// What the layer offers.
    pub(crate) capabilities: Capabilities,
    /// What the primary promises of its reads.
    pub(crate) primary_reads: ReadSupport,
    /// Whether a layer below gives expiries to puts that have none.
    pub(crate) fills_expiries: bool,
    pub(crate) standby: SharedStore,
    pub(crate) status: Status,
    pub(crate) known: Option<Known>,
    pub(crate) pending: Pending,
    /// INVARIANT: `pending` changes only under this lock, so the order of its rows
    /// is that in which they are written back; `None` where nothing is accepted.
    pub(crate) journal: Option<Mutex<Journal>>,
    /// Whether the marker is to be moved before anything else is committed to the
    /// primary. INVARIANT: changes only under the lock of `journal`.
    pub(crate) is_fenced: AtomicBool,
    /// Wakes who looks for the primary.
    pub(crate) wake: Notify,
    /// Ends a wait for the next probe.
    pub(crate) hurry: Notify,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) runtime: Handle,
}

impl Core {
    /// The primary has not answered.
    pub(crate) fn degrade(&self) {
        self.status.degrade();
        self.wake.notify_one();
    }

    /// Whether a commit may not go to the primary yet.
    pub(crate) fn holds_back(&self) -> bool {
        !self.pending.is_empty() || self.is_fenced.load(Ordering::Acquire)
    }

    /// Why the standby cannot accept a commit, if it cannot.
    pub(crate) fn why_not(&self, batch: &WriteBatch, durability: Durability) -> Result<(), String> {
        if !batch.guards().is_empty() {
            return Err("the standby cannot judge guards".into());
        }
        if batch.mutations().is_empty() {
            return Err("there is nothing in it to accept".into());
        }
        for mutation in batch.mutations() {
            let key = match mutation {
                Mutation::Put(put) if put.expires.is_none() && self.fills_expiries => {
                    return Err(
                        "the standby does not know when the store below lets a put expire \
                         that does not say so"
                            .into(),
                    );
                }
                Mutation::Put(put) => &put.key,
                Mutation::Delete(key) => key,
                Mutation::PutSequenced(_) => {
                    return Err("the standby does not number commits".into());
                }
                Mutation::DeleteRange(_) => {
                    return Err("the standby does not know what a range holds".into());
                }
            };
            if key.space() != Space::User {
                return Err("the standby keeps no keys of layers".into());
            }
        }
        // What the layer offers has the limits of the primary.
        why_too_large(batch, &self.capabilities, self.standby.capabilities())?;
        let strongest = self.standby.capabilities().durability_max;
        if durability > strongest {
            return Err(format!(
                "the standby keeps what it accepts {strongest:?}, and this asks for {durability:?}"
            ));
        }
        self.why_full(batch)
    }

    /// Why no more is accepted, if that is so. Under the lock of the journal it
    /// stays so.
    fn why_full(&self, batch: &WriteBatch) -> Result<(), String> {
        let (commits, bytes) = (self.config.pending_max.get(), self.config.pending_bytes_max);
        if self.pending.len() >= commits
            || self.pending.bytes().saturating_add(batch.size_bytes()) > bytes
        {
            return Err(format!(
                "the standby takes {commits} commits and {bytes} bytes"
            ));
        }
        Ok(())
    }

    /// Why the standby could not accept a commit, whatever it is.
    pub(crate) async fn standby_issue(&self) -> Option<(&'static str, String)> {
        let mut journal = self.journal.as_ref()?.lock().await;
        if journal.is_closed {
            return None;
        }
        match journal.is_ours().await {
            Ok(true) => None,
            Ok(false) => {
                let detail = "another process has opened the standby; give each its own";
                Some(("standby_taken", detail.into()))
            }
            Err(error) => Some(("standby_gone", error.to_string())),
        }
    }

    /// The durability that a commit asks for.
    pub(crate) fn asked(&self, options: &WriteOptions) -> Durability {
        options
            .durability
            .unwrap_or(self.capabilities.durability_max)
    }

    /// Accepts a commit, which nothing speaks against. Dropping the future
    /// forfeits the answer.
    ///
    /// # Errors
    /// As for the standby; `Unavailable` if it is full by now.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<Committed> {
        let core = Arc::clone(self);
        // A row that is written must be known here, whoever has left meanwhile.
        let accepting = self.runtime.spawn(async move {
            let Some(journal) = &core.journal else {
                return Err(Error::new(ErrorKind::Internal, "nothing is accepted here"));
            };
            let mut journal = journal.lock().await;
            if journal.is_closed {
                return Err(Error::closed().with_outcome(Outcome::NotApplied));
            }
            // Others may have been accepted since it was judged.
            if let Err(why) = core.why_full(&batch) {
                count(&core.status.tally.refused, 1);
                let error = Error::new(
                    ErrorKind::Unavailable,
                    format!("the store is gone, and {why}; try again when it is back"),
                );
                return Err(error
                    .with_retry_after(core.config.probe_first)
                    .with_outcome(Outcome::NotApplied));
            }
            let durability = durability.max(core.standby.capabilities().durability_min);
            let appended = journal.append(batch.mutations(), durability).await;
            if journal.fence() > 0 {
                // The row may be there: before anything newer is, in the primary.
                core.is_fenced.store(true, Ordering::Release);
                core.wake.notify_one();
            }
            let (number, committed) = appended?;
            if let Some(known) = &core.known {
                known.forget(&batch);
            }
            let (_, mutations) = batch.into_parts();
            core.pending.push(Accepted { number, mutations });
            count(&core.status.tally.accepted, 1);
            core.wake.notify_one();
            // The standby numbers its own commits, not the primary's. It may keep
            // them better than the primary ever could.
            let kept = committed.durability.min(core.capabilities.durability_max);
            Ok(Committed::new(None, kept))
        });
        let accepted = accepting.await.unwrap_or_else(|ended| {
            let error = Error::new(ErrorKind::Unavailable, "the runtime of the store has ended");
            Err(error.with_outcome(Outcome::Unknown).with_source(ended))
        });
        accepted.map_err(|error| error.with_operation(Operation::Commit).with_layer(NAME))
    }
}
