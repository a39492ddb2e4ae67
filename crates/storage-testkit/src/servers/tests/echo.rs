//! Servers without a protocol, to put a proxy before.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

use super::LONG;

/// A server that answers every byte with the same one, after a greeting. It ends
/// with the test program.
pub(super) fn server(greeting: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            thread::spawn(move || -> io::Result<()> {
                client.write_all(greeting.as_bytes())?;
                let mut chunk = [0; 4 << 10];
                loop {
                    let length = client.read(&mut chunk)?;
                    if length == 0 {
                        return client.shutdown(Shutdown::Write);
                    }
                    client.write_all(&chunk[..length])?;
                }
            });
        }
    });
    address
}

/// A connection that no test waits on for ever.
pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads as many bytes as `expected` has.
pub(super) fn read(stream: &mut TcpStream, expected: &str) -> io::Result<()> {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes)?;
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
    Ok(())
}

/// Says something and reads it back.
pub(super) fn says(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    read(stream, text)
}
