//! Ports of the loopback.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{ServerError, ServerResult};

/// The lowest port that is given to a server; well-known ones lie below.
const FIRST: u16 = 10_000;

/// The first port that Linux gives to clients, unless it says otherwise.
const FIRST_OF_CLIENTS: u16 = 32_768;

/// An address at which nobody listens.
///
/// It lies below the ports that the kernel gives to clients. Such a port may be
/// taken while the server is down, even by the very client that knocks at it: TCP
/// connects a socket to itself if both ends are given the same port.
///
/// # Errors
/// If no port is free.
pub(super) fn free() -> ServerResult<SocketAddr> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    /// Enough to pass over the servers of other processes.
    const ATTEMPTS: u32 = 200;
    let range = u32::from(first_of_clients().saturating_sub(FIRST)).max(1);
    (0..ATTEMPTS)
        .find_map(|_| {
            // Processes that run at the same time begin far apart.
            let begin = process::id().wrapping_mul(7_919);
            let step = TAKEN.fetch_add(1, Ordering::Relaxed);
            let port = u16::try_from(begin.wrapping_add(step) % range).ok()?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST.checked_add(port)?));
            TcpListener::bind(address).is_ok().then_some(address)
        })
        .ok_or(ServerError::NoPort)
}

fn first_of_clients() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range.ok().and_then(|range| {
        let first = range.split_whitespace().next()?;
        first.parse().ok()
    });
    let first = first.unwrap_or(FIRST_OF_CLIENTS);
    // Where clients may have nearly all ports, there is no better choice.
    if first > FIRST + 1_000 {
        first
    } else {
        FIRST_OF_CLIENTS
    }
}
