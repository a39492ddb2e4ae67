//! Servers that honour conditions, and those that do not.

use std::{sync::Arc, time::Duration};

use storage_core::{ErrorKind, ReadExt, Retry, Store, StoreExt, Support, WriteBatch};
use storage_object::ObjectConditions;
use storage_testkit::servers::{
    S3Conditions, S3Fault,
    S3When::{After, Before},
};

use crate::{blocking, config_of, fails, fault, server, timed};

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
async fn a_race_that_is_throttled_waits_as_long_as_the_server_says_and_goes_on() {
    let (server, bucket) = server().await;
    let mut config = config_of(&bucket.url("store"));
    // The race alone is to be throttled.
    config.clone().open().await.unwrap();
    config.conditions = ObjectConditions::Probed;
    for method in ["PUT", "DELETE"] {
        let throttled = fault(method, 429, "TooManyRequests", Before);
        blocking(move || server.order(throttled).unwrap()).await;
        let (store, took) = timed(config.clone().open()).await;
        let store = store.unwrap();
        assert_eq!(store.capabilities().guards, Support::Supported, "{method}");
        // The server names two seconds; where it names none, the race waits for one.
        assert!(took >= Duration::from_secs(2), "{method}: {took:?}");
        assert!(store.check().await.unwrap().damages.is_empty());
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_that_is_throttled_for_good_ends_within_the_time_limit() {
    let (server, bucket) = server().await;
    let mut config = config_of(&bucket.url("store"));
    config.clone().open().await.unwrap();
    config.conditions = ObjectConditions::Probed;
    config.time_limit = Duration::from_secs(3);
    let throttled = S3Fault {
        times: u32::MAX,
        ..fault("PUT", 429, "TooManyRequests", Before)
    };
    blocking(move || server.order(throttled).unwrap()).await;
    let (opened, took) = timed(config.open()).await;
    let error = fails(opened, ErrorKind::Throttled);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(2)));
    // Some more, as the machine may be busy; without an end it were for good.
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_whose_requests_may_be_done_though_they_are_throttled_is_not_judged_by_them() {
    let (server, bucket) = server().await;
    let mut config = config_of(&bucket.url("store"));
    config.clone().open().await.unwrap();
    config.conditions = ObjectConditions::Probed;
    for (when, guards) in [(After, None), (Before, Some(Support::Supported))] {
        blocking(move || server.order(fault("PUT", 503, "SlowDown", when)).unwrap()).await;
        let opened = config.clone().open().await;
        match guards {
            Some(guards) => assert_eq!(opened.unwrap().capabilities().guards, guards),
            // It was done, so that its condition fails when it is sent again.
            None => drop(fails(opened, ErrorKind::Throttled)),
        }
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
