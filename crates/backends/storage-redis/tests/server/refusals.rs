//! Servers, passwords and keys with which no store can be opened.

use std::{
    fs::Permissions,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    thread,
    time::Duration,
};

use storage_core::{ErrorKind, ReadExt, Store, StoreExt};
use storage_redis::{Eviction, RedisConfig, RedisCreation, RedisTls};
use storage_testkit::servers::{
    Certificate, RedisCluster, RedisServer, RedisServerConfig, RedisServerTls,
};

use crate::{administrator, config, database, fails, open, timed};

fn at(address: SocketAddr) -> RedisConfig {
    config(&format!("redis://{address}"))
}

#[tokio::test]
async fn a_wrong_password_or_user_is_denied_and_never_shown() {
    let url = database();
    let mut wrong = config(&url);
    wrong.password = Some("hunter2".into());
    let error = fails(wrong.open().await, ErrorKind::Denied);
    let told = format!("{error} {error:?}");
    assert!(!told.contains("hunter2"), "{told}");
    let mut nobody = config(&url);
    nobody.user = Some("nobody_like_this".into());
    fails(nobody.open().await, ErrorKind::Denied);
    let mut without = config(&url);
    (without.user, without.password) = (None, None);
    let error = fails(without.open().await, ErrorKind::Denied);
    assert!(error.message().contains("NOAUTH"), "{error}");
}

