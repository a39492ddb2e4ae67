//! Connections that break and servers that go: no answer is wrong, and none is
//! late.

use std::{sync::Arc, time::Duration};

use storage_core::{ErrorKind, Outcome, ReadExt, Store, StoreExt};
use storage_redis::RedisBackend;
use storage_testkit::{
    lost_answers::{self, LATE},
    servers::{Direction, Proxy, RedisServer, RedisServerConfig},
};

use crate::{
    administrator, blocking, config, fails, not_applied, open, timed, unanswered::Unanswered,
};

/// How long calls may take in these tests.
const LIMIT: Duration = Duration::from_secs(3);

/// What there is must be kept: dropped servers and proxies are ended.
struct Place {
    server: Arc<RedisServer>,
    proxy: Arc<Proxy>,
    store: RedisBackend,
}

impl Place {
    async fn on_server(&self, work: fn(&RedisServer)) {
        let server = Arc::clone(&self.server);
        blocking(move || work(&server)).await;
    }

    async fn on_proxy(&self, work: fn(&Proxy)) {
        let proxy = Arc::clone(&self.proxy);
        blocking(move || work(&proxy)).await;
    }
}

/// A store on a server of its own, behind a proxy.
async fn place() -> Place {
    let (server, proxy, url) = blocking(|| {
        let server = RedisServerConfig::new().start().unwrap();
        let proxy = Proxy::start(server.address()).unwrap();
        let url = RedisServer::url_at(proxy.address(), server.administrator(), 0);
        (server, proxy, url)
    })
    .await;
    let mut config = config(&url);
    config.time_limit = LIMIT;
    config.connect_timeout = Duration::from_secs(1);
    let store = config.open().await.unwrap();
    store.put("before", "value").await.unwrap();
    Place {
        server: Arc::new(server),
        proxy: Arc::new(proxy),
        store,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_never_unknown() {
    let place = place().await;
    let store = &place.store;
    place
        .on_proxy(|proxy| {
            proxy.refuse().unwrap();
            proxy.cut().unwrap();
        })
        .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..3 {
        let error = not_applied(store.put("k", "v").await);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        fails(store.get("before").await, ErrorKind::Unavailable);
    }
    place.on_proxy(|proxy| proxy.heal().unwrap()).await;
    assert!(store.exists("before").await.unwrap());
    assert!(!store.exists("k").await.unwrap());
    store.put("k", "v").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_on_after_its_server_was_killed_and_restarted() {
    let place = place().await;
    let store = &place.store;
    for round in 0..3_u8 {
        place
            .on_server(|server| {
                server.kill().unwrap();
                server.start().unwrap();
            })
            .await;
        // Nobody has noticed that the connections are dead.
        store.put(&[round], "v").await.unwrap();
        assert!(store.exists("before").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_cut_off_is_found_to_be_applied() {
    let place = place().await;
    let beside = open(&administrator(&place.server)).await;
    let case = lost_answers::a_commit_whose_answer_is_cut_off_is_found_to_be_applied(
        &place.store,
        &beside,
        &place.proxy,
    );
    case.await.unwrap();
}

/// What it left is written anew, which a server may refuse for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_looked_up_for_a_moment_is_found_afterwards() {
    let place = place().await;
    let replicas = |least| {
        let set = ["CONFIG", "SET", "min-replicas-to-write", least];
        place.server.call(&set).unwrap();
    };
    let unanswered = Unanswered::begin(&place.store, &place.proxy, &[&place.server]).await;
    replicas("1");
    let found = tokio::spawn(unanswered.lost());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!found.is_finished(), "nobody can know yet");
    replicas("0");
    found.await.unwrap().unwrap();
}

/// It is still on its way when it is looked up.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_told_not_to_be_applied_does_not_arrive_later() {
    let place = place().await;
    let store = &place.store;
    let server = place.server.address();
    let slow = blocking(move || Proxy::start(server).unwrap()).await;
    place.proxy.point_at(slow.address());
    place.on_proxy(|proxy| proxy.cut().unwrap()).await;
    store.put("warm", "v").await.unwrap();
    slow.delay(Direction::ToServer, Duration::from_millis(2_800));
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.put("k", "v").await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Connections to come are as fast as ever.
    place.proxy.point_at(server);
    let error = not_applied(writing.await.unwrap());
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    tokio::time::sleep(LIMIT).await;
    assert!(!store.exists("k").await.unwrap());
    store.put("k", "v").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrives_is_found_not_to_be_applied_or_done_anew() {
    let place = place().await;
    let case = lost_answers::a_commit_that_never_arrives_is_found_not_to_be_applied_or_done_anew(
        &place.store,
        &place.proxy,
    );
    case.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_goes_silent_keeps_no_call_beyond_its_time() {
    let place = place().await;
    let case = lost_answers::a_network_that_goes_silent_keeps_no_call_beyond_its_time(
        &place.store,
        &place.proxy,
        LIMIT,
    );
    case.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_keeps_no_call_beyond_its_time() {
    let place = place().await;
    let store = &place.store;
    place.on_server(|server| server.pause().unwrap()).await;
    // What is sent to it waits in its system, and is done when it goes on.
    let (written, took) = timed(store.put("k", "v")).await;
    let error = written.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error}");
    assert!(took < LIMIT + LATE, "{took:?}: {error}");
    let calls = [
        timed(async { store.get("before").await.map(drop) }).await,
        timed(async { store.stats().await.map(drop) }).await,
    ];
    for (answer, took) in calls {
        let error = answer.unwrap_err();
        assert!(took < LIMIT + LATE, "{took:?}: {error}");
    }
    place.on_server(|server| server.resume().unwrap()).await;
    assert!(store.exists("before").await.unwrap());
    store.put("after", "v").await.unwrap();
}

/// The server wakes while the commit is looked up, with the commit still waiting
/// in its system: it must not be done after it was told not to be.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_a_paused_server_has_not_read_is_told_truly_when_it_goes_on() {
    let place = place().await;
    let store = &place.store;
    for round in 0..4_u8 {
        store.put("warm", "v").await.unwrap();
        place.on_server(|server| server.pause().unwrap()).await;
        let key = [b'k', round];
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.put(&key, "v").await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        place.on_proxy(|proxy| proxy.cut().unwrap()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        place.on_server(|server| server.resume().unwrap()).await;
        let written = writing.await.unwrap();
        let is_there = store.exists(&key).await.unwrap();
        match written {
            Ok(_) => assert!(is_there),
            Err(error) if error.outcome() == Some(Outcome::NotApplied) => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                assert!(!store.exists(&key).await.unwrap(), "{error}");
            }
            Err(error) => assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_an_administrator_ends_is_replaced() {
    let place = place().await;
    let store = &place.store;
    for round in 0..10_u8 {
        place
            .on_server(|server| drop(server.call(&["CLIENT", "KILL", "TYPE", "normal"])))
            .await;
        store.put(&[round], "v").await.unwrap();
        assert!(store.exists(&[round]).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_times_out_and_the_outcome_is_true() {
    let place = place().await;
    let store = &place.store;
    let server = Arc::clone(&place.server);
    let busy = tokio::task::spawn_blocking(move || server.call(&["DEBUG", "SLEEP", "4.5"]));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (written, took) = timed(store.put("k", "v")).await;
    let error = written.unwrap_err();
    assert!(took < LIMIT + LATE, "{took:?}");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    busy.await.unwrap().unwrap();
    store.put("after", "v").await.unwrap();
    if error.outcome() == Some(Outcome::NotApplied) {
        assert!(!store.exists("k").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_becomes_a_replica_is_not_written_to() {
    let place = place().await;
    let store = &place.store;
    let server = Arc::clone(&place.server);
    let other = blocking(move || {
        let other = server.replica().unwrap();
        other.promote().unwrap();
        server.follow(&other).unwrap();
        other
    })
    .await;
    let error = not_applied(store.put("k", "v").await);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    drop(other);
}
