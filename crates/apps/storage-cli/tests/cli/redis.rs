//! Stores on real Redis servers.

use std::{fs, fs::Permissions, net::TcpListener, os::unix::fs::PermissionsExt};

use serde_json::Value;
use storage_testkit::servers::{
    RedisCluster, RedisSentinels, RedisServer, RedisServerConfig, RedisServerTls,
};

use crate::{
    engines,
    support::{Bench, Run, at, done_at},
};

/// The URL of a database of the server that all tests of this process share.
fn database() -> String {
    RedisServer::shared().new_database()
}

fn get(url: &str) -> Run {
    at(url, &["get", "a"], b"")
}

/// The same URL with something else in the place of the administrator's password.
fn with_password(url: &str, password: &str) -> String {
    url.replace(RedisServer::shared().administrator().password(), password)
}

#[test]
fn every_command_works_on_a_server() {
    engines::every_command_works("redis", &database());
}

#[test]
fn a_copy_to_a_server_and_back_is_the_same_store() {
    let bench = Bench::new();
    for key in ["", "00", "ff", "0a00ff"] {
        bench.done(&["--hex", "put", key, "00ff"]);
    }
    bench.done(&["put", "expiring", "v", "--ttl", "7d"]);
    let back = format!("fjall:{}", bench.path("back").display());
    let mut from = bench.url();
    let mut digests = Vec::new();
    for to in [database(), back.clone()] {
        let copied = done_at(&from, &["copy", "--to", &to, "--json"]);
        let copied: Value = serde_json::from_slice(&copied).unwrap();
        digests.push(copied["verified"]["blake3"].clone());
        from = to;
    }
    assert!(digests[0].is_string() && digests[0] == digests[1]);
    let entries = |url: &str| done_at(url, &["scan", "--json", "--hex"]);
    assert!(entries(&back) == entries(&bench.url()));
}

#[test]
fn a_certificate_is_proved_by_an_authority_that_is_named() {
    let server = RedisServerConfig::new().tls(RedisServerTls::Required);
    let server = server.start().unwrap();
    let url = server.tls_url(server.administrator(), 0);
    get(&url).failed(6, &["denied", "TLS"]);
    let url = format!("{url}?ca_file={}", server.authority_file().display());
    done_at(&url, &["put", "a", "1"]);
    assert_eq!(get(&url).output, b"1");
}

#[test]
fn a_store_is_found_through_sentinels() {
    let group = RedisSentinels::start().unwrap();
    let (url, password) = (group.url(0), group.administrator().password());
    let said = at(&url, &["put", "a", "1"], b"");
    said.failed(6, &["denied", "NOAUTH"]);
    assert!(!said.errors.contains(password), "{}", said.errors);

    let bench = Bench::new();
    bench.write("password", password);
    let file = bench.path("password");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let url = format!("{url}&sentinel_password_file={}", file.display());
    done_at(&url, &["put", "a", "1"]);
    assert_eq!(get(&url).output, b"1");
}

#[test]
fn a_store_in_a_cluster_is_copied_to_and_read() {
    let bench = Bench::new();
    for key in ["a", "{t}b", "{t}c"] {
        bench.done(&["put", key, "1"]);
    }
    let url = RedisCluster::shared().new_prefix();
    let copied = done_at(&bench.url(), &["copy", "--to", &url, "--json"]);
    let copied: Value = serde_json::from_slice(&copied).unwrap();
    assert!(copied["verified"]["blake3"].is_string(), "{copied}");
    assert_eq!(done_at(&url, &["scan", "--keys-only"]), b"a\n{t}b\n{t}c\n");
    let check: Value = serde_json::from_slice(&done_at(&url, &["check", "--json"])).unwrap();
    assert_eq!(check["sound"], true, "{check}");
    get("redis-cluster://h/1").failed(2, &["database"]);
}

#[test]
fn what_cannot_be_used_is_named_and_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    get(&format!("redis://{nobody}")).failed(4, &["unavailable", &nobody, "refused"]);

    let url = database();
    let said = get(&with_password(&url, "Xyzzy-4711"));
    said.failed(6, &["denied", "check user and password"]);
    assert!(!said.errors.contains("Xyzzy"), "{}", said.errors);

    let (server, _) = url.rsplit_once('/').unwrap();
    get(&format!("{server}/4096")).failed(2, &["DB index", "name a database that exists"]);
    get(&url).failed(2, &["there is no store at redis://"]);
    get("redis:ledger").failed(2, &["redis://USER@HOST/DATABASE"]);
    get("redis://h?colour=red").failed(2, &["`colour`"]);
    get("redis-sentinel://h").failed(2, &["`master`"]);
}

#[test]
fn commands_that_only_read_make_no_store() {
    let server = RedisServerConfig::new().start().unwrap();
    let url = server.url(server.administrator(), 0);
    for command in [&["get", "a"][..], &["scan"], &["stats"], &["check"]] {
        at(&url, command, b"").failed(2, &["there is no store"]);
    }
    assert_eq!(server.call(&["DBSIZE"]).unwrap(), "0");
}
