//! Standbys follow, are waited for, and take over.

use std::thread;

use super::{SILENCE, tests_postgres};
use crate::servers::{PgServer, PgServerConfig, Replication};

const INSERT: &str = "INSERT INTO t VALUES (1);";
const ROWS: &str = "SELECT count(*) FROM t;";

fn primary() -> PgServer {
    let server = PgServerConfig::new().start().unwrap();
    sql(&server, "CREATE TABLE t (n int);");
    server
}

fn sql(server: &PgServer, script: &str) -> String {
    server.sql(PgServer::MAINTENANCE, script).unwrap()
}

#[test]
fn a_standby_takes_over_with_all_that_was_committed_and_gets_a_standby() {
    if !tests_postgres() {
        return;
    }
    let first = primary();
    let second = first.standby(Replication::Synchronous).unwrap();
    sql(&first, INSERT);
    second.wait_for_replay_of(&first).unwrap();
    assert_eq!(sql(&second, ROWS), "1\n");
    let refused = second.sql(PgServer::MAINTENANCE, INSERT).unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");

    first.kill().unwrap();
    second.promote().unwrap();
    // It waits for no standby: it has none.
    sql(&second, INSERT);

    let third = second.standby(Replication::Asynchronous).unwrap();
    drop(first);
    sql(&second, INSERT);
    third.wait_for_replay_of(&second).unwrap();
    assert_eq!(sql(&third, ROWS), "3\n");
}

#[test]
fn only_a_synchronous_standby_is_waited_for() {
    if !tests_postgres() {
        return;
    }
    let primary = primary();
    let asynchronous = primary.standby(Replication::Asynchronous).unwrap();
    asynchronous.pause().unwrap();
    sql(&primary, INSERT);

    let synchronous = primary.standby(Replication::Synchronous).unwrap();
    synchronous.pause().unwrap();
    thread::scope(|scope| {
        let inserting = scope.spawn(|| sql(&primary, INSERT));
        thread::sleep(SILENCE);
        assert!(!inserting.is_finished(), "the standby has not answered");
        synchronous.resume().unwrap();
        inserting.join().unwrap();
    });
}
