//! Connections that break and servers that go: no answer is wrong, and none is
//! late.

use std::{sync::Arc, time::Duration};

use storage_core::{ErrorKind, Outcome, ReadExt, StoreExt, WriteBatch};
use storage_object::ObjectBackend;
use storage_testkit::servers::{Direction, Proxy, S3Server};

use crate::{blocking, config_of, fails, not_applied, server, timed};

/// How long calls may take in these tests.
const LIMIT: Duration = Duration::from_secs(3);

/// What a machine with much to do may add.
const LATE: Duration = Duration::from_secs(2);

struct Place {
    server: &'static S3Server,
    proxy: Arc<Proxy>,
    store: ObjectBackend,
}

impl Place {
    async fn on_server(&self, work: fn(&S3Server)) {
        let server = self.server;
        blocking(move || work(server)).await;
    }

    async fn on_proxy(&self, work: fn(&Proxy)) {
        let proxy = Arc::clone(&self.proxy);
        blocking(move || work(&proxy)).await;
    }
}

/// A store on a server of its own, behind a proxy.
async fn place() -> Place {
    let (server, bucket) = server().await;
    let proxy = blocking(|| Proxy::start(server.address()).unwrap()).await;
    let endpoint = format!("http://{}", proxy.address());
    let mut config = config_of(&bucket.url_at("store", &endpoint));
    config.time_limit = LIMIT;
    config.connect_timeout = Duration::from_secs(1);
    let store = config.open().await.unwrap();
    store.put("before", "value").await.unwrap();
    Place {
        server,
        proxy: Arc::new(proxy),
        store,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_never_unknown() {
    let place = place().await;
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    blocking(|| server.kill().unwrap()).await;
    for _ in 0..3 {
        let error = not_applied(store.put("k", "v").await);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        not_applied(store.delete("before").await);
        fails(store.get("before").await, ErrorKind::Unavailable);
    }
    drop(place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_answer_is_cut_off_is_found_to_be_applied() {
    let place = place().await;
    let store = &place.store;
    for round in 0..5_u8 {
        place
            .proxy
            .delay(Direction::ToClient, Duration::from_millis(600));
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.put(&[b'k', round], "v").await }
        });
        tokio::time::sleep(Duration::from_millis(400)).await;
        place
            .on_proxy(|proxy| {
                proxy.cut().unwrap();
                proxy.heal().unwrap();
            })
            .await;
        writing.await.unwrap().unwrap();
        assert!(store.exists(&[b'k', round]).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_may_never_arrive_is_unknown_and_a_guarded_one_is_done_once() {
    let place = place().await;
    let store = &place.store;
    for round in 0..5_u8 {
        let stamp = store.get("before").await.unwrap().unwrap().stamp();
        place
            .proxy
            .delay(Direction::ToServer, Duration::from_millis(400));
        let plain = tokio::spawn({
            let store = store.clone();
            async move { store.put(&[b'k', round], "v").await }
        });
        let guarded = tokio::spawn({
            let store = store.clone();
            let batch = WriteBatch::new()
                .unchanged("before", stamp)
                .put("before", [round].to_vec());
            async move { store.commit(batch).await }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        place
            .on_proxy(|proxy| {
                proxy.cut().unwrap();
                proxy.heal().unwrap();
            })
            .await;
        if let Err(error) = plain.await.unwrap() {
            assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
        }
        guarded.await.unwrap().unwrap();
        let value = store.get("before").await.unwrap().unwrap();
        assert_eq!(value.value(), &[round][..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_keeps_no_call_beyond_its_time() {
    let place = place().await;
    let store = &place.store;
    place.on_server(|server| server.pause().unwrap()).await;
    let (put, took) = timed(store.put("k", "v")).await;
    let error = put.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    assert!(took < LIMIT + LATE, "{took:?}");
    let calls = [
        timed(async { store.get("before").await.map(drop) }).await,
        timed(async { store.delete("before").await.map(drop) }).await,
        timed(async { store.count(storage_core::KeyRange::all()).await.map(drop) }).await,
    ];
    for (answer, took) in calls {
        fails(answer, ErrorKind::TimedOut);
        assert!(took < LIMIT + LATE, "{took:?}");
    }
    place.on_server(|server| server.resume().unwrap()).await;
    assert!(store.exists("before").await.unwrap());
    store.put("after", "v").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_goes_silent_keeps_no_call_beyond_its_time() {
    let place = place().await;
    let store = &place.store;
    place.proxy.swallow();
    let (put, took) = timed(store.put("k", "v")).await;
    assert!(put.is_err());
    assert!(took < LIMIT + LATE, "{took:?}");
    let (read, took) = timed(store.get("before")).await;
    assert!(read.is_err());
    assert!(took < LIMIT + LATE, "{took:?}");
    place.on_proxy(|proxy| proxy.heal().unwrap()).await;
    assert!(store.exists("before").await.unwrap());
    store.put("after", "v").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_slowly_is_waited_for_within_the_time_and_no_longer() {
    let place = place().await;
    let store = &place.store;
    let (slowly, too_slowly) = (LIMIT / 4, LIMIT * 2);
    place.proxy.delay(Direction::ToClient, slowly);
    let (put, took) = timed(store.put("slow", "v")).await;
    put.unwrap();
    assert!(took >= slowly, "{took:?}");
    assert_eq!(store.get("slow").await.unwrap().unwrap().value(), "v");
    place.proxy.delay(Direction::ToClient, too_slowly);
    let (read, took) = timed(store.get("slow")).await;
    fails(read, ErrorKind::TimedOut);
    assert!(took < LIMIT + LATE, "{took:?}");
    let (put, took) = timed(store.put("slower", "v")).await;
    assert_eq!(put.unwrap_err().outcome(), Some(Outcome::Unknown));
    assert!(took < LIMIT + LATE, "{took:?}");
    // A body of which a byte comes now and then is no answer either.
    store_large(&place).await;
    let trickle = std::num::NonZeroU64::new(1_000);
    place.proxy.delay(Direction::ToClient, Duration::ZERO);
    place.proxy.throttle(Direction::ToClient, trickle);
    let (read, took) = timed(store.get("large")).await;
    fails(read, ErrorKind::TimedOut);
    assert!(took < LIMIT + LATE, "{took:?}");
}

async fn store_large(place: &Place) {
    place.on_proxy(|proxy| proxy.heal().unwrap()).await;
    place.store.put("large", vec![7; 100_000]).await.unwrap();
}
