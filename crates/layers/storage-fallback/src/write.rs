//! Commits: the primary makes them; if it is gone, the standby accepts what it can
//! keep as it was asked to.

use std::time::Instant;

use storage_core::{
    Committed, Error, ErrorKind, Operation, Outcome, Result, Store, WriteBatch, WriteOptions,
};

use crate::{
    NAME,
    gone::{is_gone, may_be_made_elsewhere},
    status::count,
    store::Fallback,
};

impl<S: Store> Fallback<S> {
    pub(crate) async fn commit(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<Committed> {
        let core = self.core();
        core.capabilities.admit(&batch)?;
        core.capabilities.admit(options)?;
        let durability = core.asked(options);
        if core.holds_back() && core.pending.is_empty() {
            // A fence takes one contact with the primary; if that fails, it stands.
            let _ = core.come_back(self.inner()).await;
        }
        if core.holds_back() {
            return self.commit_behind(batch, options).await;
        }
        let kept = (core.known.is_some() || core.journal.is_some()).then(|| batch.clone());
        let mut asked = options.clone();
        // The standby may offer less than the primary.
        let weakest = self.inner().capabilities().durability_min;
        asked.durability = asked.durability.map(|asked| asked.max(weakest));
        let began = Instant::now();
        let error = match self.inner().commit_with(batch, &asked).await {
            Ok(committed) => {
                if let (Some(known), Some(batch)) = (&core.known, kept) {
                    known.committed(batch.mutations(), began);
                }
                return Ok(committed);
            }
            Err(error) if is_gone(&error) => error,
            Err(error) => return Err(error),
        };
        let Some(batch) = kept.filter(|_| core.journal.is_some()) else {
            return Err(core.failed(error));
        };
        if !may_be_made_elsewhere(&error) {
            return Err(core.gone(error, "the store may have made it, so the standby does not"));
        }
        if let Err(why) = core.why_not(&batch, durability) {
            return Err(core.gone(error, &format!("the store is gone, and {why}")));
        }
        core.degrade();
        core.accept(batch, durability).await
    }

    /// A commit that comes after what is pending, or fenced off: the primary may not
    /// see it before.
    async fn commit_behind(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let core = self.core();
        let durability = core.asked(options);
        if let Err(why) = core.why_not(&batch, durability) {
            count(&core.status.tally.refused, 1);
            let error = Error::new(
                ErrorKind::Unavailable,
                match core.pending.len() {
                    0 => format!(
                        "a write-back that was given up may still reach the store, and {why}; \
                         try again when the store answers"
                    ),
                    pending => format!(
                        "{pending} accepted commits are not written back yet, and {why}; \
                         try again when they are"
                    ),
                },
            )
            .with_retry_after(core.config.probe_first)
            .with_outcome(Outcome::NotApplied)
            .with_operation(Operation::Commit)
            .with_layer(NAME);
            return Err(match batch.first_key() {
                Some(key) => error.with_key(key),
                None => error,
            });
        }
        core.accept(batch, durability).await
    }
}
