//! Commits whose answers are lost, and which are looked up on another server than they
//! were sent to: after a failover, and while a slot moves or has moved.

use std::{sync::Arc, time::Duration};

use storage_core::{Committed, Durability, KeyRange, Outcome, Read, ReadExt, Result, StoreExt};
use storage_redis::RedisBackend;
use storage_testkit::servers::{Proxy, RedisCluster, RedisServer};

use crate::{
    blocking, config,
    failover::pair,
    moving::{Move, steady},
    told_sentinel::ToldSentinel,
    unanswered::Unanswered,
};

/// How long calls may take in these tests.
const LIMIT: Duration = Duration::from_secs(40);

/// All keys of a partition.
const KEYS: [&str; 4] = ["entries", "index", "meta", "notes"];

/// A master behind a proxy, of which a sentinel tells, and who follows it.
struct Watched {
    old: Arc<RedisServer>,
    new: Arc<RedisServer>,
    proxy: Arc<Proxy>,
    sentinel: ToldSentinel,
    store: RedisBackend,
}

impl Watched {
    async fn begin(wait_replicas: u32, limit: Duration) -> Self {
        let (old, new) = pair(&[]).await;
        let address = old.address();
        let proxy = blocking(move || Proxy::start(address).unwrap()).await;
        let sentinel = ToldSentinel::naming(proxy.address());
        let mut config = sentinel.config(&old);
        config.time_limit = limit;
        config.wait_replicas = wait_replicas;
        let store = config.open().await.unwrap();
        store.put("before", "v").await.unwrap();
        let watched = Self {
            old: Arc::new(old),
            new: Arc::new(new),
            proxy: Arc::new(proxy),
            sentinel,
            store,
        };
        let last = |server: &RedisServer| server.call(&["HGET", "storage:meta", "last"]).unwrap();
        while last(&watched.new) != last(&watched.old) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        watched
    }

    /// The new master is named, and the old one is gone.
    async fn fail_over(&self) {
        self.new.promote().unwrap();
        self.sentinel.names(self.new.address());
        let old = Arc::clone(&self.old);
        blocking(move || old.kill().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_replicated_is_found_on_the_new_master() {
    for wait_replicas in [0, 1] {
        let watched = Watched::begin(wait_replicas, LIMIT).await;
        let (store, new) = (&watched.store, &watched.new);
        let servers = [&*watched.old, new];
        let unanswered = Unanswered::begin(store, &watched.proxy, &servers).await;
        // With whom it must be, too, where a replica is waited for.
        new.promote().unwrap();
        let new = Arc::clone(new);
        let _third = blocking(move || new.replica().unwrap()).await;
        watched.fail_over().await;
        let committed = unanswered.lost().await.unwrap();
        assert_eq!(committed.sequence, store.sequence());
        assert_eq!(committed.durability, Durability::Synced);
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
    }
}

/// Nobody follows the new master in time, so a second failover may lose the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_a_new_master_has_and_no_replica_is_unknown_where_one_is_waited_for() {
    let limit = Duration::from_secs(12);
    let watched = Watched::begin(1, limit).await;
    let servers = [&*watched.old, &*watched.new];
    let unanswered = Unanswered::begin(&watched.store, &watched.proxy, &servers).await;
    watched.fail_over().await;
    let error = unanswered.lost().await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
}

/// The old master may be seen by others for a while, and has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_a_new_master_does_not_have_is_unknown() {
    let watched = Watched::begin(0, LIMIT).await;
    watched.new.promote().unwrap();
    let servers = [&*watched.old];
    let unanswered = Unanswered::begin(&watched.store, &watched.proxy, &servers).await;
    watched.fail_over().await;
    let error = unanswered.lost().await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    assert!(!watched.store.exists("k").await.unwrap());
}

/// How far a server has come with what is replicated.
fn offset_of(server: &RedisServer, name: &str) -> u64 {
    let info = server.call(&["INFO", "replication"]).unwrap();
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    let (_, offset) = lines.find(|(found, _)| *found == name).unwrap();
    offset.trim().parse().unwrap()
}

/// A store of one partition, in a cluster whose nodes are behind proxies.
struct Clustered {
    cluster: Arc<RedisCluster>,
    proxies: Vec<Arc<Proxy>>,
    store: RedisBackend,
    slot: u16,
}

impl Clustered {
    const TAG: &'static str = "{looked:0}";

