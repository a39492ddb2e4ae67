//! A sentinel that says what it is told to.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use storage_redis::{RedisConfig, RedisSentinel};
use storage_testkit::servers::RedisServer;

use crate::{administrator, config};

/// A sentinel that says what it is told to.
#[derive(Clone, Debug)]
pub(crate) struct ToldSentinel {
    address: SocketAddr,
    master: Arc<Mutex<SocketAddr>>,
}

impl ToldSentinel {
    pub(crate) fn naming(master: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sentinel = Self {
            address: listener.local_addr().unwrap(),
            master: Arc::new(Mutex::new(master)),
        };
        let master = Arc::clone(&sentinel.master);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let master = Arc::clone(&master);
                thread::spawn(move || answer(stream, &master));
            }
        });
        sentinel
    }

    pub(crate) fn names(&self, master: SocketAddr) {
        *self.master.lock().unwrap() = master;
    }

    pub(crate) fn config(&self, server: &RedisServer) -> RedisConfig {
        let mut config = config(&administrator(server));
        config.hosts = vec![self.address.to_string().parse().unwrap()];
        config.sentinel = Some(RedisSentinel::new("mine"));
        config
    }
}

fn answer(mut stream: TcpStream, master: &Mutex<SocketAddr>) {
    while stream.read(&mut [0; 1024]).is_ok_and(|length| length > 0) {
        let master = *master.lock().unwrap();
        let (ip, port) = (master.ip().to_string(), master.port().to_string());
        let answer = format!(
            "*2\r\n${}\r\n{ip}\r\n${}\r\n{port}\r\n",
            ip.len(),
            port.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
