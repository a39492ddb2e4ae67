//! Connections that break and servers that go: no answer is wrong, and none is
//! late.

use std::{sync::Arc, time::Duration};

use storage_core::{ErrorKind, Maintenance, ReadExt, Store, StoreExt};
use storage_pg::{PgBackend, PgConfig};
use storage_testkit::{
    lost_answers::{self, LATE},
    servers::{PgServer, PgServerConfig, Proxy},
};

use crate::{blocking, fails, not_applied, timed};

/// How long calls may take in these tests.
const LIMIT: Duration = Duration::from_secs(3);

/// What there is must be kept: dropped servers and proxies are ended.
struct Place {
    server: Arc<PgServer>,
    proxy: Arc<Proxy>,
    database: String,
    /// The way to the database that has no proxy.
    url_beside: String,
    store: PgBackend,
}

impl Place {
    async fn on_server(&self, work: fn(&PgServer)) {
        let server = Arc::clone(&self.server);
        blocking(move || work(&server)).await;
    }
}

/// A store on a server of its own, behind a proxy.
async fn place() -> Place {
    let (server, proxy, url, url_beside, database) = blocking(|| {
        let server = PgServerConfig::new().start().unwrap();
        let database = server.new_database().unwrap();
        let proxy = Proxy::start(server.address()).unwrap();
        let url = database.url_at(proxy.address());
        let url_beside = database.url_at(server.address());
        (server, proxy, url, url_beside, database.name().to_owned())
    })
    .await;
    let mut config = PgConfig::from_url(&url).unwrap();
    config.time_limit = LIMIT;
    config.connect_timeout = Duration::from_secs(1);
    let store = config.open().await.unwrap();
    store.put("before", "value").await.unwrap();
    Place {
        server: Arc::new(server),
        proxy: Arc::new(proxy),
        database,
        url_beside,
        store,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_never_unknown() {
    let place = place().await;
    let store = &place.store;
    place.on_server(|server| server.stop().unwrap()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..3 {
        let error = not_applied(store.put("k", "v").await);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        fails(store.get("before").await, ErrorKind::Unavailable);
    }
    place.on_server(|server| server.start().unwrap()).await;
    assert!(store.exists("before").await.unwrap());
    assert!(!store.exists("k").await.unwrap());
    store.put("k", "v").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_on_after_its_server_was_killed_and_restarted() {
    let place = place().await;
    let store = &place.store;
    place
        .on_server(|server| {
            server.kill().unwrap();
            server.start().unwrap();
        })
        .await;
    // Nobody has noticed that the connections are dead.
    store.put("k", "v").await.unwrap();
    assert!(store.exists("before").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_cut_off_is_found_to_be_applied() {
    let place = place().await;
    let beside = PgConfig::from_url(&place.url_beside).unwrap();
    let beside = beside.open().await.unwrap();
    let case = lost_answers::a_commit_whose_answer_is_cut_off_is_found_to_be_applied(
        &place.store,
        &beside,
        &place.proxy,
    );
    case.await.unwrap();
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
    let calls = [
        timed(async { store.put("k", "v").await.map(drop) }).await,
        timed(async { store.get("before").await.map(drop) }).await,
        timed(async { store.snapshot().await.map(drop) }).await,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_an_administrator_ends_is_replaced() {
    let place = place().await;
    let store = &place.store;
    for round in 0..10_u8 {
        place
            .on_server(|server| {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE application_name = 'storage'";
                server.sql("postgres", end).unwrap();
            })
            .await;
        store.put(&[round], "v").await.unwrap();
        assert!(store.exists(&[round]).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_for_too_long_times_out_with_nothing_applied() {
    let place = place().await;
    let store = &place.store;
    let (server, database) = (Arc::clone(&place.server), place.database.clone());
    let holding = tokio::task::spawn_blocking(move || {
        let hold = "BEGIN; SELECT pg_advisory_xact_lock(1937010530, \
                    'storage'::regnamespace::oid::integer); SELECT pg_sleep(5); COMMIT;";
        server.sql(&database, hold).unwrap();
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (written, took) = timed(store.put("k", "v")).await;
    let error = not_applied(written);
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(took < LIMIT + LATE, "{took:?}");
    assert!(!store.exists("k").await.unwrap());
    holding.await.unwrap();
    store.put("after", "v").await.unwrap();
    assert!(!store.exists("k").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_ends_when_the_network_has_gone_silent() {
    let place = place().await;
    let store = &place.store;
    let (server, database) = (Arc::clone(&place.server), place.database.clone());
    let holding = tokio::spawn(blocking(move || {
        let lock = "BEGIN; LOCK TABLE storage.entries IN SHARE UPDATE EXCLUSIVE MODE; \
            SELECT pg_sleep(20); COMMIT;";
        server.sql(&database, lock).unwrap();
    }));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let upkeep = tokio::spawn({
        let store = store.clone();
        async move { store.maintain(Maintenance::Vacuum).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    place.proxy.swallow();
    let ended = tokio::time::timeout(Duration::from_mins(1), upkeep).await;
    let error = ended.expect("it hangs").unwrap().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut),
        "{error}"
    );
    holding.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_less_than_was_promised_is_refused() {
    let place = place().await;
    let store = &place.store;
    for (fsync, is_refused) in [("off", true), ("on", false)] {
        let server = Arc::clone(&place.server);
        blocking(move || {
            const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE application_name = 'storage'";
            server.set("fsync", fsync).unwrap();
            server.sql(PgServer::MAINTENANCE, END).unwrap();
        })
        .await;
        let written = store.put("k", fsync).await;
        if is_refused {
            let error = not_applied(written);
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.message().contains("fsync"), "{error}");
        } else {
            written.unwrap();
        }
    }
}
