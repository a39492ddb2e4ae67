//! The conformance suite over the ways through the adapter that the memory
//! engine does not take: writes that queue, reads on the pool, changes reduced
//! to distinct keys.

use std::sync::{Arc, atomic::Ordering};

use storage_core::{
    Components, Result,
    embedded::{ChangeForm, Embedded, ReadPolicy},
};
use storage_testkit::{Subject, conformance};

use crate::staged::{Stage, Staged, open_with};

struct Queued {
    stage: Arc<Stage>,
}

impl Queued {
    fn new() -> Self {
        let mut stage = Stage::new();
        stage.read_policy = ReadPolicy::Pool;
        stage.change_form = ChangeForm::Distinct;
        stage.apply_may_wait.store(true, Ordering::SeqCst);
        Self {
            stage: Arc::new(stage),
        }
    }
}

impl Subject for Queued {
    type Store = Embedded<Staged>;
    const ENGINE: &'static str = "staged";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Ok(open_with(&self.stage, &components))
    }
}

conformance!(Queued::new());
