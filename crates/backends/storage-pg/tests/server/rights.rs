//! The least rights that a role needs, as `docs/formats/pg.md` lists them.

use storage_core::{ErrorKind, KeyRange, ReadExt, Store, StoreExt, WriteBatch};
use storage_pg::PgConfig;
use storage_testkit::servers::PgServer;

use crate::{config, database, fails, open};

const RIGHTS: [&str; 5] = [
    "USAGE ON SCHEMA storage",
    "SELECT ON storage.migrations, storage.meta",
    "SELECT, INSERT, UPDATE, DELETE ON storage.entries",
    "SELECT, INSERT, UPDATE, DELETE ON storage.outcomes",
    "USAGE, UPDATE ON SEQUENCE storage.commit_numbers",
];

#[tokio::test]
async fn a_role_with_the_least_rights_does_all_that_a_store_does() {
    let server = PgServer::shared();
    let database = database();
    open(&database).await;
    let role = server.create_role("least_rights", "").unwrap();
    let grant = |right: &str| format!("GRANT {right} TO least_rights;");
    let connect = format!("CONNECT ON DATABASE {}", database.name());
    server.sql(database.name(), &grant(&connect)).unwrap();
    let config = || PgConfig::from_url(&server.url(&role, database.name())).unwrap();
    for right in RIGHTS {
        let opened = config().open().await;
        let denied = match opened {
            Ok(store) => {
                let batch = WriteBatch::new().absent("a").put("a", "1").put("b", "2");
                store.commit(batch).await.map(drop)
            }
            Err(error) => Err(error),
        };
        fails(denied, ErrorKind::Denied);
        server.sql(database.name(), &grant(right)).unwrap();
    }
    let store = config().open().await.unwrap();
    let batch = WriteBatch::new().absent("a").put("a", "1").put("b", "2");
    store.commit(batch).await.unwrap();
    let batch = WriteBatch::new()
        .delete_range(KeyRange::between("b".."c"))
        .put_sequenced("log/", "", "3");
    store.commit(batch).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.count(KeyRange::all()).await.unwrap(), 2);
    store.stats().await.unwrap();
    assert!(store.health().await.unwrap().is_well());
    assert!(store.check().await.unwrap().damages.is_empty());
    let vacuum = store.maintain(storage_core::Maintenance::Vacuum).await;
    fails(vacuum, ErrorKind::Denied);
}

#[tokio::test]
async fn a_role_that_may_not_make_a_schema_is_denied() {
    let server = PgServer::shared();
    let database = database();
    let role = server.create_role("no_maker", "").unwrap();
    let grant = format!("GRANT CONNECT ON DATABASE {} TO no_maker;", database.name());
    server.sql(database.name(), &grant).unwrap();
    let url = server.url(&role, database.name());
    fails(
        PgConfig::from_url(&url).unwrap().open().await,
        ErrorKind::Denied,
    );
    // A schema that an administrator has made for it will do.
    let make = "CREATE SCHEMA storage AUTHORIZATION no_maker;";
    server.sql(database.name(), make).unwrap();
    let store = PgConfig::from_url(&url).unwrap().open().await.unwrap();
    store.put("k", "v").await.unwrap();
}

#[tokio::test]
async fn a_role_whose_transactions_are_serializable_or_asynchronous_gets_what_it_needs() {
    let server = PgServer::shared();
    let database = database();
    let owner = database.owner().name();
    let settings = format!(
        "ALTER ROLE {owner} SET default_transaction_isolation = 'serializable';
         ALTER ROLE {owner} SET synchronous_commit = 'off';
         ALTER ROLE {owner} SET search_path = 'public';"
    );
    server.sql(database.name(), &settings).unwrap();
    let store = config(&database).open().await.unwrap();
    let counting: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .commit(WriteBatch::new().put_sequenced("n", "", "v"))
                    .await
            })
        })
        .collect();
    for task in counting {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 64);
}
