//! Servers, names and passwords with which no store can be opened.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    thread,
    time::Duration,
};

use storage_core::{Durability, ErrorKind, Store, StoreExt, WriteBatch, WriteOptions};
use storage_pg::{PgConfig, TlsMode};
use storage_testkit::servers::{Certificate, PgServer, PgServerConfig, PgServerTls};

use crate::{config, database, fails, open, timed};

#[tokio::test]
async fn a_wrong_password_is_denied_and_never_shown() {
    let database = database();
    let mut config = config(&database);
    config.password = Some("hunter2".into());
    let error = fails(config.open().await, ErrorKind::Denied);
    let told = format!("{error} {error:?}");
    assert!(told.contains("28P01"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_role_or_a_database_that_does_not_exist_is_refused() {
    let database = database();
    let mut config = config(&database);
    config.user = "nobody_like_this".into();
    fails(config.open().await, ErrorKind::Denied);
    let mut config = crate::config(&database);
    config.database = "nothing_like_this".into();
    let error = fails(config.open().await, ErrorKind::Invalid);
    assert!(error.message().contains("nothing_like_this"), "{error}");
}

#[tokio::test]
async fn a_password_from_a_file_opens_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let database = database();
    let file = directory.path().join("password");
    std::fs::write(&file, format!("{}\n", database.owner().password())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut config = config(&database);
    config.password = None;
    config.password_file = Some(file);
    config.open().await.unwrap().put("k", "v").await.unwrap();
}

#[tokio::test]
async fn only_a_certificate_that_proves_the_host_is_trusted() {
    let server = PgServerConfig::new()
        .tls(PgServerTls::Required)
        .start()
        .unwrap();
    let database = server.new_database().unwrap();
    let mut trusting = PgConfig::from_url(&database.url()).unwrap();
    trusting.tls.ca_file = Some(server.authority_file());
    let with = |mode| {
        let mut config = trusting.clone();
        config.tls.mode = Some(mode);
        config
    };
    with(TlsMode::VerifyFull).open().await.unwrap();
    fails(with(TlsMode::Disable).open().await, ErrorKind::Denied);

    let mut stranger = with(TlsMode::VerifyFull);
    stranger.tls.ca_file = None;
    fails(stranger.open().await, ErrorKind::Denied);

    for (certificate, verify_ca) in [
        (Certificate::Expired, false),
        (Certificate::WrongHost, true),
        (Certificate::SelfSigned, false),
    ] {
        server.use_certificate(certificate).unwrap();
        let error = fails(with(TlsMode::VerifyFull).open().await, ErrorKind::Denied);
        assert!(error.message().contains("TLS"), "{certificate:?}: {error}");
        let opened = with(TlsMode::VerifyCa).open().await;
        assert_eq!(opened.is_ok(), verify_ca, "{certificate:?}: {opened:?}");
        with(TlsMode::Require).open().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_demanded() {
    let server = PgServerConfig::new().tls(PgServerTls::Off).start().unwrap();
    let database = server.new_database().unwrap();
    let mut config = PgConfig::from_url(&database.url()).unwrap();
    for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        config.tls.mode = Some(mode);
        fails(config.clone().open().await, ErrorKind::Denied);
    }
    // On this machine, what the server offers will do.
    config.tls.mode = None;
    config.open().await.unwrap();
}

#[tokio::test]
async fn a_certificate_file_that_is_missing_or_none_is_refused() {
    let database = database();
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(&database);
    config.tls.mode = Some(TlsMode::VerifyFull);
    config.tls.ca_file = Some(directory.path().join("missing.pem"));
    assert!(config.clone().open().await.is_err());
    let file = directory.path().join("empty.pem");
    std::fs::write(&file, "no certificate").unwrap();
    config.tls.ca_file = Some(file);
    fails(config.open().await, ErrorKind::Denied);
}

#[tokio::test]
async fn nobody_who_listens_is_unavailable_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (opened, took) = timed(at(address).open()).await;
    let error = fails(opened, ErrorKind::Unavailable);
    assert!(took < Duration::from_secs(2), "{took:?}: {error}");
}

#[tokio::test]
async fn a_server_that_answers_garbage_or_nothing_is_unavailable_in_time() {
    let answers: [&[u8]; 7] = [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"N\xff\xff\xff\xff\xff\xff\xff\xff",
        b"NR\x00\x00\x00\x08\x00\x00\x00\x63",
        b"NR\x7f\xff\xff\xff\x00\x00\x00\x00",
        b"NR\x00\x00\x00\x00",
        b"NE\x00\x00\x00\x05\xff",
    ];
    for answer in answers {
        for hangs in [false, true] {
            let address = impostor(answer, hangs);
            let mut config = at(address);
            config.connect_timeout = Duration::from_millis(500);
            let (opened, took) = timed(config.open()).await;
            let error = opened.unwrap_err();
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Denied
                ),
                "{}: {error:?}",
                answer.escape_ascii()
            );
            assert!(took < Duration::from_secs(3), "{took:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_value_over_the_limit_is_refused_before_it_is_sent() {
    let database = database();
    let store = open(&database).await;
    let limit = store.capabilities().value_bytes_max;
    let answer = store.put("k", vec![0; limit + 1]).await;
    assert_eq!(crate::not_applied(answer).kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_server_with_no_connection_left_throttles() {
    let server = PgServerConfig::new().start().unwrap();
    let role = server.create_role("few", "CONNECTION LIMIT 1").unwrap();
    server.create_database("few", &role).unwrap();
    let config = || PgConfig::from_url(&server.url(&role, "few")).unwrap();
    let store = config().open().await.unwrap();
    store.put("k", "v").await.unwrap();
    fails(config().open().await, ErrorKind::Throttled);
}

fn at(address: SocketAddr) -> PgConfig {
    PgConfig::from_url(&format!("postgres://u:p@{address}/d")).unwrap()
}

/// Somebody who is no PostgreSQL, and answers every connection alike.
fn impostor(answer: &'static [u8], hangs: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 256];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(answer);
        if hangs {
            thread::sleep(Duration::from_secs(5));
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_syncs_nothing_is_not_offered_as_durable() {
    let server: PgServer = PgServerConfig::new()
        .setting("fsync", "off")
        .start()
        .unwrap();
    let database = server.new_database().unwrap();
    let store = PgConfig::from_url(&database.url())
        .unwrap()
        .open()
        .await
        .unwrap();
    assert_eq!(store.capabilities().durability_max, Durability::Volatile);
    let synced = WriteOptions::new().durability(Durability::Synced);
    let answer = store
        .commit_with(WriteBatch::new().put("k", "v"), &synced)
        .await;
    fails(answer, ErrorKind::Unsupported);
    let issues = store.health().await.unwrap().issues;
    assert!(
        issues.iter().any(|issue| issue.name == "not_durable"),
        "{issues:?}"
    );
}
