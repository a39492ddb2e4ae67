//! A PostgreSQL server is what it was ordered to be, and does what it is told.

use std::{
    io::ErrorKind,
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{LONG, SILENCE, over_tls, tests_postgres};
use crate::servers::{
    Certificate, PgDatabase, PgRole, PgServer, PgServerConfig, PgServerTls, Proxy, ServerError,
    ServerResult, tool,
};

const DELAY: Duration = Duration::from_millis(200);

const ROWS: &str = "SELECT count(*) FROM t;";

/// How a call fails that must not succeed.
fn refusal<T: std::fmt::Debug>(answer: ServerResult<T>) -> String {
    answer.unwrap_err().to_string()
}

#[test]
fn who_verifies_the_server_is_let_in_over_tls() {
    if !tests_postgres() {
        return;
    }
    let server = PgServer::shared();
    let database = server.new_database().unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid();";
    for host in ["localhost", "127.0.0.1"] {
        let url = database.url().replace("127.0.0.1", host);
        let answer = over_tls(server, host, &url, encrypted).unwrap();
        assert_eq!(answer, "t\n", "{host}");
    }
}

#[test]
fn only_its_own_password_opens_a_database_and_only_to_its_owner() {
    if !tests_postgres() {
        return;
    }
    let server = PgServer::shared();
    let (mine, others) = (
        server.new_database().unwrap(),
        server.new_database().unwrap(),
    );
    let connect = |url: &str| over_tls(server, "127.0.0.1", url, "CREATE TABLE t (); SELECT 1;");
    assert_eq!(connect(&mine.url()).unwrap(), "1\n");
    let wrong = mine.url().replace(mine.owner().password(), "guessed");
    let refused = refusal(connect(&wrong));
    assert!(
        refused.contains("password authentication failed"),
        "{refused}"
    );
    let foreign = server.url(mine.owner(), others.name());
    let refused = refusal(connect(&foreign));
    assert!(refused.contains("permission denied"), "{refused}");
}

#[test]
fn passwords_are_not_shown() {
    let role = PgRole::new("somebody").unwrap();
    assert!(!format!("{role:?}").contains(role.password()));
}

#[test]
fn names_are_written_into_urls_so_that_they_are_read_as_they_are() {
    let role = PgRole::new("a/b@c").unwrap();
    let url = PgServer::url_at(([127, 0, 0, 1], 1).into(), &role, "d?e ü");
    let password = role.password();
    assert_eq!(
        url,
        format!("postgres://a%2Fb%40c:{password}@127.0.0.1:1/d%3Fe%20%C3%BC")
    );
}

#[test]
fn each_bad_certificate_is_refused_for_what_is_wrong_with_it() {
    if !tests_postgres() {
        return;
    }
    let server = PgServerConfig::new()
        .tls(PgServerTls::Required)
        .start()
        .unwrap();
    let database = server.new_database().unwrap();
    let connect = |mode, trusted: &Path| {
        let mut psql = PgServer::psql().unwrap();
        psql.args(["--dbname", &database.url(), "--command", "SELECT 1;"]);
        psql.env("PGSSLMODE", mode).env("PGSSLROOTCERT", trusted);
        tool::output(&mut psql)
    };
    let (authority, itself) = (
        server.authority_file(),
        server.directory().join("server.pem"),
    );
    let is_refused = |mode, trusted, complaint: &str| {
        let refused = refusal(connect(mode, trusted));
        assert!(refused.contains(complaint), "{mode}: {refused}");
    };
    let distrusted = "certificate verify failed";

    // The next one differs from it by its host, and by its dates.
    server.use_certificate(Certificate::Expired).unwrap();
    is_refused("verify-ca", &authority, distrusted);

    server.use_certificate(Certificate::WrongHost).unwrap();
    is_refused("verify-full", &authority, "does not match host name");
    assert_eq!(connect("verify-ca", &authority).unwrap(), "1\n");

    server.use_certificate(Certificate::SelfSigned).unwrap();
    is_refused("verify-ca", &authority, distrusted);
    assert_eq!(connect("verify-full", &itself).unwrap(), "1\n");

    server.use_certificate(Certificate::Valid).unwrap();
    assert_eq!(connect("verify-full", &authority).unwrap(), "1\n");
    is_refused("disable", &authority, "no encryption");
}

#[test]
fn settings_hold_from_the_start_and_change_while_it_runs() {
    if !tests_postgres() {
        return;
    }
    let server = PgServerConfig::new()
        .setting("fsync", "off")
        .start()
        .unwrap();
    let show = |name: &str| server.sql(PgServer::MAINTENANCE, &format!("SHOW {name};"));
    assert_eq!(show("fsync").unwrap(), "off\n");
    server.set("statement_timeout", "1234ms").unwrap();
    assert_eq!(show("statement_timeout").unwrap(), "1234ms\n");
    server.set("max_connections", "77").unwrap();
    server.restart().unwrap();
    assert_eq!(show("max_connections").unwrap(), "77\n");
    let refused = refusal(server.set("statement_timeout", "soon"));
    assert!(
        refused.contains("cannot take statement_timeout"),
        "{refused}"
    );
    server.restart().unwrap();
    assert_eq!(show("statement_timeout").unwrap(), "1234ms\n");
}

fn with_a_row(server: &PgServer) -> PgDatabase {
    let database = server.new_database().unwrap();
    let create = "CREATE TABLE t (n int); INSERT INTO t VALUES (1);";
    server.sql(database.name(), create).unwrap();
    database
}

#[test]
fn what_was_committed_outlives_a_kill() {
    if !tests_postgres() {
        return;
    }
    let server = PgServerConfig::new().start().unwrap();
    let database = with_a_row(&server);
    assert!(matches!(server.start(), Err(ServerError::Running)));

    server.kill().unwrap();
    assert!(!server.is_running().unwrap());
    let refused = TcpStream::connect(server.address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(matches!(server.kill(), Err(ServerError::NotRunning)));

    server.start().unwrap();
    assert_eq!(server.sql(database.name(), ROWS).unwrap(), "1\n");
    assert!(server.log().contains("redo"), "{}", server.log());
    server.restart().unwrap();
    assert_eq!(server.sql(database.name(), ROWS).unwrap(), "1\n");
}

#[test]
fn a_paused_server_stalls_until_it_goes_on() {
    if !tests_postgres() {
        return;
    }
    let server = PgServerConfig::new().start().unwrap();
    let database = with_a_row(&server);
    server.pause().unwrap();
    assert!(server.is_running().unwrap());
    thread::scope(|scope| {
        let asking = scope.spawn(|| server.sql(database.name(), ROWS));
        thread::sleep(SILENCE);
        assert!(!asking.is_finished(), "a paused server answers");
        server.resume().unwrap();
        assert_eq!(asking.join().unwrap().unwrap(), "1\n");
    });
}

#[test]
fn a_proxy_stands_before_it_as_well() {
    if !tests_postgres() {
        return;
    }
    let server = PgServer::shared();
    let database = server.new_database().unwrap();
    let proxy = Proxy::start(server.address()).unwrap();
    let url = database.url_at(proxy.address());
    let ask = || {
        let started = Instant::now();
        over_tls(server, "127.0.0.1", &url, "SELECT 1;").map(|_| started.elapsed())
    };
    assert!(ask().unwrap() < LONG);
    proxy.delay(crate::servers::Direction::ToClient, DELAY);
    // The encryption, the password and the answer each take a turn.
    assert!(ask().unwrap() >= DELAY * 3);
    proxy.refuse().unwrap();
    let refused = refusal(ask());
    assert!(refused.contains("Connection refused"), "{refused}");
}

#[test]
fn what_is_not_installed_is_named_with_its_packages() {
    let missing = ServerError::Missing {
        program: "initdb",
        packages: &["postgresql"],
    };
    assert_eq!(
        missing.to_string(),
        "`initdb` is not installed; on Debian, \
         `apt-get update && apt-get install --yes postgresql` brings it"
    );
}
