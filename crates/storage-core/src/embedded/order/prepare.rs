//! Preparing a commit ahead of the order point, on its caller's thread, beside
//! others who do the same.

use std::sync::{Arc, atomic::Ordering};

use super::{
    super::{Engine, PreparePolicy, Prepared, reader::Source, shared::Shared},
    queue::QUEUED_BYTES_MAX,
};
use crate::{Outcome, Result, WriteBatch};

impl<E: Engine> Shared<E> {
    /// Has the engine prepare a commit, if that is worth it and takes no
    /// waiting.
    ///
    /// # Errors
    /// What the engine reports; the commit is not applied.
    pub(super) fn prepare(self: &Arc<Self>, batch: &WriteBatch) -> Result<Option<Prepared>> {
        if self.context.prepare_policy == PreparePolicy::Never
            || !batch.guards().is_empty()
            || !self.is_small(batch)
            || self.is_full()
        {
            return Ok(None);
        }
        self.call(|engine| {
            if engine.apply_may_wait() {
                return Ok(None);
            }
            engine.prepare(batch.mutations())
        })
        .map_err(|error| error.with_outcome(Outcome::NotApplied))
    }

    /// Whether so much waits that the commit would likely be refused.
    fn is_full(&self) -> bool {
        self.order.queued_bytes.load(Ordering::Relaxed) >= QUEUED_BYTES_MAX
    }
}
