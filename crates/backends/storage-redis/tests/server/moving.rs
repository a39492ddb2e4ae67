//! Slots that move from node to node: what goes on meanwhile, and what waits.

use std::{sync::Arc, time::Duration};

use storage_core::{ErrorKind, KeyRange, ReadExt, Store, StoreExt, WriteBatch};
use storage_redis::{RedisBackend, RedisConfig};
use storage_testkit::servers::RedisCluster;

use crate::{blocking, config, not_applied, timed};

/// A cluster that replaces no master: one that gets no time to run, on a machine
/// with much to do, would be replaced by one that knows nothing of the move, and
/// has half of the keys.
pub(crate) async fn steady() -> Arc<RedisCluster> {
    let cluster = blocking(|| RedisCluster::start().unwrap()).await;
    for node in cluster.nodes() {
        node.call(&["CONFIG", "SET", "cluster-node-timeout", "30000"])
            .unwrap();
    }
    Arc::new(cluster)
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_lose_no_commit_and_fail_none() {
    let cluster = steady().await;
    let mut config = config(&cluster.url("moving"));
    // A disk that others keep busy may hold a node up for seconds.
    config.time_limit = Duration::from_mins(1);
    let store = config.open().await.unwrap();
    for key in 0..64_u8 {
        store.put(&[key], "0").await.unwrap();
    }
    let moving = tokio::task::spawn_blocking({
        let cluster = Arc::clone(&cluster);
        move || {
            for partition in 0..8 {
                let slot = cluster.slot_of(&format!("{{moving:{partition}}}")).unwrap();
                cluster.move_slot(slot).unwrap();
            }
        }
    });
    let mut round = 0_u32;
    while !moving.is_finished() || round < 3 {
        round += 1;
        let puts = (0..64_u8).map(|key| store.put(vec![key], round.to_string()));
        for put in futures_util::future::join_all(puts).await {
            put.unwrap();
        }
        for key in 0..64_u8 {
            let entry = store.get(&[key]).await.unwrap().unwrap();
            assert_eq!(entry.value(), round.to_string().as_str());
        }
    }
    moving.await.unwrap();
    assert!(store.check().await.unwrap().damages.is_empty());
}

/// A slot that is on its way to another master, and has not arrived.
#[derive(Debug)]
pub(crate) struct Move {
    cluster: Arc<RedisCluster>,
    slot: u16,
}

impl Move {
    /// Begins to move the slot of a partition, and takes these keys of it along.
    pub(crate) async fn begin(cluster: &Arc<RedisCluster>, tag: &str, keys: &[&str]) -> Self {
        let keys: Vec<_> = keys.iter().map(|key| format!("{tag}:{key}")).collect();
        let (cluster, tag) = (Arc::clone(cluster), tag.to_owned());
        blocking(move || {
            let slot = cluster.slot_of(&tag).unwrap();
            cluster.begin_move(slot).unwrap();
            for key in keys {
                cluster.move_key(slot, &key).unwrap();
            }
            Self { cluster, slot }
        })
        .await
    }

    /// Moves the keys that are left.
    pub(crate) async fn rest(&self) {
        let (cluster, slot) = (Arc::clone(&self.cluster), self.slot);
        blocking(move || cluster.move_rest(slot).unwrap()).await;
    }

    /// Moves the keys that are left, and the slot.
    pub(crate) async fn end(self) {
        self.rest().await;
        blocking(move || self.cluster.end_move(self.slot).unwrap()).await;
    }
}

/// A store of one partition, whose slot is to be moved.
async fn movable(prefix: &str, limit: Duration) -> (Arc<RedisCluster>, RedisBackend, String) {
    let cluster = steady().await;
    let mut config = config(&format!("{}&partitions=1", cluster.url(prefix)));
    config.time_limit = limit;
    let store = config.open().await.unwrap();
    (cluster, store, format!("{{{prefix}:0}}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_has_arrived_is_used_before_its_slot_has() {
    let (cluster, store, tag) = movable("arrived", Duration::from_secs(20)).await;
    store.put("k", "1").await.unwrap();
    let all = ["entries", "index", "meta", "notes"];
    let moving = Move::begin(&cluster, &tag, &all).await;
    store.put("k", "2").await.unwrap();
    // Nobody there has run the script, or knows it any more.
    for node in cluster.nodes() {
        node.call(&["SCRIPT", "FLUSH"]).unwrap();
    }
    store.put("l", "3").await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "2");
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 2);
    moving.end().await;
    store.put("k", "4").await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_split_is_read_and_commits_wait_until_it_is_whole() {
    for gone in [&["entries"][..], &["meta"], &["entries", "index", "meta"]] {
        let (cluster, store, tag) = movable("split", Duration::from_secs(20)).await;
        store.put("k", "1").await.unwrap();
        let moving = Move::begin(&cluster, &tag, gone).await;
        let mut put = Box::pin(store.put("k", "2"));
        let waited = tokio::time::timeout(Duration::from_millis(500), &mut put).await;
        assert!(waited.is_err(), "{gone:?}: {waited:?}");
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "1");
        moving.end().await;
        put.await.unwrap();
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_to_a_partition_that_stays_split_is_refused_in_time_with_no_effect() {
    let (cluster, store, tag) = movable("stuck", Duration::from_secs(1)).await;
    store.put("k", "1").await.unwrap();
    let moving = Move::begin(&cluster, &tag, &["index"]).await;
    let error = not_applied(store.put("k", "2").await);
    let passes = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
    assert!(passes, "{error:?}");
    moving.end().await;
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "1");
}

/// What is gone while its slot moves is looked for elsewhere: a script that
/// deletes the last entry must not be told so in its middle.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_entry_is_deleted_while_its_slot_moves() {
    let (cluster, store, tag) = movable("last", Duration::from_secs(20)).await;
    store.put("{k}1", "1").await.unwrap();
    let moving = Move::begin(&cluster, &tag, &[]).await;
    let batch = WriteBatch::new().delete("{k}1").put("{k}2", "2");
    store.commit(batch).await.unwrap();
    let batch = WriteBatch::new().delete("{k}2").delete("{k}2");
    store.commit(batch).await.unwrap();
    moving.end().await;
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 0);
    assert!(store.check().await.unwrap().damages.is_empty());
}

