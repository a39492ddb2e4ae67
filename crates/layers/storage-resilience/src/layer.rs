//! The layer: what makes a store resilient.

use std::sync::Arc;

use storage_core::{
    Components, Result, Store,
    layer::{Layer, LayerDeclaration, phase},
};

use crate::{
    NAME, ResilienceConfig, ResilienceControl, Resilient, backoff::Backoff, call::Shared,
    circuit::Circuit, control::Tally, limit::Limit, timers::Timers,
};

/// Repeats, limits and gives up calls of the store below it; see the
/// [crate](crate).
#[derive(Clone, Debug, Default)]
pub struct ResilienceLayer {
    config: ResilienceConfig,
}

impl ResilienceLayer {
    /// A layer with these settings.
    #[must_use]
    pub const fn new(config: ResilienceConfig) -> Self {
        Self { config }
    }
}

impl Layer for ResilienceLayer {
    type Phase = phase::Resilience;
    type Store<S: Store> = Resilient<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME)
    }

    /// # Errors
    /// `Invalid` for settings that make no sense, or without a Tokio runtime.
    async fn wrap<S: Store>(self, inner: S, components: &Components) -> Result<Resilient<S>> {
        let config = self.config.validated()?;
        let timers = Timers::current().map_err(|error| error.with_layer(NAME))?;
        let mut seed = [0; 8];
        components.random.fill(&mut seed)?;
        let shared = Arc::new(Shared {
            attempts_max: config.attempts_max,
            attempt_time_limit: config.attempt_time_limit,
            time_limit: config.time_limit,
            backoff: Backoff::new(
                config.delay_first,
                config.delay_max,
                u64::from_le_bytes(seed),
            ),
            limit: Limit::new(config.at_once_max.get(), config.waiting_max),
            circuit: config.circuit.map(Circuit::new),
            timers,
            tally: Tally::default(),
        });
        Ok(Resilient::new(inner, ResilienceControl { shared }))
    }
}
