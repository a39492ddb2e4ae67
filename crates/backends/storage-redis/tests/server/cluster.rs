//! A store that is spread over a cluster: what batches it takes, and what becomes
//! of it when masters go.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use storage_core::{
    BatchScope, ErrorKind, KeyRange, Outcome, ReadExt, ReadSupport, ScanOptions, SequenceScope,
    Store, StoreExt, Support, WriteBatch,
};
use storage_redis::RedisCreation;
use storage_testkit::servers::RedisCluster;

use crate::{blocking, config, fails, not_applied, open};

#[tokio::test(flavor = "multi_thread")]
async fn batches_within_a_partition_are_taken_and_others_are_refused() {
    let url = blocking(|| RedisCluster::shared().new_prefix()).await;
    let store = open(&url).await;
    let capabilities = store.capabilities();
    assert_eq!(capabilities.batch, BatchScope::Partition);
    assert_eq!(capabilities.reads, ReadSupport::Eventual);
    assert_eq!(capabilities.sequence, SequenceScope::Unsupported);
    assert_eq!(capabilities.range_deletes, Support::Unsupported);

    let tagged = WriteBatch::new()
        .absent("{account/7}/balance")
        .put("{account/7}/balance", "5")
        .put("{account/7}/log/1", "+5");
    let committed = store.commit(tagged.clone()).await.unwrap();
    assert_eq!(committed.sequence, None);
    fails(store.commit(tagged).await, ErrorKind::Conflict);
    let apart = (0..20_u8).fold(WriteBatch::new(), |batch, key| batch.put(vec![key], "v"));
    let error = not_applied(store.commit(apart).await);
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.message().contains("braces"), "{error}");
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_all_partitions_is_in_order() {
    let url = blocking(|| RedisCluster::shared().new_prefix()).await;
    let store = open(&url).await;
    let keys: BTreeSet<_> = (0..500_u32)
        .map(|key| key.wrapping_mul(0x9e37_79b9))
        .collect();
    let puts = keys
        .iter()
        .map(|key| store.put(key.to_be_bytes().to_vec(), "v"));
    for put in futures_util::future::join_all(puts).await {
        put.unwrap();
    }
    for entries_max in [1, 7, 100, 1_000] {
        let options = ScanOptions::new().entries_max(entries_max);
        let scanned = store
            .scan(KeyRange::all(), options)
            .collect()
            .await
            .unwrap();
        let found: Vec<_> = scanned.iter().map(|item| item.key.to_vec()).collect();
        let expected: Vec<_> = keys.iter().map(|key| key.to_be_bytes().to_vec()).collect();
        assert_eq!(found, expected, "pages of {entries_max}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_keeps_the_partitions_that_it_was_made_with() {
    let cluster = blocking(RedisCluster::shared).await;
    let url = cluster.new_prefix();
    let mut made = config(&format!("{url}&partitions=3"));
    let store = made.clone().open().await.unwrap();
    for key in 0..30_u8 {
        store.put(&[key], "v").await.unwrap();
    }
    made.cluster = Some(storage_redis::RedisCluster::default());
    made.creation = RedisCreation::Never;
    let again = made.open().await.unwrap();
    assert_eq!(again.count(KeyRange::all()).await.unwrap(), 30);
    for key in 0..30_u8 {
        assert!(again.exists(&[key]).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_alone_is_no_cluster() {
    let server = storage_testkit::servers::RedisServer::shared();
    let user = server.administrator();
    let (name, password) = (user.name(), user.password());
    let url = format!("redis-cluster://{name}:{password}@{}", server.address());
    let error = config(&url).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_gone_is_replaced_and_what_was_acknowledged_is_there() {
    let cluster = Arc::new(blocking(|| RedisCluster::start().unwrap()).await);
    let mut config = config(&cluster.url("s"));
    config.time_limit = Duration::from_secs(5);
    config.connect_timeout = Duration::from_secs(1);
    config.wait_replicas = 1;
    let store = config.open().await.unwrap();
    for key in 0..64_u8 {
        store.put(&[key], "v").await.unwrap();
    }
    blocking({
        let cluster = Arc::clone(&cluster);
        move || {
            let slot = cluster.slot_of("{s:0}").unwrap();
            let (master, _) = cluster.pair_of(slot).unwrap();
            master.kill().unwrap();
            cluster.wait_for_failover_from(master, slot).unwrap();
            // The new master waits for a replica, too.
            master.start().unwrap();
        }
    })
    .await;
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    for key in 0..64_u8 {
        loop {
            match store.put(&[key, 1], "v").await {
                Ok(_) => break,
                Err(error) => {
                    assert!(tokio::time::Instant::now() < deadline, "{error}");
                    let passes =
                        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
                    assert!(passes, "{error:?}");
                    assert_ne!(error.outcome(), None);
                }
            }
        }
        assert!(store.exists(&[key]).await.unwrap());
    }
}

/// Its master and replica are gone, and the others are well: what is asked of it
/// waits, and nobody else for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_gone_holds_up_no_other() {
    let cluster = Arc::new(blocking(|| RedisCluster::start().unwrap()).await);
    for node in cluster.nodes() {
        // Otherwise all nodes refuse everything once one slot is not served.
        node.call(&["CONFIG", "SET", "cluster-require-full-coverage", "no"])
            .unwrap();
    }
    let mut config = config(&cluster.url("s"));
    config.time_limit = Duration::from_secs(30);
    config.connect_timeout = Duration::from_secs(1);
    let store = config.open().await.unwrap();
    let gone = cluster.slot_of("{s:0}").unwrap();
    let (master, replica) = cluster.pair_of(gone).unwrap();
    let of_gone: Vec<_> = (0..16)
        .map(|partition| format!("{{s:{partition}}}"))
        .filter(|tag| {
            let slot = cluster.slot_of(tag).unwrap();
            std::ptr::eq(cluster.pair_of(slot).unwrap().0, master)
        })
        .collect();
    let (mut lost, mut kept) = (Vec::new(), Vec::new());
    for key in 0..64_u8 {
        store.put(&[key], "0").await.unwrap();
        let field = String::from_utf8(vec![1, key]).unwrap();
        let is_gone = of_gone.iter().any(|tag| {
            let there = master.call(&["HEXISTS", &format!("{tag}:entries"), &field]);
            there.unwrap() == "1"
        });
        if is_gone { &mut lost } else { &mut kept }.push(key);
    }
    assert!(lost.len() > 8 && kept.len() > 8, "{lost:?} {kept:?}");
    master.kill().unwrap();
    replica.unwrap().kill().unwrap();

    let store = Arc::new(store);
    let waiting: Vec<_> = lost
        .iter()
        .flat_map(|key| {
            let (put, get) = (Arc::clone(&store), Arc::clone(&store));
            let key = *key;
            [
                tokio::spawn(async move { put.put(&[key], "1").await.map(drop) }),
                tokio::spawn(async move { get.get(&[key]).await.map(drop) }),
            ]
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for round in 0..3_u8 {
        for key in &kept {
            store.put(&[*key], vec![round]).await.unwrap();
            let entry = store.get(&[*key]).await.unwrap().unwrap();
            assert_eq!(entry.value(), &[round][..]);
        }
        let keys: Vec<_> = kept.iter().map(|key| vec![*key].into()).collect();
        let found = store.get_many(&keys).await.unwrap();
        assert!(found.iter().all(Option::is_some));
    }
    // All of that while the others were still waiting for theirs.
    let over = waiting.iter().filter(|call| call.is_finished()).count();
    assert_eq!(over, 0);
    for call in waiting {
        call.abort();
    }
}

/// The replica of a master has nothing of what it acknowledges, and replaces it.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_replica_has_is_lost_unless_it_was_waited_for() {
    for wait_replicas in [1, 0] {
        let cluster = Arc::new(blocking(|| RedisCluster::start().unwrap()).await);
        let mut config = config(&cluster.url("s"));
        config.time_limit = Duration::from_secs(2);
        config.connect_timeout = Duration::from_secs(1);
        config.wait_replicas = wait_replicas;
        let store = config.open().await.unwrap();
        store.put("{x}before", "v").await.unwrap();
        let tag = (0..16).find_map(|partition| {
            let tag = format!("{{s:{partition}}}");
            let slot = cluster.slot_of(&tag).unwrap();
            let entries = format!("{tag}:entries");
            let (master, _) = cluster.pair_of(slot).unwrap();
            let there = master
                .call(&["HEXISTS", &entries, "\u{1}{x}before"])
                .unwrap();
            (there == "1").then_some(slot)
        });
        let slot = tag.unwrap();
        blocking({
            let cluster = Arc::clone(&cluster);
            move || {
                let (master, replica) = cluster.pair_of(slot).unwrap();
                cluster.cut_link(master, replica.unwrap()).unwrap();
            }
        })
        .await;
        let written = store.put("{x}after", "v").await;
        match (wait_replicas, &written) {
            (0, Ok(_)) => {}
            (1, Err(error)) => assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error}"),
            other => panic!("{other:?}"),
        }
        blocking({
            let cluster = Arc::clone(&cluster);
            move || {
                let (master, _) = cluster.pair_of(slot).unwrap();
                master.kill().unwrap();
                cluster.wait_for_failover_from(master, slot).unwrap();
            }
        })
        .await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let is_there = loop {
            match store.exists("{x}after").await {
                Ok(is_there) => break is_there,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
            }
        };
        // Without waiting it is gone, as the documentation says.
        assert!(!is_there);
        assert!(store.exists("{x}before").await.unwrap());
    }
}
