//! Several processes with one store.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{ErrorKind, ReadExt, ReadSupport, Store, StoreExt};
use storage_testkit::linearizability::{Errand, PROCESSES, Verdict, history_of_processes, judge};

use crate::{bucket, config_of, open};

const INCREMENTS: u32 = 20;

/// What all processes count in.
pub(crate) const COUNTER: &str = "counter";

/// Adds one to the counter, and says how often somebody else was faster.
pub(crate) async fn increment<S: Store>(store: &S) -> u32 {
    let mut lost = 0;
    loop {
        let current = store.get(COUNTER).await.unwrap();
        let value = current.as_ref().map(|entry| entry.value().clone());
        let number: u32 = value.as_deref().map_or(0, |value| {
            std::str::from_utf8(value).unwrap().parse().unwrap()
        });
        let new = Bytes::from((number + 1).to_string());
        match store
            .compare_and_swap(COUNTER, value.as_deref(), Some(new))
            .await
        {
            Ok(_) => return lost,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
        lost += 1;
    }
}

/// Another process. As a test of its own it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn serve() {
    let Some(errand) = Errand::received().unwrap() else {
        return;
    };
    let store = Arc::new(config_of(errand.place()).open().await.unwrap());
    for _ in 0..INCREMENTS {
        increment(&*store).await;
    }
    errand.run(&store).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_three_processes_do_at_once_has_one_order_and_loses_no_update() {
    let bucket = tokio::task::spawn_blocking(bucket).await.unwrap();
    let url = bucket.url("store");
    for seed in 0..3_u32 {
        let history = history_of_processes("processes::serve", &url, seed.into()).unwrap();
        assert!(history.operations().len() > 100, "too few operations");
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert!(
            matches!(verdict, Verdict::Linearizable),
            "seed {seed}: {verdict:?}\n{}",
            history.to_lines().unwrap()
        );
        let store = open(&bucket).await;
        let counter = store.get(COUNTER).await.unwrap().unwrap();
        let expected = (seed + 1) * PROCESSES * INCREMENTS;
        assert_eq!(counter.value(), &expected.to_string());
    }
}
