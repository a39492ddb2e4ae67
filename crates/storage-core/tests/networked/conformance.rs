//! The conformance suite over the ways through the adapter: alone on a free
//! lane, together with others on the only one, and from another runtime.

use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
};

use storage_core::{
    Components, Result,
    networked::{Limits, Networked},
};
use storage_testkit::{Subject, conformance};
use tokio::runtime::{Builder, Runtime};

use crate::staged::{Stage, Staged, open_with};

/// A store whose data lives on a stage.
struct OnStage(Arc<Stage>);

impl Subject for OnStage {
    type Store = Networked<Staged>;
    const ENGINE: &'static str = "staged";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        open_with(&self.0, &components).await
    }
}

mod on_free_lanes {
    use super::*;

    conformance!(OnStage(Arc::new(Stage::new())));
}

mod together_on_one_lane {
    use super::*;

    fn subject() -> OnStage {
        let mut stage = Stage::new();
        stage.takes_turns = true;
        stage.limits = Limits::new()
            .reads_at_once(NonZeroUsize::MIN)
            .commits_at_once(NonZeroUsize::MIN)
            .keys_at_once_max(NonZeroUsize::new(5).unwrap())
            .group_operations_max(7);
        OnStage(Arc::new(stage))
    }

    conformance!(subject());
}

mod from_another_runtime {
    use super::*;

    /// Opens its store on a runtime that none of the cases runs on.
    struct Elsewhere(OnStage);

    impl Subject for Elsewhere {
        type Store = Networked<Staged>;
        const ENGINE: &'static str = "staged";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            let stage = Arc::clone(&self.0.0);
            let opening = async move { open_with(&stage, &components).await };
            elsewhere().spawn(opening).await.unwrap()
        }
    }

    fn elsewhere() -> &'static Runtime {
        static ELSEWHERE: OnceLock<Runtime> = OnceLock::new();
        ELSEWHERE.get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .unwrap()
        })
    }

    fn subject() -> Elsewhere {
        let mut stage = Stage::new();
        stage.takes_turns = true;
        Elsewhere(OnStage(Arc::new(stage)))
    }

    conformance!(subject());
}
