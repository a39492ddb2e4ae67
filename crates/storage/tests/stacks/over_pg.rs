//! Stacks over PostgreSQL: one server, a database for each stack and a schema for each
//! case, and several stacks at once. A case mostly waits for the server, and the machine
//! would be idle meanwhile.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use storage::{Components, Result, SharedStore, pg::PgConfig};
use storage_testkit::{
    Subject, for_each_case,
    linearizability::{self, LinearizabilityConfig},
    model::{self, ModelConfig},
    servers::{PgDatabase, PgServer},
};

use crate::{
    each::{for_each_stack_that_alters, for_each_stack_that_leaves},
    layers::{Below, Layer, open},
};

/// How many stacks a test works on at once.
const AT_ONCE: usize = 6;

/// A stack and its name.
type Stack = (&'static str, &'static [Layer]);

macro_rules! list {
    ($stacks:ident; $($name:ident: [$($layer:ident),+],)+) => {
        const $stacks: &[Stack] = &[$((stringify!($name), &[$(Layer::$layer),+])),+];
    };
}

for_each_stack_that_leaves!(list, THAT_LEAVE;);
for_each_stack_that_alters!(list, THAT_ALTER;);

fn stacks() -> impl Iterator<Item = Stack> {
    THAT_LEAVE.iter().chain(THAT_ALTER).copied()
}

/// PostgreSQL under layers.
struct OverPg {
    stack: Stack,
    schema: String,
}

impl OverPg {
    fn new(stack: Stack) -> Self {
        static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
        let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        Self {
            stack,
            schema: format!("case_{number}"),
        }
    }
}

impl Subject for OverPg {
    type Store = SharedStore;
    const ENGINE: &'static str = "pg";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let (name, layers) = self.stack;
        // A handshake of TLS for each connection would be half of the work.
        let url = format!("{}?sslmode=disable", database(name).url());
        let mut config = PgConfig::from_url(&url)?;
        config.reads_at_once = const { NonZeroUsize::new(2).unwrap() };
        // A disk that the other stacks keep busy may hold the server up for a minute, if
        // something else writes much at the time.
        config.connect_timeout = Duration::from_mins(4);
        config.time_limit = Duration::from_mins(4);
        config.schema.clone_from(&self.schema);
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        open(layers, Below::Served, engine, components).await
    }
}

/// The database of a stack.
fn database(stack: &'static str) -> PgDatabase {
    static DATABASES: OnceLock<BTreeMap<&str, PgDatabase>> = OnceLock::new();
    let make = |(name, _): Stack| {
        let database = PgServer::shared().new_database().expect("a database");
        (name, database)
    };
    let databases = DATABASES.get_or_init(|| stacks().map(make).collect());
    databases.get(stack).expect("one for each stack").clone()
}

/// Does `work` for each stack, and fails with the names of those that it fails for.
fn through_each(work: impl Fn(Stack) + Sync) {
    let stacks: Vec<Stack> = stacks().collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let take = || {
        while let Some(stack) = stacks.get(next.fetch_add(1, Ordering::Relaxed)) {
            // What was wrong has been printed.
            if catch_unwind(AssertUnwindSafe(|| work(*stack))).is_err() {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.push(stack.0);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(take);
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "it fails through {failed:?}");
}

macro_rules! through_each_stack {
    ($($case:ident)*) => {$(
        #[test]
        fn $case() {
            through_each(|stack| {
                storage_testkit::run(
                    stringify!($case),
                    OverPg::new(stack),
                    storage_testkit::cases::$case,
                );
            });
        }
    )*};
}

for_each_case!(through_each_stack,);

/// Few of them: each step is a message to the server.
#[test]
fn random_histories_agree_with_an_ordered_map() {
    let mut config = ModelConfig::from_environment();
    config.histories = config.histories.or(Some(4));
    through_each(|stack| model::run(|| OverPg::new(stack), &config));
}

#[test]
fn concurrent_histories_are_linearizable() {
    let mut config = LinearizabilityConfig::from_environment();
    config.histories = config.histories.min(10);
    through_each(|stack| linearizability::run(OverPg::new(stack), &config));
}
