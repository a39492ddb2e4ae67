//! Servers that honour conditions, and those that do not.

use std::sync::Arc;

use storage_core::{ErrorKind, ReadExt, Store, StoreExt, Support, WriteBatch};
use storage_object::ObjectConditions;
use storage_testkit::servers::S3Conditions;

use crate::{blocking, config_of, fails, server};

#[tokio::test(flavor = "multi_thread")]
async fn guards_are_offered_only_where_the_server_honours_conditions() {
    let (server, bucket) = server().await;
    for (conditions, guards) in [
        (S3Conditions::Honoured, Support::Supported),
        (S3Conditions::Ignored, Support::Unsupported),
        (S3Conditions::Racy, Support::Unsupported),
        (S3Conditions::Honoured, Support::Supported),
    ] {
        blocking(move || server.treat_conditions(conditions).unwrap()).await;
        let mut config = config_of(&bucket.url("store"));
        config.conditions = ObjectConditions::Probed;
        let store = config.open().await.unwrap();
        assert_eq!(store.capabilities().guards, guards, "{conditions:?}");
        let health = store.health().await.unwrap();
        assert_eq!(health.is_well(), guards == Support::Supported, "{health:?}");
        store.put("k", "v").await.unwrap();
        let guarded = WriteBatch::new().present("k").put("k", "w");
        if guards == Support::Unsupported {
            fails(store.commit(guarded).await, ErrorKind::Unsupported);
            assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
        } else {
            store.commit(guarded).await.unwrap();
        }
        assert!(store.delete("k").await.unwrap());
        // What raced is gone, and nobody takes it for entries.
        assert!(store.check().await.unwrap().damages.is_empty());
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_judges_before_it_writes_is_found_by_a_store_of_one_request_at_once() {
    let (server, bucket) = server().await;
    blocking(|| server.treat_conditions(S3Conditions::Racy).unwrap()).await;
    let mut config = config_of(&bucket.url("store"));
    config.conditions = ObjectConditions::Probed;
    config.requests_at_once = std::num::NonZeroUsize::MIN;
    let store = config.open().await.unwrap();
    assert_eq!(store.capabilities().guards, Support::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_race_through_several_stores_lose_no_update() {
    let (_server, bucket) = server().await;
    let mut stores = Vec::new();
    for _ in 0..3 {
        stores.push(Arc::new(
            config_of(&bucket.url("store")).open().await.unwrap(),
        ));
    }
    let racing: Vec<_> = (0..12_usize)
        .map(|racer| {
            let store = Arc::clone(&stores[racer % stores.len()]);
            tokio::spawn(async move {
                for _ in 0..5 {
                    crate::processes::increment(&*store).await;
                }
            })
        })
        .collect();
    for racer in racing {
        racer.await.unwrap();
    }
    let counter = stores[0].get(crate::processes::COUNTER).await.unwrap();
    assert_eq!(counter.unwrap().value(), "60");
}
