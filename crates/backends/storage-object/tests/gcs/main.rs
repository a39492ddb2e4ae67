//! What the engine does with Google's rules, on a server of this process that keeps to
//! a few of them: no Google Cloud Storage was ever asked.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bucket;

use std::{sync::Arc, time::Duration};

use storage_core::{
    ErrorKind, Outcome, ReadExt, Retry, Store, StoreExt, Support, WriteBatch, networked::Secret,
};
use storage_object::{ObjectBackend, ObjectConfig, ObjectPlace};

use self::bucket::{Bucket, WAIT};

async fn store_in(bucket: &Arc<Bucket>) -> ObjectBackend {
    let endpoint = bucket.serve().await;
    let url = format!("gs://{}/store?endpoint={endpoint}", Bucket::NAME);
    let mut config = ObjectConfig::from_url(&url).unwrap();
    if let ObjectPlace::Gcs(place) = &mut config.place {
        place.access_token = Some(Secret::new("token"));
    }
    config.open().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_where_a_name_is_written_once_a_second_shows_that_conditions_hold() {
    let bucket = Arc::new(Bucket::default());
    let store = store_in(&bucket).await;
    assert_eq!(store.capabilities().guards, Support::Supported);
    assert!(bucket.throttled() > 0, "nobody wrote too fast");
    // What raced is gone.
    assert!(store.check().await.unwrap().damages.is_empty());
    assert_eq!(bucket.names(), ["store/STORAGE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_written_too_fast_is_throttled_with_the_wait_that_the_server_names() {
    let bucket = Arc::new(Bucket::default());
    let store = store_in(&bucket).await;
    bucket.set_pace(Duration::MAX);
    let guarded = WriteBatch::new().absent("k").put("k", "v");
    store.commit(guarded.clone()).await.unwrap();
    let error = store.put("k", "w").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error:?}");
    assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error:?}");
    assert_eq!(error.retry(), Retry::After(WAIT), "{error:?}");
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
    let error = store.commit(guarded).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    bucket.set_pace(Duration::ZERO);
    assert!(store.delete("k").await.unwrap());
    assert!(!store.exists("k").await.unwrap());
}
