//! Schemas that are somebody else's, newer or damaged.

use storage_core::{ErrorKind, ReadExt, Store, StoreExt, WriteBatch};
use storage_pg::PgCreation;
use storage_testkit::servers::PgServer;

use crate::{config, database, fails, open};

#[tokio::test]
async fn the_schema_of_another_application_is_refused_by_name_and_left_alone() {
    for table in ["users", "entries", "migrations"] {
        let database = database();
        let make = format!("CREATE SCHEMA storage; CREATE TABLE storage.{table} (id integer);");
        PgServer::shared().sql(database.name(), &make).unwrap();
        let grant = format!(
            "GRANT ALL ON SCHEMA storage TO {owner}; GRANT ALL ON storage.{table} TO {owner};",
            owner = database.owner().name()
        );
        PgServer::shared().sql(database.name(), &grant).unwrap();
        let error = fails(config(&database).open().await, ErrorKind::Invalid);
        assert!(error.message().contains(table), "{error}");
        let count = "SELECT count(*) FROM pg_class WHERE relnamespace = 'storage'::regnamespace";
        let count = PgServer::shared().sql(database.name(), count).unwrap();
        assert_eq!(count.trim(), "1");
        // Beside it there is room.
        let mut config = config(&database);
        config.schema = "other".into();
        config.open().await.unwrap().put("k", "v").await.unwrap();
    }
}

#[tokio::test]
async fn a_newer_schema_is_unsupported_and_a_changed_one_corrupt() {
    let database = database();
    open(&database).await;
    let change = |statement: &str| PgServer::shared().sql(database.name(), statement).unwrap();
    change("INSERT INTO storage.migrations VALUES (2, 'of the future', 'x')");
    fails(config(&database).open().await, ErrorKind::Unsupported);
    change("DELETE FROM storage.migrations WHERE version = 2");
    open(&database).await;
    change("UPDATE storage.migrations SET checksum = 'x'");
    fails(config(&database).open().await, ErrorKind::Corrupt);
}

#[tokio::test]
async fn the_tables_can_be_read_by_hand() {
    let database = database();
    let store = open(&database).await;
    store.put("height/1", "b5bb").await.unwrap();
    let read = "SELECT space, key, value, version, updated_at >= created_at \
                FROM storage.entries_as_text";
    let rows = PgServer::shared().sql(database.name(), read).unwrap();
    assert_eq!(rows.trim(), "user|height/1|b5bb|1|t");
}

#[tokio::test]
async fn two_schemas_of_a_database_are_two_stores() {
    let database = database();
    let first = open(&database).await;
    let mut config = config(&database);
    config.schema = "second".into();
    let second = config.open().await.unwrap();
    first.put("k", "1").await.unwrap();
    assert!(!second.exists("k").await.unwrap());
    let batch = WriteBatch::new().absent("k").put("k", "2");
    second.commit(batch).await.unwrap();
    assert_eq!(first.get("k").await.unwrap().unwrap().value(), "1");
}

#[tokio::test]
async fn a_reservation_of_numbers_is_kept_and_garbage_for_one_is_invalid() {
    let database = database();
    let store = open(&database).await;
    let key = storage_core::SystemKeys::of("core").key("sequence");
    let far = 1_u64 << 40;
    let reserve = |bytes: Vec<u8>| WriteBatch::new().put(key.clone(), bytes);
    let done = store.commit(reserve(far.to_be_bytes().to_vec())).await;
    assert!(done.unwrap().sequence.unwrap().get() > far);
    for garbage in [vec![1], u64::MAX.to_be_bytes().to_vec()] {
        let error = fails(store.commit(reserve(garbage)).await, ErrorKind::Invalid);
        assert_eq!(error.outcome(), Some(storage_core::Outcome::NotApplied));
    }
    let other = open(&database).await;
    assert!(other.put("k", "v").await.unwrap().sequence.unwrap().get() > far + 1);
}

#[tokio::test]
async fn a_store_that_is_missing_is_made_only_where_it_may_be() {
    let database = database();
    let mut never = config(&database);
    never.creation = PgCreation::Never;
    let error = fails(never.clone().open().await, ErrorKind::Invalid);
    assert!(error.message().contains("no store"), "{error}");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'storage'";
    let schemas = PgServer::shared().sql(database.name(), schemas).unwrap();
    assert_eq!(schemas.trim(), "0");
    open(&database).await.close().await.unwrap();
    never.open().await.unwrap();
}