/// A store that was made and closed, and whose slot is to be moved.
async fn closed(prefix: &str, limit: Duration) -> (Arc<RedisCluster>, RedisConfig, String) {
    let cluster = steady().await;
    let mut config = config(&format!("{}&partitions=1", cluster.url(prefix)));
    config.time_limit = limit;
    let store = config.clone().open().await.unwrap();
    store.put("k", "1").await.unwrap();
    store.close().await.unwrap();
    (cluster, config, format!("{{{prefix}:0}}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_opened_where_its_partition_has_arrived() {
    let (cluster, config, tag) = closed("opened", Duration::from_secs(20)).await;
    let all = ["entries", "index", "meta", "notes"];
    let moving = Move::begin(&cluster, &tag, &all).await;
    let store = config.open().await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "1");
    store.put("k", "2").await.unwrap();
    moving.end().await;
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_partition_is_split_is_opened_once_it_is_whole() {
    for gone in [&["entries"][..], &["meta"]] {
        let (cluster, config, tag) = closed("opened", Duration::from_secs(20)).await;
        let moving = Move::begin(&cluster, &tag, gone).await;
        let mut opening = Box::pin(config.open());
        let waited = tokio::time::timeout(Duration::from_millis(500), &mut opening).await;
        assert!(waited.is_err(), "{gone:?}: {waited:?}");
        moving.end().await;
        let store = opening.await.unwrap();
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_partition_stays_split_is_not_opened_in_time() {
    let (cluster, config, tag) = closed("opened", Duration::from_secs(2)).await;
    let moving = Move::begin(&cluster, &tag, &["index"]).await;
    let (opened, took) = timed(config.open()).await;
    let error = opened.unwrap_err();
    let passes = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
    assert!(passes, "{error:?}");
    let waited = Duration::from_secs(1)..Duration::from_secs(4);
    assert!(waited.contains(&took), "{took:?}");
    moving.end().await;
}
