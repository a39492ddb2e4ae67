//! Several processes with one store.

use std::sync::Arc;

use storage_core::{ReadExt, ReadSupport, Store, StoreExt};
use storage_pg::PgConfig;
use storage_testkit::linearizability::{
    Errand, Verdict, history_of_processes, judge, one_of_many_gets_an_absent_key,
};

use crate::{config, database, open};

/// Another process. As a test of its own it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn serve() {
    let Some(errand) = Errand::received().unwrap() else {
        return;
    };
    let store = Arc::new(
        PgConfig::from_url(errand.place())
            .unwrap()
            .open()
            .await
            .unwrap(),
    );
    errand.run(&store).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_three_processes_do_at_once_has_one_order() {
    let database = database();
    open(&database).await.close().await.unwrap();
    for seed in 0..6_u64 {
        let history = history_of_processes("processes::serve", &database.url(), seed).unwrap();
        assert!(history.operations().len() > 150, "too few operations");
        assert!(history.overlaps() > 50, "the processes did not meet");
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert!(
            matches!(verdict, Verdict::Linearizable),
            "seed {seed}: {verdict:?}\n{}",
            history.to_lines().unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_an_absent_key_one_gets_it() {
    let database = database();
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(open(&database).await);
    }
    one_of_many_gets_an_absent_key(&stores).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_open_an_empty_database_at_once_make_one_store() {
    for partitions in [None, std::num::NonZeroU16::new(3)] {
        let database = database();
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let mut config = config(&database);
                config.partitions = partitions;
                tokio::spawn(config.open())
            })
            .collect();
        for (number, opening) in opening.into_iter().enumerate() {
            let store = opening.await.unwrap().unwrap();
            store.put(&number.to_string(), "v").await.unwrap();
        }
        let store = open(&database).await;
        let count = store.count(storage_core::KeyRange::all()).await.unwrap();
        assert_eq!(count, 8);
    }
}
