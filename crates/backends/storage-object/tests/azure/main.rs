//! What the engine does on an Azurite, the nearest thing to Azure that a machine can
//! have. It is run where somebody asks for it: `cargo xtask test --with azurite`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[path = "../kept/mod.rs"]
mod kept;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU32, Ordering},
};

use object_store::{
    azure::{AzureAccessKey, AzureAuthorizer, AzureCredential},
    client::{HttpRequest, HttpRequestBody},
};
use storage_core::{ErrorKind, ReadExt, Store, StoreExt, Support, networked::Secret};
use storage_object::{ObjectBackend, ObjectClass, ObjectConfig, ObjectPlace};
use storage_testkit::servers::AzuriteServer;

/// A container of the server that this process shares.
struct Azure(String);

impl Azure {
    async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("container-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let made = name.clone();
        let making = tokio::task::spawn_blocking(move || make_container(&made));
        making.await.unwrap();
        Self(name)
    }

    fn config(&self) -> ObjectConfig {
        let server = AzuriteServer::shared();
        let (endpoint, account) = (server.endpoint(), AzuriteServer::ACCOUNT);
        let url = format!(
            "az://{}/store?endpoint={endpoint}&account={account}",
            self.0
        );
        let mut config = ObjectConfig::from_url(&url).unwrap();
        if let ObjectPlace::Azure(place) = &mut config.place {
            place.account_key = Some(Secret::new(AzuriteServer::ACCOUNT_KEY));
        }
        config
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_there_in_order_after_an_open_with_keys_of_all_lengths() {
    let azure = Azure::new().await;
    kept::what_was_put_is_there_in_order(azure.config()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_who_count_at_once_lose_no_update() {
    let azure = Azure::new().await;
    let store = azure.config().open().await.unwrap();
    let counting: Vec<_> = (0..12)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..3 {
                    add_one(&store).await
                }
            })
        })
        .collect();
    for counting in counting {
        counting.await.unwrap();
    }
    let count = store.get("count").await.unwrap().unwrap();
    assert_eq!(count.value(), &[36][..]);
}

async fn add_one(store: &ObjectBackend) {
    loop {
        let current = store.get("count").await.unwrap();
        let value = current.as_ref().map(|entry| entry.value().clone());
        let next = value.as_deref().map_or(1, |value| value[0] + 1);
        let swapped = store.compare_and_swap("count", value.as_deref(), Some(vec![next].into()));
        match swapped.await {
            Ok(_) => return,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_race_finds_that_conditions_are_honoured() {
    let azure = Azure::new().await;
    let store = azure.config().open().await.unwrap();
    let health = store.health().await.unwrap();
    assert_eq!(
        store.capabilities().guards,
        Support::Supported,
        "{health:?}"
    );
    // What raced is gone.
    assert!(store.check().await.unwrap().damages.is_empty());
    store.put("k", "v").await.unwrap();
    assert!(store.delete("k").await.unwrap());
    assert!(!store.delete("k").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_container_and_a_wrong_key_are_told_apart() {
    let azure = Azure::new().await;
    let missing = Azure("no-such-container".into());
    let error = missing.config().open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let mut config = azure.config();
    if let ObjectPlace::Azure(place) = &mut config.place {
        place.account_key = Some(Secret::new("aGlkZGVu"));
    }
    let error = config.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(!format!("{error:?}").contains("aGlkZGVu"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_value_is_written_in_parts_and_to_a_tier() {
    let azure = Azure::new().await;
    let mut config = azure.config();
    config.parts.bytes_min = 6 << 20;
    config.parts.part_bytes = 5 << 20;
    config.storage_classes = vec![ObjectClass::new("Cool")];
    let store = config.open().await.unwrap();
    let value = vec![7; 12 << 20];
    store.put("large", value.clone()).await.unwrap();
    assert!(store.get("large").await.unwrap().unwrap().value() == &value[..]);
}

/// Makes a container, for which `object_store` has no call.
fn make_container(name: &str) {
    let server = AzuriteServer::shared();
    let url = format!("{}/{name}?restype=container", server.endpoint());
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = http::Method::PUT;
    *request.uri_mut() = url.parse().unwrap();
    let key = AzureAccessKey::try_new(AzuriteServer::ACCOUNT_KEY).unwrap();
    let credential = AzureCredential::AccessKey(key);
    AzureAuthorizer::new(&credential, AzuriteServer::ACCOUNT)
        .try_authorize(&mut request)
        .unwrap();
    let mut text = format!(
        "PUT {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n",
        request.uri().path_and_query().unwrap(),
        server.address(),
    );
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "{text}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}
