//! The conformance suite over the ways through the adapter that the memory
//! engine does not take: writes that queue, reads on the pool, changes reduced
//! to distinct keys; and calls that turn out to have to wait.

use std::sync::{Arc, atomic::Ordering};

use storage_core::{
    Components, Result,
    embedded::{ChangeForm, Embedded, ReadPolicy, WritePolicy},
};
use storage_testkit::{Subject, conformance};

use crate::staged::{Stage, Staged, open_with};

/// A store whose data lives on a stage.
struct OnStage(Arc<Stage>);

impl Subject for OnStage {
    type Store = Embedded<Staged>;
    const ENGINE: &'static str = "staged";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Ok(open_with(&self.0, &components))
    }
}

mod queued {
    use super::*;

    fn subject() -> OnStage {
        let mut stage = Stage::new();
        stage.read_policy = ReadPolicy::Pool;
        stage.change_form = ChangeForm::Distinct;
        stage.apply_may_wait.store(true, Ordering::SeqCst);
        OnStage(Arc::new(stage))
    }

    conformance!(subject());
}

mod now_and_then_waiting {
    use super::*;

    fn subject() -> OnStage {
        let mut stage = Stage::new();
        stage.read_policy = ReadPolicy::Cached {
            entries_max: 1_000.try_into().unwrap(),
        };
        stage.write_policy = WritePolicy::Tried;
        stage.would_wait_every = 3;
        OnStage(Arc::new(stage))
    }

    conformance!(subject());
}
