//! What a check finds, with the server's own extension for it and without.

use std::fs;

use storage_core::{Store, StoreExt};
use storage_pg::PgConfig;
use storage_testkit::servers::{PgServer, PgServerConfig};

use crate::{database, open};

#[tokio::test]
async fn rows_that_no_read_finds_are_damage() {
    let database = database();
    let store = open(&database).await;
    store.put("k", "v").await.unwrap();
    assert!(store.check().await.unwrap().damages.is_empty());
    let add = "INSERT INTO storage.entries VALUES (7, 'k', 'v', NULL, 1)";
    PgServer::shared().sql(database.name(), add).unwrap();
    let damages = store.check().await.unwrap().damages;
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert!(damages[0].detail.contains("spaces"), "{damages:?}");
}

#[tokio::test]
async fn amcheck_is_asked_where_it_is_there_and_allowed() {
    let server = PgServerConfig::new().start().unwrap();
    let database = server.new_database().unwrap();
    let sql = |script: &str| server.sql(database.name(), script).unwrap();
    let config = || PgConfig::from_url(&database.url()).unwrap();
    let store = config().open().await.unwrap();
    for key in ["a", "b", "c"] {
        store.put(key, "v").await.unwrap();
    }
    // Absent, there but not allowed, allowed: a sound store is sound.
    assert!(store.check().await.unwrap().damages.is_empty());
    sql("CREATE EXTENSION amcheck");
    assert!(store.check().await.unwrap().damages.is_empty());
    let owner = database.owner().name();
    sql(&format!(
        "GRANT EXECUTE ON FUNCTION bt_index_check(regclass) TO {owner}"
    ));
    let report = store.check().await.unwrap();
    assert!(
        report.damages.is_empty() && report.entries == 3,
        "{report:?}"
    );
    store.close().await.unwrap();

    let index = sql("CHECKPOINT; \
        SELECT current_setting('data_directory') || '/' || pg_relation_filepath('storage.entries_pkey')");
    server.stop().unwrap();
    swap_first_two_rows(index.trim());
    server.start().unwrap();
    let store = config().open().await.unwrap();
    let damages = store.check().await.unwrap().damages;
    let found = damages.iter().find(|damage| damage.place == "entries_pkey");
    let found = found.unwrap_or_else(|| panic!("{damages:?}"));
    assert!(found.detail.contains("XX002"), "{found:?}");
}

/// Puts an index of one page out of order.
fn swap_first_two_rows(file: &str) {
    const PAGE: usize = 8_192;
    /// Where the places of a page's rows begin, four bytes each.
    const PLACES: usize = PAGE + 24;
    let mut bytes = fs::read(file).unwrap();
    for byte in PLACES..PLACES + 4 {
        bytes.swap(byte, byte + 4);
    }
    fs::write(file, bytes).unwrap();
}
