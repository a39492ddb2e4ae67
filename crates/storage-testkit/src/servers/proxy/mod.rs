//! A TCP proxy before a server, which does to its clients what networks do.
//!
//! It forwards bytes and knows no protocol, so it stands before any server. A
//! fault holds from the moment its call returns, for open connections too.

mod connection;
mod faults;
mod progress;
mod pump;

use std::{
    net::SocketAddr,
    num::NonZeroU64,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    runtime,
    sync::{oneshot, watch},
    time::sleep,
};

use self::{
    faults::{Faults, Newcomers, Traffic},
    progress::Progress,
};
use super::{ServerError, ServerResult, port};

/// A proxy on a port of the loopback; dropping it cuts all connections and frees
/// the port.
///
/// It runs on a thread of its own, so it keeps its delays also where a test
/// blocks its runtime.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    faults: watch::Sender<Faults>,
    progress: Arc<Progress>,
    /// Dropping it ends the thread.
    ending: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What clients send.
    ToServer,
    /// What the server answers.
    ToClient,
}

impl Proxy {
    /// A proxy without faults that forwards to `target`.
    ///
    /// # Errors
    /// If no port is free, or the operating system has no thread left.
    pub fn start(target: SocketAddr) -> ServerResult<Self> {
        Self::start_at(port::free()?, target)
    }

    /// The same, at an address of the loopback at which nobody listens.
    ///
    /// # Errors
    /// If somebody does, or the operating system has no thread left.
    pub fn start_at(address: SocketAddr, target: SocketAddr) -> ServerResult<Self> {
        let (faults, watched) = watch::channel(Faults::none(target));
        let progress = Arc::new(Progress::new());
        let (ending, ended) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServerError::system("make a runtime for a proxy"))?;
        let relay = relay(address, watched, Arc::clone(&progress));
        let thread = thread::Builder::new()
            .name("storage-proxy".to_owned())
            .spawn(move || runtime.block_on(run(relay, ended)))
            .map_err(ServerError::system("start a thread for a proxy"))?;
        let proxy = Self {
            address,
            faults,
            progress,
            ending: Some(ending),
            thread: Some(thread),
        };
        proxy.progress.wait_for_newcomers(Newcomers::Accepted)?;
        Ok(proxy)
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards new connections to another server; open ones stay where they are.
    ///
    /// A target at which nobody listens shows as a connection that is reset.
    pub fn point_at(&self, target: SocketAddr) {
        self.faults.send_modify(|faults| faults.target = target);
    }

    /// Holds bytes that go this way back for so long; not at all by default. Their
    /// order stays.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.faults
            .send_modify(|faults| faults.way_mut(direction).delay = delay);
    }

    /// Lets at most so many bytes a second of each connection go this way; `None`,
    /// the default, lets all.
    pub fn throttle(&self, direction: Direction, bytes_per_second: Option<NonZeroU64>) {
        self.faults
            .send_modify(|faults| faults.way_mut(direction).bytes_per_second = bytes_per_second);
    }

    /// Cuts all open connections: both ends see a reset. New ones are taken.
    ///
    /// # Errors
    /// If the thread of the proxy hangs.
    pub fn cut(&self) -> ServerResult {
        self.faults.send_modify(Faults::cut);
        self.progress.wait_for_cut(self.faults.borrow().cuts)
    }

    /// Refuses new connections as a port does at which nobody listens, until
    /// [`accept`](Self::accept) or [`heal`](Self::heal) is called. Open ones stay.
    ///
    /// # Errors
    /// If the thread of the proxy hangs.
    pub fn refuse(&self) -> ServerResult {
        self.newcomers_shall_be(Newcomers::Refused)
    }

    /// Takes new connections again.
    ///
    /// # Errors
    /// If somebody else has taken the port meanwhile.
    pub fn accept(&self) -> ServerResult {
        self.newcomers_shall_be(Newcomers::Accepted)
    }

    /// Takes all bytes, of open connections and new ones, and delivers none: a
    /// network that has gone silent. What was swallowed is lost, so connections
    /// that were open meanwhile are cut by [`heal`](Self::heal).
    pub fn swallow(&self) {
        self.faults
            .send_modify(|faults| faults.traffic = Traffic::Swallowed);
    }

    /// Ends all faults.
    ///
    /// # Errors
    /// If somebody else has taken the port while connections were refused.
    pub fn heal(&self) -> ServerResult {
        self.faults.send_modify(Faults::heal);
        let cuts = self.faults.borrow().cuts;
        self.progress.wait_for_cut(cuts)?;
        self.progress.wait_for_newcomers(Newcomers::Accepted)
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.progress.connections()
    }

    fn newcomers_shall_be(&self, to_be: Newcomers) -> ServerResult {
        self.faults.send_modify(|faults| faults.newcomers = to_be);
        self.progress.wait_for_newcomers(to_be)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.ending.take());
        if let Some(thread) = self.thread.take() {
            // It fails only if the thread panicked, which has said why.
            let _ = thread.join();
        }
    }
}

async fn run(relay: impl Future<Output = ()>, ended: oneshot::Receiver<()>) {
    tokio::select! {
        () = relay => {}
        _ = ended => {}
    }
}

/// Takes connections while they are to be taken, until the proxy is gone.
async fn relay(address: SocketAddr, mut faults: watch::Receiver<Faults>, progress: Arc<Progress>) {
    while becomes(&mut faults, Newcomers::Accepted).await {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                progress.newcomers(Err(error));
                // It is tried again when something is asked for again.
                let _ = faults.changed().await;
                continue;
            }
        };
        progress.newcomers(Ok(Newcomers::Accepted));
        let mut watched = faults.clone();
        tokio::select! {
            biased;
            _ = becomes(&mut watched, Newcomers::Refused) => {}
            () = take(&listener, &faults, &progress) => {}
        }
        drop(listener);
        progress.newcomers(Ok(Newcomers::Refused));
    }
}

/// Waits until new connections are to be dealt with like that; `false` if the
/// proxy is gone.
async fn becomes(faults: &mut watch::Receiver<Faults>, newcomers: Newcomers) -> bool {
    faults
        .wait_for(|faults| faults.newcomers == newcomers)
        .await
        .is_ok()
}

/// Takes connections, and never ends.
async fn take(listener: &TcpListener, faults: &watch::Receiver<Faults>, progress: &Arc<Progress>) {
    /// How long to wait when there are too many connections to take one more.
    const PAUSE: Duration = Duration::from_millis(10);
    loop {
        if let Ok((client, _)) = listener.accept().await {
            let (faults, progress) = (faults.clone(), Arc::clone(progress));
            tokio::spawn(connection::serve(client, faults, progress));
        } else {
            sleep(PAUSE).await;
        }
    }
}