    async fn begin(cluster: Arc<RedisCluster>) -> Self {
        let proxies = blocking({
            let cluster = Arc::clone(&cluster);
            move || cluster.start_proxies().unwrap()
        })
        .await;
        let mut config = config(&format!("{}&partitions=1", cluster.url("looked")));
        config.time_limit = LIMIT;
        let store = config.open().await.unwrap();
        store.put("before", "v").await.unwrap();
        let slot = cluster.slot_of(Self::TAG).unwrap();
        if let (master, Some(replica)) = cluster.pair_of(slot).unwrap() {
            let written = offset_of(master, "master_repl_offset");
            while offset_of(replica, "slave_repl_offset") < written {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Self {
            slot,
            cluster,
            proxies: proxies.into_iter().map(Arc::new).collect(),
            store,
        }
    }

    fn owner(&self) -> &RedisServer {
        self.cluster.pair_of(self.slot).unwrap().0
    }

    fn proxy_of(&self, node: &RedisServer) -> &Arc<Proxy> {
        let mut nodes = self.cluster.nodes().iter().zip(&self.proxies);
        let found = nodes.find_map(|(one, proxy)| std::ptr::eq(one, node).then_some(proxy));
        found.unwrap()
    }

    async fn begin_move(&self, keys: &[&str]) -> Move {
        Move::begin(&self.cluster, Self::TAG, keys).await
    }

    /// The commit was found, and was done once.
    async fn ensure_found(&self, found: Result<Committed>) {
        assert_eq!(found.unwrap().durability, Durability::Synced);
        assert_eq!(self.store.get("k").await.unwrap().unwrap().value(), "v");
        assert_eq!(self.store.count(KeyRange::all()).await.unwrap(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_note_moves_on_is_found_with_the_taker_of_its_slot() {
    let site = Clustered::begin(steady().await).await;
    let moving = site.begin_move(&[]).await;
    let owner = site.owner();
    let unanswered = Unanswered::begin(&site.store, site.proxy_of(owner), &[owner]).await;
    moving.rest().await;
    site.ensure_found(unanswered.lost().await).await;
    moving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_sent_to_the_taker_of_a_slot_is_found_there() {
    let site = Clustered::begin(steady().await).await;
    let moving = site.begin_move(&KEYS).await;
    let taker = site.cluster.taker_of(site.slot).unwrap();
    // The way there is known when the answer is lost.
    site.store.put("before", "w").await.unwrap();
    let unanswered = Unanswered::begin(&site.store, site.proxy_of(taker), &[taker]).await;
    site.ensure_found(unanswered.lost().await).await;
    moving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_slot_has_moved_is_found_with_its_new_owner() {
    let site = Clustered::begin(steady().await).await;
    let owner = site.owner();
    let unanswered = Unanswered::begin(&site.store, site.proxy_of(owner), &[owner]).await;
    site.begin_move(&[]).await.end().await;
    assert!(!std::ptr::eq(owner, site.owner()));
    site.ensure_found(unanswered.lost().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_replicated_is_found_with_the_replica_that_is_promoted() {
    let cluster = blocking(|| RedisCluster::start().unwrap()).await;
    let site = Clustered::begin(Arc::new(cluster)).await;
    let (master, replica) = site.cluster.pair_of(site.slot).unwrap();
    let servers = [master, replica.unwrap()];
    let unanswered = Unanswered::begin(&site.store, site.proxy_of(master), &servers).await;
    blocking({
        let (cluster, slot) = (Arc::clone(&site.cluster), site.slot);
        move || {
            let (master, _) = cluster.pair_of(slot).unwrap();
            master.kill().unwrap();
            cluster.wait_for_failover_from(master, slot).unwrap();
        }
    })
    .await;
    site.ensure_found(unanswered.lost().await).await;
}
