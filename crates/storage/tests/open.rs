//! Opening stores by URL.

use storage::{DirectoryEngine, blocking::block_on, prelude::*};

#[test]
fn a_memory_store_opens_and_takes_writes() {
    block_on(async {
        let store = storage::open("memory:").await.unwrap();
        store.put("a", "1").await.unwrap();
        assert_eq!(store.get("a").await.unwrap().unwrap().value(), "1");
        assert_eq!(store.describe().engine, "memory");
    });
}

#[test]
fn an_unknown_scheme_is_invalid() {
    let error = block_on(storage::open("oracle:db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

fn engines(are_built_in: bool) -> impl Iterator<Item = DirectoryEngine> {
    let all = DirectoryEngine::ALL.into_iter();
    all.filter(move |engine| engine.is_built_in() == are_built_in)
}

#[test]
fn a_store_in_a_directory_is_the_same_after_a_reopen() {
    for engine in engines(true) {
        let directory = tempfile::tempdir().unwrap();
        let url = format!(
            "{}:{}",
            engine.name(),
            directory.path().join("data").display()
        );
        block_on(async {
            let store = storage::open(&url).await.unwrap();
            assert_eq!(store.describe().engine, engine.name());
            store.put("a", "1").await.unwrap();
            store.close().await.unwrap();
            let store = storage::open(&url).await.unwrap();
            assert_eq!(store.get("a").await.unwrap().unwrap().value(), "1");
            store.close().await.unwrap();
        });
    }
}

#[test]
fn a_scheme_whose_feature_is_off_names_the_feature() {
    for engine in engines(false) {
        let name = engine.name();
        let error = block_on(storage::open(&format!("{name}:./data"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let feature = format!("feature `{name}`");
        assert!(error.message().contains(&feature), "{error}");
    }
}
