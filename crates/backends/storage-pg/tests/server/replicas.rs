//! Reads that may be stale.

use std::time::Duration;

use storage_core::{Consistency, KeyRange, Read, ReadOptions, ScanOptions, StoreExt};
use storage_pg::PgConfig;
use storage_testkit::servers::{PgServerConfig, Proxy, Replication};

use crate::blocking;

const fn stale(at_most: Duration) -> ReadOptions {
    ReadOptions::new().consistency(Consistency::Stale { at_most })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_read_goes_to_a_standby_only_if_that_is_fresh_enough() {
    let (primary, standby, urls) = blocking(|| {
        let primary = PgServerConfig::new().start().unwrap();
        let database = primary.new_database().unwrap();
        let standby = primary.standby(Replication::Asynchronous).unwrap();
        let urls = (database.url(), database.url_at(standby.address()));
        (primary, standby, urls)
    })
    .await;
    let mut config = PgConfig::from_url(&urls.0).unwrap();
    config.read_hosts = PgConfig::from_url(&urls.1).unwrap().hosts;
    let store = config.open().await.unwrap();
    store.put("k", "1").await.unwrap();
    let (primary, standby) = blocking(move || {
        standby.wait_for_replay_of(&primary).unwrap();
        standby
            .sql("postgres", "SELECT pg_wal_replay_pause()")
            .unwrap();
        (primary, standby)
    })
    .await;
    // Proof that the standby has the first value, while that is the last one.
    let hour = stale(Duration::from_hours(1));
    let first = store.get_with("k".into(), &hour).await.unwrap().unwrap();
    assert_eq!(first.value(), "1");
    store.put("k", "2").await.unwrap();
    // It stands still, so it shows the old value where that may be shown …
    let shown = store.get_with("k".into(), &hour).await.unwrap().unwrap();
    assert_eq!(shown.value(), "1");
    // … and is not asked where it may not.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let fresh = stale(Duration::from_millis(20));
    let shown = store.get_with("k".into(), &fresh).await.unwrap().unwrap();
    assert_eq!(shown.value(), "2");
    let options = ScanOptions::new().consistency(Consistency::Stale {
        at_most: Duration::from_millis(20),
    });
    let page = store.scan_with(&KeyRange::all(), &options).await.unwrap();
    assert_eq!(page.items[0].entry.value(), "2");
    let shown = store.get_with("k".into(), &ReadOptions::new()).await;
    assert_eq!(shown.unwrap().unwrap().value(), "2");
    // Without the standby, the primary answers.
    let standby = blocking(move || {
        standby.kill().unwrap();
        standby
    })
    .await;
    let shown = store.get_with("k".into(), &hour).await.unwrap().unwrap();
    assert_eq!(shown.value(), "2");
    drop((primary, standby));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_stops_answering_takes_no_read_with_it() {
    let (servers, proxy, urls) = blocking(|| {
        let primary = PgServerConfig::new().start().unwrap();
        let database = primary.new_database().unwrap();
        let standby = primary.standby(Replication::Asynchronous).unwrap();
        let proxy = Proxy::start(standby.address()).unwrap();
        let urls = (database.url(), database.url_at(proxy.address()));
        ((primary, standby), proxy, urls)
    })
    .await;
    let mut config = PgConfig::from_url(&urls.0).unwrap();
    config.read_hosts = PgConfig::from_url(&urls.1).unwrap().hosts;
    // Less than it takes to give up a connection.
    config.time_limit = Duration::from_secs(2);
    let store = config.open().await.unwrap();
    store.put("k", "1").await.unwrap();
    let hour = stale(Duration::from_hours(1));
    store.get_with("k".into(), &hour).await.unwrap();
    proxy.swallow();
    // A session that was just used, one that has to be made, and none.
    for _ in 0..3 {
        let shown = store.get_with("k".into(), &hour).await.unwrap().unwrap();
        assert_eq!(shown.value(), "1");
    }
    drop((servers, proxy));
}
