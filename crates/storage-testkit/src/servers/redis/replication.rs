//! Servers that follow others.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::RedisServer;
use crate::servers::ServerResult;

/// A replica asks its master every second, and then copies what it has.
const FOLLOW_MAX: Duration = Duration::from_secs(30);

/// How often to look.
const POLL: Duration = Duration::from_millis(10);

impl RedisServer {
    /// Starts a replica of this server, with its settings, administrator and
    /// authority, and waits until it follows.
    ///
    /// # Errors
    /// As [`RedisServerConfig::start`](super::RedisServerConfig::start);
    /// [`TooSlow`](crate::servers::ServerError::TooSlow) if it does not follow.
    pub fn replica(&self) -> ServerResult<Self> {
        let config = self.lock().config.clone();
        let (administrator, authority) = (self.administrator.clone(), Arc::clone(&self.authority));
        // Nobody else is waited for who may want a copy too.
        self.call(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"])?;
        let replica = Self::begin(config, administrator, authority)?;
        replica.follow(self)?;
        Ok(replica)
    }

    /// Makes this server a replica of another one with the same administrator,
    /// and waits until it follows. What it had is gone. A restart forgets it.
    ///
    /// # Errors
    /// If the servers do not run; as for [`replica`](Self::replica).
    pub fn follow(&self, master: &Self) -> ServerResult {
        let (ip, port) = (master.address.ip().to_string(), master.address.port());
        self.call(&["REPLICAOF", &ip, &port.to_string()])?;
        let deadline = Instant::now() + FOLLOW_MAX;
        while !self.follows()? {
            if Instant::now() >= deadline {
                return Err(self.too_slow("the replica to follow", FOLLOW_MAX));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Makes a replica a server of its own that takes writes.
    ///
    /// # Errors
    /// If it does not run.
    pub fn promote(&self) -> ServerResult {
        self.call(&["REPLICAOF", "NO", "ONE"]).map(drop)
    }

    /// Whether this server is a replica whose link to its master is up.
    ///
    /// # Errors
    /// If it does not run.
    pub fn follows(&self) -> ServerResult<bool> {
        let info = self.call(&["INFO", "replication"])?;
        Ok(info.contains("master_link_status:up"))
    }
}
