//! Servers that take over from others: what was answered is there, and nothing of
//! the old server is shown once the new one is known.

use std::time::Duration;

use storage_core::{Consistency, Outcome, Read, ReadExt, ReadOptions, StoreExt};
use storage_pg::PgConfig;
use storage_testkit::servers::{PgDatabase, PgServer, PgServerConfig, Replication};

use crate::{blocking, not_applied};

/// A server that takes writes, and a database on it.
fn primary() -> (PgServer, PgDatabase) {
    let primary = PgServerConfig::new().start().unwrap();
    let database = primary.new_database().unwrap();
    (primary, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_followed_and_loses_nothing_that_was_answered() {
    let (primary, standby, hosts) = blocking(|| {
        let primary = PgServerConfig::new().start().unwrap();
        let database = primary.new_database().unwrap();
        let standby = primary.standby(Replication::Synchronous).unwrap();
        let urls = (database.url(), database.url_at(standby.address()));
        (primary, standby, urls)
    })
    .await;
    let mut config = PgConfig::from_url(&hosts.0).unwrap();
    config
        .hosts
        .extend(PgConfig::from_url(&hosts.1).unwrap().hosts);
    // The standby is asked first, and takes no writes.
    config.hosts.reverse();
    config.time_limit = Duration::from_secs(10);
    let store = config.open().await.unwrap();
    for number in 0..20_u8 {
        store.put(&[number], "v").await.unwrap();
    }
    let last = store.sequence();
    let (primary, standby) = blocking(move || {
        primary.kill().unwrap();
        standby.promote().unwrap();
        standby.set("synchronous_standby_names", "").unwrap();
        (primary, standby)
    })
    .await;
    let committed = store.put("after", "v").await.unwrap();
    assert!(committed.sequence > last);
    for number in 0..20_u8 {
        assert!(store.exists(&[number]).await.unwrap());
    }
    // The old one comes back, and does not know that it was replaced.
    let _servers = blocking(move || {
        primary.start().unwrap();
        primary.set("synchronous_standby_names", "").unwrap();
        standby.stop().unwrap();
        (primary, standby)
    })
    .await;
    let error = not_applied(store.put("split", "v").await);
    assert!(error.message().contains("timeline"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_kept_with_a_server_that_was_taken_over_from_are_not_used() {
    let (servers, mut config) = blocking(|| {
        let (primary, database) = primary();
        let standby = primary.standby(Replication::Asynchronous).unwrap();
        let [mut config, other] = [&primary, &standby]
            .map(|server| PgConfig::from_url(&database.url_at(server.address())).unwrap());
        config.hosts.extend(other.hosts);
        ((primary, standby), config)
    })
    .await;
    // Short, for the server that stands still; not so short that a busy machine takes longer.
    config.time_limit = Duration::from_secs(12);
    config.connect_timeout = Duration::from_secs(1);
    let store = config.open().await.unwrap();
    store.put("k", "old").await.unwrap();
    assert!(store.exists("k").await.unwrap());
    let servers = blocking(move || {
        servers.1.wait_for_replay_of(&servers.0).unwrap();
        servers
    })
    .await;
    // The old server stands still for a while, and goes on: sessions with it outlast
    // that, since none was idle for so long that it is asked whether it lives.
    store.put("used", "just now").await.unwrap();
    let servers = blocking(move || {
        servers.0.pause().unwrap();
        servers
    })
    .await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.put("k", "lost").await }
    });
    let servers = blocking(move || {
        servers.1.promote().unwrap();
        servers
    })
    .await;
    not_applied(writing.await.unwrap());
    store.put("k", "new").await.unwrap();
    let servers = blocking(move || {
        servers.0.resume().unwrap();
        servers
    })
    .await;
    for _ in 0..3 {
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "new");
    }
    drop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_no_standby_has_is_not_called_applied() {
    let (primary, standby, mut config) = blocking(|| {
        let (primary, database) = primary();
        let standby = primary.standby(Replication::Synchronous).unwrap();
        let config = PgConfig::from_url(&database.url()).unwrap();
        (primary, standby, config)
    })
    .await;
    config.time_limit = Duration::from_secs(8);
    let store = config.open().await.unwrap();
    store.put("before", "v").await.unwrap();
    let standby = blocking(move || {
        standby.kill().unwrap();
        standby
    })
    .await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.put("k", "v").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let primary = blocking(move || {
        primary.kill().unwrap();
        primary.start().unwrap();
        primary
    })
    .await;
    let error = writing.await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error}");
    // It is on one machine only.
    assert!(store.exists("k").await.unwrap());
    drop((primary, standby));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_of_an_older_history_is_not_fresh_however_far_it_is() {
    let (servers, mut config) = blocking(|| {
        let (primary, database) = primary();
        let [next, other] = [(); 2].map(|()| primary.standby(Replication::Asynchronous).unwrap());
        let [mut config, of_next, of_other] = [&primary, &next, &other]
            .map(|server| PgConfig::from_url(&database.url_at(server.address())).unwrap());
        config.hosts.extend(of_next.hosts);
        config.read_hosts = of_other.hosts;
        ((primary, next, other), config)
    })
    .await;
    config.time_limit = Duration::from_secs(10);
    let store = config.open().await.unwrap();
    store.put("k", "1").await.unwrap();
    let servers = blocking(move || {
        const MUCH: &str = "CREATE TABLE much AS \
            SELECT repeat('x', 1000) AS text FROM generate_series(1, 20000)";
        let (primary, next, other) = &servers;
        next.wait_for_replay_of(primary).unwrap();
        next.kill().unwrap();
        primary.sql(PgServer::MAINTENANCE, MUCH).unwrap();
        other.wait_for_replay_of(primary).unwrap();
        primary.kill().unwrap();
        next.start().unwrap();
        next.promote().unwrap();
        servers
    })
    .await;
    store.put("k", "2").await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let at_most = Duration::from_millis(200);
    let options = ReadOptions::new().consistency(Consistency::Stale { at_most });
    for _ in 0..3 {
        let shown = store.get_with("k".into(), &options).await.unwrap().unwrap();
        assert_eq!(shown.value(), "2");
    }
    drop(servers);
}
