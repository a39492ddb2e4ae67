//! Over a layer that gives expiries to puts that have none.

use std::time::Duration;

use storage::{
    Durability, SharedStore, Stack, Timestamp, WriteBatch,
    expiry::{ExpiryConfig, ExpiryLayer, Sweep},
    fallback::{FallbackConfig, StaleReads},
    prelude::*,
};

use crate::scene::{Scene, memory, not_applied, some};

#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
async fn over_expiry() -> Scene {
    let expiry = ExpiryConfig::new()
        .default_time_to_live(Duration::from_millis(20))
        .sweep(Sweep::Never);
    let primary = Stack::on(memory())
        .with(ExpiryLayer::new(expiry))
        .open()
        .await
        .unwrap();
    let config = FallbackConfig::new().reads(StaleReads::Always);
    let primary = SharedStore::new(primary);
    Scene::open_as(config, primary, memory()).await.unwrap()
}

#[tokio::test]
async fn what_a_commit_put_is_not_served_past_an_expiry_that_was_filled_in() {
    let scene = over_expiry().await;
    scene.store.put("k", "v").await.unwrap();
    scene.lose_primary();
    // Nothing is known of it, though it may still be there.
    scene.get("k").await.unwrap_err();
    scene.find_primary();
    // What was read has its expiry.
    scene.store.put("k", "v").await.unwrap();
    assert_eq!(scene.get("k").await.unwrap(), some("v"));
    scene.lose_primary();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(scene.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn a_put_whose_expiry_would_be_filled_in_is_not_accepted() {
    let scene = over_expiry().await;
    scene.lose_primary();
    let batch = WriteBatch::new().put("k", "v");
    let error = not_applied(scene.commit(batch, Durability::Volatile).await);
    assert!(error.message().contains("expire"), "{error}");
    let later = scene.store.clock().now().after(Duration::from_mins(1));
    let batch = WriteBatch::new().put_until("k", "v", later).delete("d");
    scene.commit(batch, Durability::Volatile).await.unwrap();
    let never = Timestamp::from_unix_milliseconds(u64::MAX);
    let batch = WriteBatch::new().put_until("kept", "v", never);
    scene.commit(batch, Durability::Volatile).await.unwrap();
    assert_eq!(scene.get("kept").await.unwrap(), some("v"));
}
