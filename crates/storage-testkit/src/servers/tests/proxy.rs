//! Each fault of a proxy is what it says, and no more.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    num::NonZeroU64,
    time::{Duration, Instant},
};

use super::{
    LONG, SILENCE,
    echo::{self, connect, read, says},
};
use crate::servers::{Direction, Proxy, port};

const DELAY: Duration = Duration::from_millis(600);

fn proxy() -> Proxy {
    Proxy::start(echo::server("")).unwrap()
}

/// Whether the connection ends with an error, rather than well or not at all.
fn is_reset(stream: &mut TcpStream) -> bool {
    let read = stream.read(&mut [0]);
    read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

/// Whether nothing comes.
fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(Some(LONG)).unwrap();
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn without_faults_bytes_and_ends_pass_both_ways() {
    let proxy = proxy();
    let mut stream = connect(proxy.address());
    let text = "one byte after the other ".repeat(20_000);
    let mut writer = stream.try_clone().unwrap();
    let sent = text.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(sent.as_bytes()).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut echoed = String::new();
    stream.read_to_string(&mut echoed).unwrap();
    writing.join().unwrap();
    assert!(echoed == text, "{} bytes of {}", echoed.len(), text.len());
}

#[test]
fn a_delay_holds_one_way_up_and_keeps_the_order() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let proxy = Proxy::start(echo::server("hello")).unwrap();
        let mut stream = connect(proxy.address());
        read(&mut stream, "hello").unwrap();
        proxy.delay(direction, DELAY);
        let started = Instant::now();
        stream.write_all(b"one ").unwrap();
        std::thread::sleep(DELAY / 3);
        stream.write_all(b"two").unwrap();
        read(&mut stream, "one two").unwrap();
        let took = started.elapsed();
        // The second began later, and was held back as long.
        assert!(took >= DELAY + DELAY / 3, "{direction:?}: {took:?}");
        // A greeting crosses the way to the client only.
        let started = Instant::now();
        read(&mut connect(proxy.address()), "hello").unwrap();
        let is_held = started.elapsed() >= DELAY;
        assert_eq!(is_held, direction == Direction::ToClient);
    }
}

#[test]
fn a_throttle_lets_so_many_bytes_a_second_pass() {
    let proxy = proxy();
    let mut stream = connect(proxy.address());
    let text = "x".repeat(30_000);
    let mut seconds = |direction, rate| {
        proxy.throttle(direction, NonZeroU64::new(rate));
        let started = Instant::now();
        says(&mut stream, &text).unwrap();
        proxy.throttle(direction, None);
        started.elapsed().as_secs_f64()
    };
    for direction in [Direction::ToServer, Direction::ToClient] {
        let took = seconds(direction, 50_000);
        assert!((0.5..3.0).contains(&took), "{direction:?}: {took}");
    }
    let unthrottled = seconds(Direction::ToServer, 0);
    assert!(unthrottled < 0.5, "{unthrottled}");
}

#[test]
fn a_cut_resets_every_connection_and_no_later_one() {
    let proxy = proxy();
    let mut streams = [(); 3].map(|()| connect(proxy.address()));
    for stream in &mut streams {
        says(stream, "one").unwrap();
    }
    assert_eq!(proxy.connections(), 3);
    proxy.cut().unwrap();
    assert_eq!(proxy.connections(), 0);
    for stream in &mut streams {
        assert!(is_reset(stream));
    }
    says(&mut connect(proxy.address()), "two").unwrap();
}

#[test]
fn a_refusal_is_what_a_client_sees_where_nobody_listens() {
    let proxy = proxy();
    let mut open = connect(proxy.address());
    says(&mut open, "one").unwrap();
    proxy.refuse().unwrap();
    let refused = TcpStream::connect(proxy.address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    says(&mut open, "two").unwrap();
    proxy.accept().unwrap();
    says(&mut connect(proxy.address()), "three").unwrap();
    proxy.refuse().unwrap();
    proxy.heal().unwrap();
    says(&mut connect(proxy.address()), "four").unwrap();
}

#[test]
fn a_silent_network_takes_bytes_and_delivers_none() {
    let proxy = Proxy::start(echo::server("hello")).unwrap();
    let mut open = connect(proxy.address());
    read(&mut open, "hello").unwrap();
    proxy.swallow();
    let mut new = connect(proxy.address());
    open.write_all(b"one").unwrap();
    new.write_all(b"one").unwrap();
    assert!(is_silent(&mut open), "an open connection goes on");
    assert!(is_silent(&mut new), "a new connection reaches the server");
    // Nobody goes on behind a hole.
    proxy.heal().unwrap();
    assert!(is_reset(&mut open));
    assert!(is_reset(&mut new));
    read(&mut connect(proxy.address()), "hello").unwrap();
}

#[test]
fn a_silent_network_does_not_tell_that_the_server_is_gone() {
    let (listener, target) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    let proxy = Proxy::start(target).unwrap();
    let mut client = connect(proxy.address());
    let (server, _) = listener.accept().unwrap();
    proxy.swallow();
    drop(server);
    assert!(is_silent(&mut client));
    proxy.heal().unwrap();
    assert!(is_reset(&mut client));
}

#[test]
fn after_a_failover_new_connections_go_elsewhere() {
    let proxy = Proxy::start(echo::server("first")).unwrap();
    let mut open = connect(proxy.address());
    read(&mut open, "first").unwrap();
    proxy.point_at(echo::server("second"));
    says(&mut open, "still the first").unwrap();
    read(&mut connect(proxy.address()), "second").unwrap();
}

#[test]
fn a_server_that_is_gone_shows_as_a_reset() {
    let proxy = Proxy::start(port::free().unwrap()).unwrap();
    let mut stream = connect(proxy.address());
    assert!(is_reset(&mut stream));
}

#[test]
fn a_dropped_proxy_ends_its_connections_and_frees_its_port() {
    let proxy = proxy();
    let address = proxy.address();
    let mut stream = connect(address);
    says(&mut stream, "one").unwrap();
    drop(proxy);
    assert!(!matches!(stream.read(&mut [0]), Ok(1..)));
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn ports_are_none_that_the_system_gives_to_clients() {
    let given = connect(echo::server("")).local_addr().unwrap().port();
    let ports = [(); 50].map(|()| port::free().unwrap().port());
    let mut different = ports.to_vec();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), ports.len(), "{ports:?}");
    assert!(ports.iter().all(|port| *port < given), "{ports:?} {given}");
}
