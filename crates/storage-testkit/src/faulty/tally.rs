//! How many commits go on though nobody may be waiting for them.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts work under way. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Tally(Arc<watch::Sender<usize>>);

/// A piece of work under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Tally);

impl Tally {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(super) fn begin(&self) -> UnderWay {
        self.0.send_modify(|count| *count += 1);
        UnderWay(self.clone())
    }

    /// Waits until no work is under way.
    pub(super) async fn none(&self) {
        // It only fails without a sender, and this tally is one.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
