//! Opening stores by URL.

use storage::{blocking::block_on, prelude::*};

#[test]
fn a_memory_store_opens_and_takes_writes() {
    block_on(async {
        let store = storage::open("memory:").await.unwrap();
        store.put("a", "1").await.unwrap();
        assert_eq!(store.get("a").await.unwrap().unwrap().value, "1");
        assert_eq!(store.describe().engine, "memory");
    });
}

#[test]
fn an_unknown_scheme_is_invalid() {
    let error = block_on(storage::open("oracle:db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[cfg(feature = "fjall")]
#[test]
fn a_fjall_store_is_the_same_after_a_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("fjall:{}", directory.path().join("data").display());
    block_on(async {
        let store = storage::open(&url).await.unwrap();
        store.put("a", "1").await.unwrap();
        store.close().await.unwrap();
        let store = storage::open(&url).await.unwrap();
        assert_eq!(store.get("a").await.unwrap().unwrap().value, "1");
        store.close().await.unwrap();
    });
}

#[cfg(not(feature = "fjall"))]
#[test]
fn a_scheme_whose_feature_is_off_names_the_feature() {
    let error = block_on(storage::open("fjall:./data")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("feature `fjall`"), "{error}");
}
