//! A master that is gone is replaced by a replica, and the store goes on with it.

use std::{sync::Arc, time::Duration};

use storage_core::{Capabilities, ErrorKind, Outcome, Read, ReadExt, ReadSupport, Store, StoreExt};
use storage_redis::{RedisConfig, RedisSentinel};
use storage_testkit::servers::RedisSentinels;

use crate::{
    blocking, config, fails,
    unanswered::{hold_writes, holds_one},
};

fn through(group: &RedisSentinels) -> RedisConfig {
    let mut config = config(&group.url(0));
    if let Some(sentinel) = &mut config.sentinel {
        sentinel.password = Some(group.administrator().password().into());
    }
    config.connect_timeout = Duration::from_secs(1);
    config.time_limit = Duration::from_secs(5);
    config.wait_replicas = 1;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_followed_and_loses_nothing_that_replicas_had() {
    let group = blocking(|| RedisSentinels::start().unwrap()).await;
    let mut stranger = through(&group);
    stranger.sentinel = Some(RedisSentinel::new("nobody"));
    fails(stranger.open().await, ErrorKind::Denied);
    let mut unknown = through(&group);
    if let Some(sentinel) = &mut unknown.sentinel {
        sentinel.master = "nobody".into();
    }
    let error = fails(unknown.open().await, ErrorKind::Invalid);
    assert!(error.message().contains("nobody"), "{error}");

    let store = through(&group).open().await.unwrap();
    let capabilities: &Capabilities = store.capabilities();
    assert_eq!(capabilities.reads, ReadSupport::Eventual);
    for number in 0..20_u8 {
        store.put(&[number], "v").await.unwrap();
    }
    let last = store.sequence();
    let group = blocking(move || {
        // One sentinel more or less is not missed.
        group.sentinels()[0].pause().unwrap();
        let first = &group.servers()[0];
        first.kill().unwrap();
        group
    })
    .await;
    let committed = loop {
        match store.put("after", "v").await {
            Ok(committed) => break committed,
            Err(error) => {
                let passes = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
                assert!(passes, "{error:?}");
                assert_ne!(error.outcome(), None);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(committed.sequence > last);
    for number in 0..20_u8 {
        assert!(store.exists(&[number]).await.unwrap());
    }
    // The old one comes back, and follows; nothing is written to it.
    let _group = blocking(move || {
        group.servers()[0].start().unwrap();
        group
    })
    .await;
    let error = store.put("last", "v").await.err();
    assert_ne!(
        error.and_then(|error| error.outcome()),
        Some(Outcome::Unknown)
    );
    assert!(store.exists("after").await.unwrap());
}

/// What the old master does with it when it goes on, nobody who asks the new one knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_a_replaced_master_has_not_done_is_unknown() {
    let group = Arc::new(blocking(|| RedisSentinels::start().unwrap()).await);
    let mut config = through(&group);
    config.time_limit = Duration::from_secs(20);
    config.wait_replicas = 0;
    let store = config.open().await.unwrap();
    store.put("before", "v").await.unwrap();
    // It gets there, and no further.
    hold_writes(&group.servers()[0]);
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.put("k", "old").await }
    });
    while !holds_one(&group.servers()[0]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    blocking({
        let group = Arc::clone(&group);
        move || {
            group.servers()[0].pause().unwrap();
            group.wait_for_failover_from(&group.servers()[0]).unwrap();
        }
    })
    .await;
    let error = writing.await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    assert!(!store.exists("k").await.unwrap());
    group.servers()[0].resume().unwrap();
    store.put("k", "new").await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "new");
}
