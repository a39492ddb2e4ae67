//! What a real server answers when it refuses, and the kinds that become of it.
//! A commit that it refuses is never `Unknown`.

use storage_core::{ErrorKind, ReadExt, Store, StoreExt, WriteBatch};
use storage_testkit::servers::PgServer;

use crate::{config, database, fails, not_applied, open};

#[tokio::test]
async fn each_refusal_of_a_commit_has_its_kind_and_did_nothing() {
    // What is done to the store, the code that follows, and the kind.
    let refusals = [
        (
            "REVOKE ALL ON storage.entries FROM {owner}",
            "42501",
            ErrorKind::Denied,
        ),
        ("DROP TABLE storage.outcomes", "42P01", ErrorKind::Internal),
        (
            "ALTER TABLE storage.entries ADD CHECK (version < 2)",
            "23514",
            ErrorKind::Internal,
        ),
        (
            "ALTER SEQUENCE storage.commit_numbers MAXVALUE 2; \
             SELECT setval('storage.commit_numbers', 2)",
            "2200H",
            ErrorKind::Invalid,
        ),
        (
            "DROP FUNCTION storage.commit_one; DROP FUNCTION storage.commit_group",
            "42883",
            ErrorKind::Internal,
        ),
    ];
    for (change, code, kind) in refusals {
        let database = database();
        let store = open(&database).await;
        store.put("before", "v").await.unwrap();
        let change = change.replace("{owner}", database.owner().name());
        PgServer::shared().sql(database.name(), &change).unwrap();
        for _ in 0..2 {
            for batch in [
                WriteBatch::new().put("k", "v"),
                WriteBatch::new().put("k", "v").put("l", "v"),
            ] {
                let error = not_applied(store.commit(batch).await);
                assert_eq!(error.kind(), kind, "{change}: {error}");
                assert!(error.message().contains(code), "{change}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_unavailable_to_those_who_come() {
    let database = database();
    open(&database).await.close().await.unwrap();
    let name = database.name();
    let change = |to| {
        let change = format!("ALTER DATABASE {name} SET default_transaction_read_only = {to}");
        PgServer::shared().sql("postgres", &change).unwrap();
    };
    change("on");
    fails(config(&database).open().await, ErrorKind::Unavailable);
    change("off");
    open(&database).await.put("k", "v").await.unwrap();
}

#[tokio::test]
async fn a_statement_that_an_administrator_cancels_did_nothing() {
    let database = database();
    let store = open(&database).await;
    store.put("before", "v").await.unwrap();
    let name = database.name().to_owned();
    let holding = tokio::task::spawn_blocking(move || {
        let hold = "BEGIN; SELECT pg_advisory_xact_lock(1937010530, \
                    'storage'::regnamespace::oid::integer); SELECT pg_sleep(1); \
                    SELECT pg_cancel_backend(pid) FROM pg_locks \
                    WHERE locktype = 'advisory' AND NOT granted AND classid = 1937010530 \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()); \
                    SELECT pg_sleep(0.5); COMMIT;";
        PgServer::shared().sql(&name, hold).unwrap();
    });
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let error = not_applied(store.put("k", "v").await);
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.message().contains("57014"), "{error}");
    holding.await.unwrap();
    assert!(store.get("k").await.unwrap().is_none());
}
