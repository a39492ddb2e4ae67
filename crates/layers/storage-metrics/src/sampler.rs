//! Reads the figures of the store below again and again.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use storage_core::{Error, ErrorKind, Result, Store};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{NAME, observer::Observer};

/// A task that samples a store until it is dropped or stopped, or until the
/// store is gone.
#[derive(Debug)]
pub(crate) struct Sampler {
    task: JoinHandle<()>,
}

impl Sampler {
    /// Begins to sample.
    ///
    /// # Errors
    /// `Invalid` without a Tokio runtime.
    pub(crate) fn start<S: Store>(
        store: &Arc<S>,
        observer: Arc<Observer>,
        every: Duration,
    ) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "samples at intervals take a Tokio runtime; open the stack there, \
                 or leave `sample_every` out",
            )
            .with_layer(NAME)
            .with_source(error)
        })?;
        let task = runtime.spawn(sample(Arc::downgrade(store), observer, every));
        Ok(Self { task })
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn sample<S: Store>(store: Weak<S>, observer: Arc<Observer>, every: Duration) {
    let mut ticks = interval(every);
    // A slow store is not asked more often for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(store) = store.upgrade() else {
            return;
        };
        let stats = store.stats().await;
        observer.observe(store.clock().now(), stats.as_ref().ok());
    }
}
