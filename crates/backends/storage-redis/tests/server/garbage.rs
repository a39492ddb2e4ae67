//! Servers that answer nonsense, or too late, to a store that is open.

use std::{net::SocketAddr, time::Duration};

use storage_core::{ErrorKind, Outcome, ReadExt, StoreExt};
use storage_redis::RedisBackend;
use storage_testkit::servers::{Direction, Proxy, RedisServer};

use crate::{blocking, config, database, not_applied, refusals::answering, timed};

const LIMIT: Duration = Duration::from_secs(2);

/// What a machine with much to do may add.
const LATE: Duration = Duration::from_secs(2);

/// A store of the shared server, behind a proxy.
async fn behind_a_proxy() -> (Proxy, RedisBackend) {
    let proxy = blocking(|| Proxy::start(RedisServer::shared().address()).unwrap()).await;
    let server = RedisServer::shared().address().to_string();
    let url = database().replace(&server, &proxy.address().to_string());
    let mut config = config(&url);
    config.time_limit = LIMIT;
    config.connect_timeout = Duration::from_millis(500);
    let store = config.open().await.unwrap();
    store.put("before", "v").await.unwrap();
    (proxy, store)
}

async fn lead_to(proxy: Proxy, target: SocketAddr) -> Proxy {
    blocking(move || {
        proxy.point_at(target);
        proxy.cut().unwrap();
        proxy
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_place_of_the_server_is_unavailable_and_nothing_is_applied() {
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"*99999999\r\n",
        b"$-7\r\n",
        b"\0\xff\0\xff garbage",
    ] {
        let (proxy, store) = behind_a_proxy().await;
        let proxy = lead_to(proxy, answering(garbage)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (written, took) = timed(store.put("k", "v")).await;
        let error = not_applied(written);
        let passes = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
        assert!(passes, "{error:?}");
        assert!(took < LIMIT + LATE, "{took:?}");
        store.get("before").await.unwrap_err();
        let _proxy = lead_to(proxy, RedisServer::shared().address()).await;
        assert!(store.exists("before").await.unwrap());
        assert!(!store.exists("k").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_waited_for_within_the_limit_and_no_longer() {
    let (proxy, store) = behind_a_proxy().await;
    proxy.delay(Direction::ToClient, Duration::from_millis(300));
    store.put("slow", "v").await.unwrap();
    assert!(store.exists("slow").await.unwrap());
    proxy.delay(Direction::ToClient, Duration::from_secs(10));
    let (written, took) = timed(store.put("k", "v")).await;
    let error = written.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    assert!(took < LIMIT + LATE, "{took:?}");
    let (read, took) = timed(store.get("before")).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(took < LIMIT + LATE, "{took:?}");
    blocking(move || proxy.heal().map(|()| proxy).unwrap()).await;
}
