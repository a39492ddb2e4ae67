//! The layer over a store that fails: the faults that every layer survives, and
//! random histories of one that accepts commits.

mod patient;

use std::time::Duration;

use self::patient::Patient;
use storage_core::{Components, Result, Stack};
use storage_fallback::{Fallback, FallbackConfig, FallbackLayer, StaleReads, StandbyWrites};
use storage_testkit::{
    model::ModelConfig,
    survival::{self, FaultyMemory},
};

async fn open(
    config: FallbackConfig,
    below: FaultyMemory,
    components: Components,
) -> Result<Fallback<FaultyMemory>> {
    Stack::on(below)
        .with(FallbackLayer::new(config))
        .components(components)
        .open()
        .await
}

mod refusing {
    use super::*;

    storage_testkit::survives_faults!(|below, components| {
        open(FallbackConfig::new(), below, components)
    });
}

mod remembering_nothing {
    use super::*;

    storage_testkit::survives_faults!(|below, components| {
        let config = FallbackConfig::new().reads(StaleReads::Refused);
        open(config, below, components)
    });
}

/// An accepted commit is answered as one that was applied: later reads show it, and
/// once it is written back, so does the primary, whatever fails on the way.
#[test]
fn random_faults_lead_to_no_state_that_accepted_commits_rule_out() {
    survival::run_histories(
        &async |below, components| {
            let short = Duration::from_millis(1);
            let config = FallbackConfig::new()
                .writes(StandbyWrites::Overwriting)
                .probes(short, short)
                // What is known may be stale, which histories do not allow.
                .reads(StaleReads::Refused);
            Ok(Patient(open(config, below, components).await?))
        },
        &ModelConfig::from_environment(),
    );
}
