//! Commits are as durable as the server makes them, and no more is promised.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, time::Duration};

use storage_core::{
    Durability, ErrorKind, Outcome, Read, ReadExt, Store, StoreExt, WriteBatch, WriteOptions,
};
use storage_testkit::servers::RedisServerConfig;

use crate::{administrator, blocking, config, fails, not_applied, open};

fn synced() -> WriteOptions {
    WriteOptions::new().durability(Durability::Synced)
}

#[tokio::test]
async fn a_server_that_does_not_sync_offers_volatile_commits_only() {
    for (setting, value) in [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("no-appendfsync-on-rewrite", "yes"),
    ] {
        let server = RedisServerConfig::new().setting(setting, value);
        let server = server.start().unwrap();
        let url = administrator(&server);
        let store = open(&url).await;
        assert_eq!(store.capabilities().durability_max, Durability::Volatile);
        let batch = WriteBatch::new().put("k", "v");
        let error = not_applied(store.commit_with(batch, &synced()).await);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let committed = store.put("k", "v").await.unwrap();
        assert_eq!(committed.durability, Durability::Volatile);
        let health = store.health().await.unwrap();
        assert!(format!("{health:?}").contains(setting), "{health:?}");

        let mut demanding = config(&url);
        demanding.durability = Some(Durability::Synced);
        let error = fails(demanding.open().await, ErrorKind::Unsupported);
        assert!(error.message().contains(setting), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_stops_syncing_refuses_synced_commits_with_the_reason() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("k", "1").await.unwrap();
    server.configure("appendfsync", "everysec");
    let server = blocking(move || {
        server.restart().unwrap();
        server
    })
    .await;
    let error = not_applied(store.put("k", "2").await);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("appendfsync"), "{error}");
    let volatile = WriteOptions::new().durability(Durability::Volatile);
    let batch = WriteBatch::new().put("k", "3");
    store.commit_with(batch, &volatile).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "3");
    drop(server);
}

#[tokio::test]
async fn a_log_that_is_turned_off_is_noticed_by_health_and_by_commits_from_then_on() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("k", "1").await.unwrap();
    server.call(&["CONFIG", "SET", "appendonly", "no"]).unwrap();
    let health = store.health().await.unwrap();
    assert!(format!("{health:?}").contains("not_durable"), "{health:?}");
    let error = not_applied(store.put("k", "2").await);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("appendonly"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_waits_for_replicas_and_is_unknown_without_them() {
    let (master, replica) = blocking(|| {
        let master = RedisServerConfig::new().start().unwrap();
        let replica = master.replica().unwrap();
        (master, replica)
    })
    .await;
    let mut config = config(&administrator(&master));
    config.wait_replicas = 1;
    config.time_limit = Duration::from_secs(2);
    let store = config.open().await.unwrap();
    for round in 0..20_u8 {
        store.put("k", vec![round]).await.unwrap();
        let there = replica.call(&["HGET", "storage:meta", "last"]);
        assert_eq!(there.unwrap(), (round + 1).to_string());
    }
    replica.pause().unwrap();
    let error = store.put("k", "alone").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    // It was applied, after all, on one machine.
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "alone");
    let volatile = WriteOptions::new().durability(Durability::Volatile);
    let batch = WriteBatch::new().put("k", "v");
    store.commit_with(batch, &volatile).await.unwrap();
    replica.resume().unwrap();
    store.put("k", "together").await.unwrap();
}

#[tokio::test]
async fn a_full_server_is_full_without_effect_and_can_be_emptied() {
    let server = RedisServerConfig::new().setting("maxmemory", "12mb");
    let server = server.start().unwrap();
    let url = administrator(&server);
    let store = open(&url).await;
    let value = vec![7_u8; 100_000];
    let mut stored = 0_u32;
    let error = loop {
        let batch = WriteBatch::new()
            .put(format!("a/{stored}"), value.clone())
            .put(format!("b/{stored}"), value.clone());
        match store.commit(batch).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1_000, "the server is never full");
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(!store.exists(&format!("a/{stored}")).await.unwrap());
    assert!(!store.exists(&format!("b/{stored}")).await.unwrap());
    store.close().await.unwrap();

    // A store that is full can be opened, read and emptied.
    let store = open(&url).await;
    assert!(store.exists("a/0").await.unwrap());
    let all = storage_core::KeyRange::all();
    store
        .commit(WriteBatch::new().delete_range(all))
        .await
        .unwrap();
    store.put("k", "v").await.unwrap();
}

#[tokio::test]
async fn the_last_entry_of_a_full_server_can_be_deleted() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("k", "v").await.unwrap();
    server
        .call(&["CONFIG", "SET", "maxmemory", "1000"])
        .unwrap();
    let error = not_applied(store.put("k", "w").await);
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    store.delete("k").await.unwrap();
    assert!(!store.exists("k").await.unwrap());
    for key in ["entries", "index"] {
        let there = server.call(&["EXISTS", &format!("storage:{key}")]);
        assert_eq!(there.unwrap(), "0", "{key}");
    }
}

#[tokio::test]
async fn what_was_synced_outlives_a_kill() {
    let server = RedisServerConfig::new().start().unwrap();
    let url = administrator(&server);
    let store = open(&url).await;
    for number in 0..50_u8 {
        store.put(&[number], "v").await.unwrap();
    }
    let last = store.sequence();
    let server = blocking(move || {
        server.kill().unwrap();
        server.start().unwrap();
        server
    })
    .await;
    let store = open(&url).await;
    assert_eq!(store.sequence(), last);
    for number in 0..50_u8 {
        assert!(store.exists(&[number]).await.unwrap());
    }
    drop(server);
}

#[tokio::test]
async fn a_server_that_refuses_writes_for_now_is_unavailable_without_effect() {
    let server = RedisServerConfig::new().setting("appendonly", "no");
    let server = server.setting("save", "3600 1").start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("k", "1").await.unwrap();

    // Too few replicas follow.
    let replicas = |least| {
        let set = ["CONFIG", "SET", "min-replicas-to-write", least];
        server.call(&set).unwrap();
    };
    replicas("1");
    let error = not_applied(store.put("k", "2").await);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("NOREPLICAS"), "{error}");
    replicas("0");

    // It cannot save.
    let data = server.directory().join("data");
    let allow = |mode| std::fs::set_permissions(&data, Permissions::from_mode(mode)).unwrap();
    let save_until = |status: &str| {
        while !server
            .call(&["INFO", "persistence"])
            .unwrap()
            .contains(status)
        {
            let _ = server.call(&["BGSAVE"]);
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    allow(0o500);
    save_until("rdb_last_bgsave_status:err");
    let error = not_applied(store.put("k", "3").await);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("MISCONF"), "{error}");
    let health = store.health().await.unwrap();
    assert!(
        format!("{health:?}").contains("saving failed"),
        "{health:?}"
    );
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "1");
    allow(0o700);
    save_until("rdb_last_bgsave_status:ok");
    store.put("k", "4").await.unwrap();
}
