//! The layer: what makes a store measured.

use std::{collections::BTreeMap, fmt, sync::Arc};

use storage_core::{
    Components, Result, Store,
    layer::{Layer, LayerDeclaration, phase},
};

use crate::{
    AlertChange, Metered, MetricsConfig, NAME, SharedRecorder, Watch,
    observer::{Callback, Observer},
    recording::Recording,
    sampler::Sampler,
    store::{Meters, OPERATION_NAMES},
    watched::Watched,
};

/// Measures the store below it; see the [crate](crate).
#[derive(Clone)]
pub struct MetricsLayer {
    config: MetricsConfig,
    recorder: Option<SharedRecorder>,
    callback: Option<Callback>,
}

impl MetricsLayer {
    /// A layer with these settings, which records to the recorder that is
    /// installed for the process when the stack is opened.
    #[must_use]
    pub const fn new(config: MetricsConfig) -> Self {
        Self {
            config,
            recorder: None,
            callback: None,
        }
    }

    /// The same layer, recording to `recorder`.
    #[must_use]
    pub fn recording_to(mut self, recorder: SharedRecorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// The same layer, which calls `callback` for each alert that is raised or
    /// cleared. It is called while a caller of `stats` waits, or on the runtime
    /// that samples are taken on: it must not block.
    #[must_use]
    pub fn on_alert(mut self, callback: impl Fn(&AlertChange) + Send + Sync + 'static) -> Self {
        self.callback = Some(Arc::new(callback));
        self
    }
}

impl Layer for MetricsLayer {
    type Phase = phase::Anywhere;
    type Store<S: Store> = Metered<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME)
    }

    /// # Errors
    /// `Invalid` for settings that make no sense, and for samples at intervals
    /// without a Tokio runtime.
    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<Metered<S>> {
        let config = self.config.validated()?;
        let recording = Recording::new(self.recorder, config.store);
        recording.describe();
        let is_watched = |operation: &str| {
            config.alerts.iter().any(|alert| match &alert.watch {
                Watch::Latency { operation: of, .. } => of == operation,
                Watch::ErrorShare => true,
                _ => false,
            })
        };
        let watched: BTreeMap<_, _> = OPERATION_NAMES
            .into_iter()
            .filter(|operation| is_watched(operation))
            .map(|operation| (operation, Arc::new(Watched::new())))
            .collect();
        let meters = Meters::new(&recording, config.slow_after, &watched);
        let observer = Arc::new(Observer::new(
            recording,
            config.usage_samples_max,
            config.alerts,
            watched,
            self.callback,
        ));
        let inner = Arc::new(inner);
        let sampler = match config.sample_every {
            Some(every) => {
                let sampler = Sampler::start(&inner, Arc::clone(&observer), every)?;
                Some(Arc::new(sampler))
            }
            None => None,
        };
        Ok(Metered::new(inner, meters, observer, sampler))
    }
}

impl fmt::Debug for MetricsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsLayer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
