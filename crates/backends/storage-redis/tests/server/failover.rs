//! Masters that are replaced by one that is told apart from them in one thing
//! only: what a new one must be, and know, before anything is claimed of it.

use std::time::Duration;

use storage_core::{Durability, ErrorKind, Outcome, ReadExt, Store, StoreExt};
use storage_redis::RedisBackend;
use storage_testkit::servers::{RedisServer, RedisServerConfig};
use tokio::time::Instant;

use crate::{administrator, blocking, config, not_applied, told_sentinel::ToldSentinel};

/// A master, and who follows it.
pub(crate) async fn pair(settings: &'static [(&str, &str)]) -> (RedisServer, RedisServer) {
    blocking(move || {
        let one = RedisServerConfig::new().start().unwrap();
        let other = one.replica().unwrap();
        for (name, value) in settings {
            other.call(&["CONFIG", "SET", name, value]).unwrap();
        }
        (one, other)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_whose_replicas_follow_another_one_is_looked_for_anew() {
    let (old, new) = pair(&[]).await;
    let sentinel = ToldSentinel::naming(old.address());
    let mut config = sentinel.config(&old);
    config.wait_replicas = 1;
    config.time_limit = Duration::from_secs(2);
    let store = config.open().await.unwrap();
    store.put("k", "1").await.unwrap();
    let _third = blocking({
        let sentinel = sentinel.clone();
        move || {
            new.promote().unwrap();
            sentinel.names(new.address());
            let third = new.replica().unwrap();
            (new, third)
        }
    })
    .await;
    // The old one does not know of it, and commits what no replica will have.
    let error = store.put("k", "lost").await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    store.put("k", "2").await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "2");
    assert_eq!(
        old.call(&["HGET", "storage:meta", "last"]).unwrap(),
        "2",
        "the second commit alone went to the old master"
    );
}

async fn failed_over(
    old: RedisServer,
    new: &RedisServer,
    limit: Duration,
) -> (RedisBackend, RedisServer) {
    let sentinel = ToldSentinel::naming(old.address());
    let mut config = sentinel.config(&old);
    config.time_limit = limit;
    let store = config.open().await.unwrap();
    let committed = store.put("k", "1").await.unwrap();
    assert_eq!(committed.durability, Durability::Synced);
    // Nobody waits for a replica, and one that is behind would not have the store.
    let last = |server: &RedisServer| server.call(&["HGET", "storage:meta", "last"]).unwrap();
    while last(new) != last(&old) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    new.promote().unwrap();
    sentinel.names(new.address());
    let old = blocking(move || {
        old.kill().unwrap();
        old
    })
    .await;
    // A session that has rested is asked before anything is sent on it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    (store, old)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_that_does_not_sync_is_not_said_to() {
    for settings in [
        &[("appendonly", "no")][..],
        &[("appendfsync", "everysec")],
        &[("no-appendfsync-on-rewrite", "yes")],
    ] {
        let (old, new) = pair(settings).await;
        let (store, _old) = failed_over(old, &new, Duration::from_secs(5)).await;
        let error = loop {
            let error = not_applied(store.put("k", "2").await);
            if error.kind() == ErrorKind::Unsupported {
                break error;
            }
            let is_soon_over = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
            assert!(is_soon_over, "{error:?}");
        };
        assert!(error.message().contains(settings[0].0), "{error}");
    }
}

/// For so many microseconds each key keeps a child that writes the log.
const WRITES_SLOWLY: &str = "1500000";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_syncs_nothing_before_its_log_is_whole() {
    let (old, new) = pair(&[("rdb-key-save-delay", WRITES_SLOWLY)]).await;
    let before = config(&administrator(&old)).open().await.unwrap();
    before.put("before", "v").await.unwrap();
    before.close().await.unwrap();
    // It copies all anew, and writes a log of that.
    let (old, new) = blocking(move || {
        new.call(&["REPLICAOF", "NO", "ONE"]).unwrap();
        new.follow(&old).unwrap();
        (old, new)
    })
    .await;
    let (store, _old) = failed_over(old, &new, Duration::from_millis(700)).await;
    let is_writing = || {
        let info = new.call(&["INFO", "persistence"]).unwrap();
        !info.contains("aof_rewrite_in_progress:0") || !info.contains("aof_rewrite_scheduled:0")
    };
    assert!(is_writing());
    let deadline = Instant::now() + Duration::from_mins(1);
    let (mut was_refused, mut was_reported) = (false, false);
    loop {
        let committed = store.put("k", "2").await;
        match committed {
            Ok(committed) => {
                assert_eq!(committed.durability, Durability::Synced);
                assert!(!is_writing());
                break;
            }
            Err(error) => {
                assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error:?}");
                assert!(Instant::now() < deadline, "{error:?}");
                if error.message().contains("written anew") {
                    was_refused = true;
                    let health = not_durable(&store).await;
                    let says_so = health.is_some_and(|detail| detail.contains("written anew"));
                    was_reported |= says_so;
                    assert!(says_so || !is_writing());
                }
            }
        }
    }
    assert!(was_refused && was_reported);
    assert_eq!(not_durable(&store).await, None);
}

/// What the store's health says of why commits are not durable.
async fn not_durable(store: &RedisBackend) -> Option<String> {
    let health = store.health().await.unwrap();
    let mut issues = health.issues.into_iter();
    let issue = issues.find(|issue| issue.name == "not_durable")?;
    Some(issue.detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_whole_is_written_anew_without_anybody_waiting() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = config(&administrator(&server)).open().await.unwrap();
    store.put("k", "1").await.unwrap();
    server
        .call(&["CONFIG", "SET", "rdb-key-save-delay", "2000000"])
        .unwrap();
    // The child has the connections of its parent, and would keep them open.
    server.call(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    server.call(&["BGREWRITEAOF"]).unwrap();
    store.put("k", "2").await.unwrap();
    let info = server.call(&["INFO", "persistence"]).unwrap();
    assert!(info.contains("aof_rewrite_in_progress:1"), "{info}");
    assert_eq!(not_durable(&store).await, None);
}
