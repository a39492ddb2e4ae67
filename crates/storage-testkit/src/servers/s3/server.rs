//! An S3, from its start to its end.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::orders::Orders;
use crate::servers::{
    ServerError, ServerResult,
    place::Place,
    port,
    running::{self, Running},
};

/// An S3 in a temporary directory; dropping it ends it and removes the directory,
/// whatever state it is in.
///
/// All calls block, and may be made from several threads.
#[derive(Debug)]
pub struct S3Server {
    // First, so that it is dropped first: it ends the process.
    pub(super) place: Place,
    pub(super) address: SocketAddr,
    running: Mutex<Running>,
    orders: Mutex<Orders>,
    buckets: AtomicU32,
}

/// A bucket of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Bucket {
    name: String,
    endpoint: String,
}

impl S3Server {
    const PROGRAM: &'static str = "s3.py";
    const ORDERS: &'static str = "orders";
    const TIME_MAX: Duration = Duration::from_secs(20);

    /// The server that all tests of this process may share. It is started when it
    /// is first asked for, and ended with the process. Tests that break their
    /// server start [one of their own](Self::launch).
    ///
    /// # Panics
    /// If it cannot be started; the message names what is missing.
    #[expect(
        clippy::panic,
        reason = "a test that cannot be set up says so by failing"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<S3Server> = OnceLock::new();
        SHARED.get_or_init(|| match Self::launch() {
            Ok(server) => server,
            Err(error) => panic!("no S3 to test with: {error}"),
        })
    }

    /// Starts a server in a temporary directory, and waits until it answers.
    ///
    /// # Errors
    /// [`Missing`](ServerError::Missing) if moto is not installed; with the
    /// server's log if it does not start.
    pub fn launch() -> ServerResult<Self> {
        let place = Place::new("s3")?;
        let server = Self {
            address: port::free()?,
            running: Mutex::new(Running::not_yet(&place)),
            place,
            orders: Mutex::default(),
            buckets: AtomicU32::new(0),
        };
        server.place.write(Self::PROGRAM, include_str!("s3.py"))?;
        server.start()?;
        Ok(server)
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn new_bucket(&self) -> ServerResult<S3Bucket> {
        let number = self.buckets.fetch_add(1, Ordering::Relaxed);
        let name = format!("bucket-{number}");
        self.request("PUT", &format!("/{name}"))?;
        Ok(S3Bucket {
            name,
            endpoint: self.endpoint(),
        })
    }

    /// Where it listens, through all restarts.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as clients of S3 are told.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The directory of its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.place.root()
    }

    /// The last that the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        running::last_of(&self.place.log())
    }

    pub(super) fn program_name() -> &'static str {
        Self::PROGRAM
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves orders where the server looks, whole at once.
    pub(super) fn write_orders(&self, orders: &Orders) -> ServerResult {
        let new = self.place.write("orders.new", &orders.as_text())?;
        fs::rename(&new, self.place.root().join(Self::ORDERS))
            .map_err(ServerError::system("write the orders of a server"))
    }

    /// Sends a request without a body, and waits until it is answered well.
    pub(super) fn request(&self, method: &str, target: &str) -> ServerResult {
        self.answer(method, target).map(drop)
    }

    /// What the server answers to a request without a body or credentials, head and
    /// body.
    ///
    /// # Errors
    /// If it does not answer, or refuses.
    pub fn answer(&self, method: &str, target: &str) -> ServerResult<String> {
        let ask = || {
            let mut stream = TcpStream::connect_timeout(&self.address, Self::TIME_MAX)?;
            stream.set_read_timeout(Some(Self::TIME_MAX))?;
            let host = self.address;
            write!(
                stream,
                "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            )?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let task = format!("{method} {target}");
        let answer = ask().map_err(ServerError::system(task.clone()))?;
        let answer = String::from_utf8_lossy(&answer);
        if answer.split_whitespace().nth(1) == Some("200") {
            return Ok(answer.into_owned());
        }
        Err(ServerError::Failed {
            program: task,
            said: answer.into_owned(),
        })
    }
}

impl S3Bucket {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL of a store below `prefix`.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        self.url_at(prefix, &self.endpoint)
    }

    /// The URL of a store below `prefix`, by way of another endpoint.
    #[must_use]
    pub fn url_at(&self, prefix: &str, endpoint: &str) -> String {
        format!("s3://{}/{prefix}?endpoint={endpoint}", self.name)
    }
}
