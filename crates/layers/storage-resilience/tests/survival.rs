//! The layer over a store that fails: the faults that every layer survives,
//! with and without repetition.

use std::{num::NonZeroU32, time::Duration};

use storage_core::Stack;
use storage_resilience::{ResilienceConfig, ResilienceLayer};

/// Without a circuit: an answer of its own is none of the store below.
fn config() -> ResilienceConfig {
    ResilienceConfig::new()
        .circuit(None)
        .delays(Duration::ZERO, Duration::ZERO)
}

mod repeating {
    use super::*;

    storage_testkit::survives_faults!(|below, components| async move {
        Stack::on(below)
            .with(ResilienceLayer::new(config()))
            .components(components)
            .open()
            .await
    });
}

mod trying_once {
    use super::*;

    storage_testkit::survives_faults!(|below, components| async move {
        Stack::on(below)
            .with(ResilienceLayer::new(config().attempts_max(NonZeroU32::MIN)))
            .components(components)
            .open()
            .await
    });
}
