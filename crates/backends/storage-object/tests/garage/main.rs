//! What the engine does on a Garage of three nodes, which does not honour conditions.
//! It is run where somebody asks for it: `cargo xtask test --with garage`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../kept/mod.rs"]
mod kept;

use storage_core::{
    ErrorKind, ReadExt, ReadSupport, Store, StoreExt, Support, WriteBatch, networked::Secret,
};
use storage_object::{ObjectConfig, ObjectPlace};
use storage_testkit::servers::GarageServer;

/// A store in a bucket of the server that this process shares.
async fn config() -> ObjectConfig {
    let bucket = || GarageServer::shared().new_bucket().unwrap();
    let bucket = tokio::task::spawn_blocking(bucket).await.unwrap();
    let mut config = ObjectConfig::from_url(&bucket.url("store")).unwrap();
    if let ObjectPlace::S3(place) = &mut config.place {
        let (id, key) = bucket.access_key();
        place.access_key = Some((id.into(), Secret::new(key)));
    }
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn the_race_finds_that_conditions_are_not_honoured() {
    let store = config().await.open().await.unwrap();
    assert_eq!(store.capabilities().guards, Support::Unsupported);
    assert_eq!(store.capabilities().reads, ReadSupport::Eventual);
    let health = store.health().await.unwrap();
    assert!(!health.is_well(), "{health:?}");
    store.put("k", "v").await.unwrap();
    let guarded = WriteBatch::new().present("k").put("k", "w");
    let error = store.commit(guarded).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_there_in_order_after_an_open_with_keys_of_all_lengths() {
    kept::what_was_put_is_there_in_order(config().await).await;
}
