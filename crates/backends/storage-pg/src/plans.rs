//! How the server looks rows up: by the index, however little it knows of the
//! table. What is planned while a table is empty is still used when it is large.

use storage_core::{Direction, KeyRange, Projection, ReadExt, Store, StoreExt, WriteBatch};
use storage_testkit::servers::PgServer;

use crate::{PgConfig, read, scan, session};

#[tokio::test]
async fn every_read_walks_the_index_and_sorts_nothing() {
    let database = PgServer::shared().new_database().unwrap();
    let config = PgConfig::from_url(&database.url()).unwrap();
    let settings = session::settings(&config);
    config.open().await.unwrap();
    let mut statements = vec![
        (read::GET, "1::smallint, 'k'::bytea"),
        (read::GET_MANY, "'{1}', '{k}'"),
    ];
    for direction in [Direction::Forward, Direction::Reverse] {
        for projection in [Projection::Entries, Projection::Keys] {
            let page = "1::smallint, 'a'::bytea, 2::smallint, ''::bytea, 0, 10, 100, 1000";
            statements.push((scan::statement(direction, projection), page));
        }
    }
    for (statement, values) in statements {
        let script =
            format!("{settings}\nPREPARE s AS {statement};\nEXPLAIN EXECUTE s ({values});");
        let plan = PgServer::shared().sql(database.name(), &script).unwrap();
        assert!(plan.contains("entries_pkey"), "{statement}: {plan}");
        assert!(!plan.contains("Seq Scan"), "{statement}: {plan}");
        assert!(!plan.contains("Sort"), "{statement}: {plan}");
    }
}

#[tokio::test]
async fn no_commit_reads_the_whole_table() {
    let database = PgServer::shared().new_database().unwrap();
    let open = || PgConfig::from_url(&database.url()).unwrap().open();
    // The server counts what a session did once the session has ended.
    let scans = || {
        let count = "SELECT pg_sleep(1); SELECT 'scans: ' || seq_scan FROM pg_stat_user_tables \
                     WHERE relname = 'entries';";
        PgServer::shared().sql(database.name(), count).unwrap()
    };
    open().await.unwrap().close().await.unwrap();
    let made = scans();
    let store = open().await.unwrap();
    for round in 0..20_u8 {
        let batch = WriteBatch::new()
            .absent("never")
            .put(&[round], "v")
            .delete(&[round.wrapping_sub(3)])
            .delete_range(KeyRange::between("x".."y"))
            .put_sequenced("log/", "", "v");
        store.commit(batch).await.unwrap();
        store.delete(&[round.wrapping_sub(2)]).await.unwrap();
    }
    assert!(store.exists(&[19]).await.unwrap());
    store.close().await.unwrap();
    assert_eq!(made, scans());
}
