//! What closing makes of what is pending.

use storage_core::{ErrorKind, Store, StoreExt};
use storage_fallback::FallbackControl;

use crate::scene::{Scene, accepting, some, soon};

#[tokio::test]
async fn closing_writes_back_what_is_pending() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "v").await;
    scene.find_primary();
    // Closing the layer closes the primary, whose content is then out of reach.
    let watched = scene.store.find::<FallbackControl>().cloned();
    soon(scene.store.close()).await.unwrap();
    assert_eq!(watched.unwrap().stats().written_back, 1);
    let error = scene.get("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn what_is_in_memory_alone_is_not_closed_away() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "v").await;
    let error = soon(scene.store.close()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("abandon"), "{error}");
    assert_eq!(
        scene.get("k").await.unwrap(),
        some("v"),
        "all is still open"
    );
    assert_eq!(scene.control().abandon().await.unwrap(), 1);
    assert_eq!(scene.control().stats().abandoned, 1);
    scene.find_primary();
    assert_eq!(scene.get("k").await.unwrap(), None);
    soon(scene.store.close()).await.unwrap();
}
