//! Opening stores by URL.

use std::{io::Write, path::Path, sync::OnceLock};

use storage::{
    DirectoryEngine, NetworkEngine, StoreUrl,
    blocking::{BlockingStore, block_on},
    prelude::*,
};
use tempfile::NamedTempFile;

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

/// Credentials that nobody else may read.
#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
fn credentials() -> &'static Path {
    static FILE: OnceLock<NamedTempFile> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let mut file = NamedTempFile::new().unwrap();
        let key = "[default]\naws_access_key_id=app\naws_secret_access_key=hunter2\n";
        file.write_all(key.as_bytes()).unwrap();
        file
    });
    file.path()
}

/// URLs of each engine across a network, of places where nobody listens.
fn nowhere() -> impl Iterator<Item = (NetworkEngine, String)> {
    NetworkEngine::ALL.into_iter().flat_map(|engine| {
        let url = move |scheme: &&str| match (engine, *scheme) {
            (NetworkEngine::Object, _) => format!(
                "s3://ledger?endpoint=http://127.0.0.1:1&credentials_file={}",
                credentials().display()
            ),
            (_, "redis-sentinel:" | "rediss-sentinel:") => {
                format!("{scheme}//app:hunter2@127.0.0.1:1/0?master=main")
            }
            _ => format!("{scheme}//app:hunter2@127.0.0.1:1/0"),
        };
        engine
            .schemes()
            .iter()
            .map(move |scheme| (engine, url(scheme)))
    })
}

#[test]
fn a_server_whose_feature_is_off_names_the_feature() {
    for (engine, url) in nowhere().filter(|(engine, _)| !engine.is_built_in()) {
        let error = block_on(storage::open(&url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let feature = format!("feature `{}`", engine.name());
        assert!(error.message().contains(&feature), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_unavailable_with_and_without_async() {
    for (_, url) in nowhere().filter(|(engine, _)| engine.is_built_in()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let awaited = runtime.block_on(storage::open(&url)).unwrap_err();
        let blocking = BlockingStore::open(storage::open(&url)).unwrap_err();
        for error in [awaited, blocking] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.message().contains("127.0.0.1:1"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

#[test]
fn a_server_takes_a_runtime_and_says_so() {
    for (_, url) in nowhere().filter(|(engine, _)| engine.is_built_in()) {
        let error = block_on(storage::open(&url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        assert!(error.message().contains("runtime"), "{error}");
    }
}

#[test]
fn what_is_not_there_is_made_only_where_it_may_be() {
    for engine in engines(true) {
        let directory = tempfile::tempdir().unwrap();
        let url = format!(
            "{}:{}",
            engine.name(),
            directory.path().join("data").display()
        );
        let url: StoreUrl = url.parse().unwrap();
        block_on(async {
            for refused in [url.open_existing().await, url.open_existing_engine().await] {
                let error = refused.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(error.message().contains("no store at"), "{error}");
            }
            url.open().await.unwrap().close().await.unwrap();
            url.open_existing().await.unwrap().close().await.unwrap();
        });
    }
}
