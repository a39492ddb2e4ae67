//! What commands say of servers that they cannot use.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use storage_testkit::servers::{Certificate, PgServer, PgServerConfig, PgServerTls};

use super::{database, with_password};
use crate::support::{Bench, Run, at, done_at};

fn get(url: &str) -> Run {
    at(url, &["get", "a"], b"")
}

#[test]
fn a_server_that_is_not_there_is_named_and_the_code_is_4() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let url = format!("postgres://u@{address}/d");
    let begun = Instant::now();
    get(&url).failed(4, &["unavailable", &address, "refused"]);
    at(&url, &["doctor"], b"")
        .output
        .is_empty()
        .then(|| panic!("nothing was said"));
    assert_eq!(at(&url, &["doctor"], b"").code, 4);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let copy = at(&bench.url(), &["copy", "--to", &url], b"");
    copy.failed(4, &["unavailable", &address]);
    assert!(!copy.errors.contains("--resume"), "{}", copy.errors);
}

#[test]
fn a_wrong_password_a_wrong_user_and_a_wrong_database_are_told_apart() {
    let database = database();
    let wrong = with_password(&database, Some("wrong"));
    get(&wrong).failed(
        6,
        &["denied", database.owner().name(), "check user, password"],
    );
    let url = database.url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let elsewhere = format!("{server}/elsewhere");
    get(&elsewhere).failed(2, &["\"elsewhere\"", "name a database that exists"]);
}

#[test]
fn commands_that_only_read_make_no_store() {
    let bench = Bench::new();
    let database = database();
    let url = database.url();
    let to = format!("fjall:{}", bench.path("copy").display());
    let commands: [&[&str]; 7] = [
        &["get", "a"],
        &["delete", "a"],
        &["scan"],
        &["stats"],
        &["check"],
        &["compact"],
        &["copy", "--to", &to],
    ];
    for command in commands {
        at(&url, command, b"").failed(2, &["no store in the schema `storage`", database.name()]);
    }
    assert_eq!(at(&url, &["doctor"], b"").code, 2);
    assert!(!bench.path("copy").exists());
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'storage'";
    let schemas = PgServer::shared().sql(database.name(), schemas).unwrap();
    assert_eq!(schemas.trim(), "0");
}

#[test]
fn a_role_without_rights_is_told_where_they_are_listed() {
    let server = PgServer::shared();
    let database = database();
    let url = database.url();
    done_at(&url, &["put", "a", "1"]);
    let role = server.create_role("cli_without_rights", "").unwrap();
    let stranger = server.url(&role, database.name());
    get(&stranger).failed(6, &["denied", "docs/formats/pg.md"]);
    at(&stranger, &["put", "a", "1"], b"").failed(6, &["denied", "docs/formats/pg.md"]);
    assert_eq!(at(&stranger, &["doctor"], b"").code, 6);
}

#[test]
fn a_certificate_that_does_not_prove_the_host_is_refused_with_what_to_check() {
    let server = PgServerConfig::new()
        .tls(PgServerTls::Required)
        .start()
        .unwrap();
    let url = server.new_database().unwrap().url();
    let authority = server.authority_file();
    let trusting = format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        authority.display()
    );
    done_at(&trusting, &["put", "a", "1"]);
    get(&format!("{url}?sslmode=verify-full")).failed(6, &["TLS", "certificate"]);
    for certificate in [
        Certificate::Expired,
        Certificate::WrongHost,
        Certificate::SelfSigned,
    ] {
        server.use_certificate(certificate).unwrap();
        get(&trusting).failed(6, &["denied", "TLS", "check the server's certificate"]);
    }
}

#[test]
fn a_url_that_is_none_says_how_they_are_written() {
    get("postgres:ledger").failed(2, &["postgres://USER@HOST/DATABASE"]);
    get("postgres://u@h/d?colour=red").failed(2, &["`colour`"]);
    get("mysql://u@h/d").failed(2, &["`mysql`", "postgres://USER@HOST/DATABASE"]);
}