#[tokio::test]
async fn a_password_from_a_file_opens_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    let password = RedisServer::shared().administrator().password();
    std::fs::write(&file, format!("{password}\n")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let mut config = config(&database());
    config.password = None;
    config.password_file = Some(file);
    config.open().await.unwrap().put("k", "v").await.unwrap();
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_invalid() {
    let mut config = config(&database());
    config.database = 4_096;
    let error = fails(config.open().await, ErrorKind::Invalid);
    assert!(error.message().contains("DB index"), "{error}");
}

#[tokio::test]
async fn only_a_certificate_that_proves_the_host_is_trusted() {
    for certificate in [
        Certificate::Valid,
        Certificate::Expired,
        Certificate::WrongHost,
        Certificate::SelfSigned,
    ] {
        let server = RedisServerConfig::new().certificate(certificate);
        let server = server.tls(RedisServerTls::Required).start().unwrap();
        let mut trusting = config(&server.tls_url(server.administrator(), 0));
        let stranger = trusting.clone();
        let mut tls = RedisTls::default();
        tls.ca_file = Some(server.authority_file());
        trusting.tls = Some(tls);
        let opened = trusting.open().await;
        if certificate == Certificate::Valid {
            opened.unwrap().put("k", "v").await.unwrap();
            fails(stranger.open().await, ErrorKind::Denied);
        } else {
            let error = fails(opened, ErrorKind::Denied);
            assert!(error.message().contains("TLS"), "{certificate:?}: {error}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_is_missing_or_none_is_refused() {
    let server = RedisServer::shared();
    let directory = tempfile::tempdir().unwrap();
    let with = |name: &str| {
        let mut config = config(&server.tls_url(server.administrator(), 0));
        let mut tls = RedisTls::default();
        tls.ca_file = Some(directory.path().join(name));
        config.tls = Some(tls);
        config
    };
    assert!(with("missing.pem").open().await.is_err());
    std::fs::write(directory.path().join("empty.pem"), "no certificate").unwrap();
    fails(with("empty.pem").open().await, ErrorKind::Denied);
}

#[tokio::test]
async fn nobody_who_listens_is_unavailable_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (opened, took) = timed(at(address).open()).await;
    let error = fails(opened, ErrorKind::Unavailable);
    assert!(error.message().contains(&address.to_string()), "{error}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// A server that answers everybody the same, once they have said something.
pub(crate) fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                while stream.read(&mut [0; 1024]).is_ok_and(|length| length > 0) {
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn who_does_not_speak_as_redis_does_is_unavailable() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\0\xff\0\xff garbage",
        b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
    ] {
        let mut config = at(answering(answer));
        config.time_limit = Duration::from_secs(3);
        config.connect_timeout = Duration::from_secs(1);
        let (opened, took) = timed(config.open()).await;
        let error = opened.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut),
            "{error:?}"
        );
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn who_does_not_answer_is_given_up_in_time() {
    let mut config = at(answering(b""));
    config.time_limit = Duration::from_secs(1);
    let (opened, took) = timed(config.open()).await;
    fails(opened, ErrorKind::TimedOut);
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn keys_of_another_application_are_left_alone() {
    let server = RedisServerConfig::new().start().unwrap();
    let url = administrator(&server);
    for (command, key) in [
        (["SET", "storage:session:7", "x"], "storage:session:7"),
        (["LPUSH", "storage:entries", "x"], "storage:entries"),
        (["SET", "storage:meta", "x"], "storage:meta"),
        (["SADD", "storage:index", "x"], "storage:index"),
    ] {
        server.call(&command).unwrap();
        let error = fails(config(&url).open().await, ErrorKind::Invalid);
        assert!(error.message().contains(key), "{error}");
        assert_eq!(server.call(&["DBSIZE"]).unwrap(), "1");
        server.call(&["DEL", key]).unwrap();
    }
    server.call(&["HSET", "storage:meta", "name", "x"]).unwrap();
    fails(config(&url).open().await, ErrorKind::Invalid);
    let mut elsewhere = config(&url);
    elsewhere.prefix = "mine".into();
    elsewhere.open().await.unwrap().put("k", "v").await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_missing_is_not_made_where_that_is_not_wanted() {
    let server = RedisServerConfig::new().start().unwrap();
    let mut never = config(&administrator(&server));
    never.creation = RedisCreation::Never;
    fails(never.clone().open().await, ErrorKind::Invalid);
    assert_eq!(server.call(&["DBSIZE"]).unwrap(), "0");
    open(&administrator(&server))
        .await
        .put("k", "v")
        .await
        .unwrap();
    assert!(never.open().await.unwrap().exists("k").await.unwrap());
}

#[tokio::test]
async fn a_newer_format_is_unsupported() {
    let server = RedisServerConfig::new().start().unwrap();
    let url = administrator(&server);
    open(&url).await.put("k", "v").await.unwrap();
    server
        .call(&["HSET", "storage:meta", "format", "2"])
        .unwrap();
    let error = fails(config(&url).open().await, ErrorKind::Unsupported);
    assert!(error.message().contains("format 2"), "{error}");
}

#[tokio::test]
async fn a_policy_that_would_lose_the_store_is_refused_unless_allowed() {
    let start = |policy: &str| {
        let config = RedisServerConfig::new().setting("maxmemory", "64mb");
        config.setting("maxmemory-policy", policy).start().unwrap()
    };
    let server = start("allkeys-lru");
    let mut config = config(&administrator(&server));
    let error = fails(config.clone().open().await, ErrorKind::Unsupported);
    assert!(error.message().contains("allkeys-lru"), "{error}");
    config.eviction = Eviction::Allowed;
    let store = config.open().await.unwrap();
    let committed = store.put("k", "v").await.unwrap();
    assert_eq!(committed.durability, storage_core::Durability::Volatile);
    // These concern keys with an expiry of Redis, and the store has none.
    for policy in ["noeviction", "volatile-ttl"] {
        open(&administrator(&start(policy))).await;
    }
}

#[tokio::test]
async fn a_replica_is_unavailable_and_stays_as_it_is() {
    let master = RedisServerConfig::new().start().unwrap();
    let replica = master.replica().unwrap();
    let error = fails(
        config(&administrator(&replica)).open().await,
        ErrorKind::Unavailable,
    );
    assert!(error.message().contains("replica"), "{error}");
}

#[tokio::test]
async fn a_node_of_a_cluster_is_unsupported() {
    let node = RedisCluster::shared().nodes().first().unwrap();
    let error = fails(
        config(&administrator(node)).open().await,
        ErrorKind::Unsupported,
    );
    assert!(error.message().contains("cluster"), "{error}");
}

#[tokio::test]
async fn the_documented_rights_are_enough_and_fewer_are_denied() {
    const RIGHTS: &str = "~storage:* -@all +@read +@write +@scripting +ping +info +select \
        +time +client|id +client|kill \
        +config|get +wait +memory|usage";
    let server = RedisServerConfig::new().start().unwrap();
    let user = server.create_user("least", RIGHTS).unwrap();
    let url = server.url(&user, 0);
    let store = open(&url).await;
    let committed = store.put("k", "v").await.unwrap();
    assert_eq!(committed.durability, storage_core::Durability::Synced);
    assert!(store.exists("k").await.unwrap());
    store.stats().await.unwrap();
    assert!(store.health().await.unwrap().is_well());

    for less in [
        "~storage:* +@all -zadd",
        "~storage:* +@all -evalsha",
        "~other:* +@all",
    ] {
        let user = server.create_user("less", less).unwrap();
        fails(
            config(&server.url(&user, 0)).open().await,
            ErrorKind::Denied,
        );
    }
    // What cannot be seen is not promised.
    let user = server.create_user("blind", "~storage:* +@all -config");
    let store = open(&server.url(&user.unwrap(), 0)).await;
    let committed = store.put("k", "v").await.unwrap();
    assert_eq!(committed.durability, storage_core::Durability::Volatile);
}

#[tokio::test]
async fn more_connections_than_the_server_takes_are_refused_for_now() {
    let server = RedisServerConfig::new().setting("maxclients", "2");
    let server = server.start().unwrap();
    let url = administrator(&server);
    open(&url).await.close().await.unwrap();
    let holding: Vec<_> = (0..4)
        .map(|_| std::net::TcpStream::connect(server.address()).unwrap())
        .collect();
    thread::sleep(Duration::from_millis(200));
    let error = config(&url).open().await.unwrap_err();
    // The server says so to whoever listens before it has spoken.
    assert!(
        matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Unavailable),
        "{error:?}"
    );
    drop(holding);
}
