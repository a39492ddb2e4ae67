//! A Redis server is what it was ordered to be, and does what it is told.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    thread,
    time::Duration,
};

use super::{LONG, SILENCE, tests_redis};
use crate::servers::{
    Certificate, RedisCluster, RedisSentinels, RedisServer, RedisServerConfig, RedisServerTls,
    ServerError, ServerResult, tool,
};

/// How a call fails that must not succeed.
fn refusal<T: std::fmt::Debug>(answer: ServerResult<T>) -> String {
    answer.unwrap_err().to_string()
}

/// The first line that the server answers to one line.
fn says(address: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn nobody_is_let_in_without_the_password() {
    if !tests_redis() {
        return;
    }
    let server = RedisServer::shared();
    assert!(says(server.address(), "PING").starts_with("-NOAUTH"));
    assert!(says(server.address(), "AUTH guessed").starts_with("-WRONGPASS"));
    let password = server.administrator().password();
    assert_eq!(says(server.address(), &format!("AUTH {password}")), "+OK");
    assert_eq!(server.call(&["PING"]).unwrap(), "PONG");
}

#[test]
fn a_user_may_do_what_its_rules_say_through_restarts() {
    if !tests_redis() {
        return;
    }
    let server = RedisServerConfig::new().start().unwrap();
    let user = server.create_user("ada", "~mine:* +get").unwrap();
    for _ in 0..2 {
        let rules = server.call(&["ACL", "DRYRUN", "ada", "get", "mine:x"]);
        assert_eq!(rules.unwrap(), "OK");
        let others = server.call(&["ACL", "DRYRUN", "ada", "get", "x"]);
        assert!(others.unwrap().contains("no permissions"));
        let login = format!("AUTH ada {}", user.password());
        assert_eq!(says(server.address(), &login), "+OK");
        server.restart().unwrap();
    }
    assert!(!format!("{user:?}").contains(user.password()));
}

#[test]
fn what_was_answered_outlives_a_kill_and_a_restart() {
    if !tests_redis() {
        return;
    }
    let server = RedisServerConfig::new().start().unwrap();
    assert!(matches!(server.start(), Err(ServerError::Running)));
    server.call(&["RPUSH", "list", "one", "two"]).unwrap();
    server.kill().unwrap();
    assert!(!server.is_running().unwrap());
    assert!(matches!(server.kill(), Err(ServerError::NotRunning)));
    server.start().unwrap();
    let list = ["LRANGE", "list", "0", "-1"];
    assert_eq!(server.call(&list).unwrap(), "one\ntwo");
    server.restart().unwrap();
    assert_eq!(server.call(&list).unwrap(), "one\ntwo");
    assert_eq!(
        server.call(&["CONFIG", "GET", "appendfsync"]).unwrap(),
        "appendfsync\nalways"
    );
}

#[test]
fn a_paused_server_stalls_until_it_goes_on() {
    if !tests_redis() {
        return;
    }
    let server = RedisServerConfig::new().start().unwrap();
    server.pause().unwrap();
    assert!(server.is_running().unwrap());
    thread::scope(|scope| {
        let asking = scope.spawn(|| server.call(&["PING"]));
        thread::sleep(SILENCE);
        assert!(!asking.is_finished(), "a paused server answers");
        server.resume().unwrap();
        assert_eq!(asking.join().unwrap().unwrap(), "PONG");
    });
}

#[test]
fn a_replica_follows_and_takes_over() {
    if !tests_redis() {
        return;
    }
    let first = RedisServerConfig::new().start().unwrap();
    first.call(&["SET", "k", "one"]).unwrap();
    let second = first.replica().unwrap();
    assert_eq!(second.call(&["GET", "k"]).unwrap(), "one");
    let refused = refusal(second.call(&["SET", "k", "two"]));
    assert!(refused.contains("READONLY"), "{refused}");
    first.kill().unwrap();
    second.promote().unwrap();
    second.call(&["SET", "k", "two"]).unwrap();
    first.start().unwrap();
    first.follow(&second).unwrap();
    assert_eq!(first.call(&["GET", "k"]).unwrap(), "two");
}

#[test]
fn sentinels_replace_a_master_that_is_gone() {
    if !tests_redis() {
        return;
    }
    let group = RedisSentinels::start().unwrap();
    let first = group.master().unwrap().unwrap();
    assert_eq!(first.address(), group.servers()[0].address());
    first.call(&["SET", "k", "one"]).unwrap();
    first.call(&["WAIT", "2", "0"]).unwrap();
    first.kill().unwrap();
    group.wait_for_failover_from(first).unwrap();
    let second = group.master().unwrap().unwrap();
    assert_eq!(second.call(&["GET", "k"]).unwrap(), "one");
    second.call(&["SET", "k", "two"]).unwrap();
}

#[test]
fn a_cluster_moves_slots_and_replaces_masters() {
    if !tests_redis() {
        return;
    }
    let cluster = RedisCluster::start().unwrap();
    let slot = cluster.slot_of("{k}1").unwrap();
    assert_eq!(slot, cluster.slot_of("{k}2").unwrap());
    let (first, replica) = cluster.pair_of(slot).unwrap();
    assert!(replica.unwrap().follows().unwrap());
    first.call(&["SET", "{k}1", "one"]).unwrap();
    cluster.move_slot(slot).unwrap();
    assert!(refusal(first.call(&["GET", "{k}1"])).contains("MOVED"));
    let (second, _) = cluster.pair_of(slot).unwrap();
    assert_ne!(second.address(), first.address());
    assert_eq!(second.call(&["GET", "{k}1"]).unwrap(), "one");
    second.call(&["WAIT", "1", "0"]).unwrap();
    second.kill().unwrap();
    cluster.wait_for_failover_from(second, slot).unwrap();
    let (third, _) = cluster.pair_of(slot).unwrap();
    assert_eq!(third.call(&["GET", "{k}1"]).unwrap(), "one");
    second.start().unwrap();
    cluster.wait_until_well().unwrap();
}

/// What a client that knows the authority is told about the server's certificate.
fn verifies(server: &RedisServer) -> String {
    let mut client = Command::new("openssl");
    client
        .args([
            "s_client",
            "-verify_return_error",
            "-verify_ip",
            "127.0.0.1",
        ])
        .arg("-connect")
        .arg(server.tls_address().to_string())
        .arg("-CAfile")
        .arg(server.authority_file());
    match tool::output_of(&mut client, "") {
        Ok(said) => said,
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_certificate_is_what_it_was_ordered_to_be() {
    if !tests_redis() {
        return;
    }
    for (certificate, complaint) in [
        (Certificate::Valid, "Verify return code: 0 (ok)"),
        (Certificate::Expired, "certificate has expired"),
        (Certificate::WrongHost, "IP address mismatch"),
        (Certificate::SelfSigned, "self-signed certificate"),
    ] {
        let server = RedisServerConfig::new().certificate(certificate);
        let server = server.tls(RedisServerTls::Required).start().unwrap();
        let said = verifies(&server);
        assert!(said.contains(complaint), "{certificate:?}: {said}");
        TcpStream::connect(server.address()).unwrap_err();
    }
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    if !tests_redis() {
        return;
    }
    let refused = refusal(RedisServerConfig::new().setting("colour", "red").start());
    assert!(refused.contains("colour"), "{refused}");
}

#[test]
fn nothing_is_left_of_a_dropped_server_that_runs_is_paused_or_was_killed() {
    if !tests_redis() {
        return;
    }
    let endings: [fn(&RedisServer); 3] = [
        |_| {},
        |server| server.pause().unwrap(),
        |server| server.kill().unwrap(),
    ];
    for ending in endings {
        let server = RedisServerConfig::new().start().unwrap();
        let (directory, address) = (server.directory().to_owned(), server.address());
        ending(&server);
        drop(server);
        assert!(!directory.exists());
        let here = |entry: fs::DirEntry| {
            fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&directory))
        };
        assert!(!fs::read_dir("/proc").unwrap().flatten().any(here));
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).unwrap_err();
    }
}
