//! Servers whose master is replaced by one of its replicas when it is gone.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use super::{RedisServer, RedisServerConfig, RedisUser, config::Role, server::next_database};
use crate::servers::ServerResult;

/// A failover takes about two seconds, and some more where votes are split.
const FAILOVER_MAX: Duration = Duration::from_mins(1);

/// How often to look.
const POLL: Duration = Duration::from_millis(20);

/// A master with two replicas, and three sentinels that watch over them. They all
/// have the administrator of the first.
#[derive(Debug)]
pub struct RedisSentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// What the sentinels call the master, whichever server it is.
    pub const MASTER: &'static str = "main";

    /// The group that all tests of this process may share, with 4,096 databases. It
    /// is started when it is first asked for, and ended with the process. Tests
    /// that break servers start [one of their own](Self::start).
    ///
    /// # Panics
    /// If it cannot be started; the message names what is missing.
    #[expect(
        clippy::panic,
        reason = "a test that cannot be set up says so by failing"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisSentinels> = OnceLock::new();
        let config = RedisServerConfig::new().setting("databases", "4096");
        SHARED.get_or_init(|| match Self::start_with(&config) {
            Ok(group) => group,
            Err(error) => panic!("no Redis with sentinels to test with: {error}"),
        })
    }

    /// Starts them all, and waits until each sentinel knows the others and both
    /// replicas.
    ///
    /// # Errors
    /// As [`RedisServerConfig::start`].
    pub fn start() -> ServerResult<Self> {
        Self::start_with(&RedisServerConfig::new())
    }

    fn start_with(config: &RedisServerConfig) -> ServerResult<Self> {
        let master = config.start()?;
        let replicas = [master.replica()?, master.replica()?];
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let config = RedisServerConfig {
                role: Role::Sentinel {
                    lines: watching(&master),
                },
                ..RedisServerConfig::new()
            };
            let authority = Arc::clone(&master.authority);
            let sentinel = RedisServer::begin(config, master.administrator.clone(), authority)?;
            sentinels.push(sentinel);
        }
        let group = Self {
            servers: [master].into_iter().chain(replicas).collect(),
            sentinels,
        };
        group.wait("the sentinels to know each other", |sentinel| {
            let about = sentinel.call(&["SENTINEL", "MASTER", Self::MASTER])?;
            let about: Vec<_> = about.lines().collect();
            let is = |name, value| about.windows(2).any(|pair| pair == [name, value]);
            Ok(is("num-slaves", "2") && is("num-other-sentinels", "2") && is("flags", "master"))
        })?;
        Ok(group)
    }

    /// The servers, the first master first.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// Where the administrator finds a database by way of the sentinels, which ask
    /// for the same password.
    #[must_use]
    pub fn url(&self, database: usize) -> String {
        let sentinels = self.sentinels.iter();
        let hosts: Vec<_> = sentinels.map(|one| one.address.to_string()).collect();
        let (user, password) = (self.administrator().name(), self.administrator().password());
        format!(
            "redis-sentinel://{user}:{password}@{}/{database}?master={}",
            hosts.join(","),
            Self::MASTER
        )
    }

    /// Where the administrator finds a database that nobody else of this process
    /// is given, by way of the sentinels.
    #[must_use]
    pub fn new_database(&self) -> String {
        self.url(next_database())
    }

    /// Who may do everything, with the servers and with the sentinels.
    ///
    /// # Panics
    /// Never: there is a server.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a group has servers")]
    pub fn administrator(&self) -> &RedisUser {
        self.servers
            .first()
            .map(RedisServer::administrator)
            .expect("a group has servers")
    }

    /// The server that a sentinel takes for the master.
    ///
    /// # Errors
    /// If no sentinel runs.
    pub fn master(&self) -> ServerResult<Option<&RedisServer>> {
        let Some(sentinel) = self.sentinels.first() else {
            return Ok(None);
        };
        let address = master_of(sentinel)?;
        let mut servers = self.servers.iter();
        Ok(servers.find(|server| Some(server.address()) == address))
    }

    /// Waits until all sentinels take another server than `former` for the master.
    ///
    /// # Errors
    /// [`TooSlow`](crate::servers::ServerError::TooSlow) if none is promoted.
    pub fn wait_for_failover_from(&self, former: &RedisServer) -> ServerResult {
        self.wait("another server to be the master", |sentinel| {
            Ok(master_of(sentinel)?.is_some_and(|address| address != former.address()))
        })
    }

    fn wait(
        &self,
        task: &str,
        is_there: impl Fn(&RedisServer) -> ServerResult<bool>,
    ) -> ServerResult {
        let deadline = Instant::now() + FAILOVER_MAX;
        for sentinel in &self.sentinels {
            while !is_there(sentinel)? {
                if Instant::now() >= deadline {
                    return Err(sentinel.too_slow(task, FAILOVER_MAX));
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }
}

/// Where a sentinel says that the master is.
fn master_of(sentinel: &RedisServer) -> ServerResult<Option<SocketAddr>> {
    let ask = [
        "SENTINEL",
        "GET-MASTER-ADDR-BY-NAME",
        RedisSentinels::MASTER,
    ];
    let answer = sentinel.call(&ask)?;
    Ok(answer.replace('\n', ":").parse().ok())
}

/// The lines that tell a sentinel of a master.
fn watching(master: &RedisServer) -> String {
    let name = RedisSentinels::MASTER;
    let (ip, port) = (master.address.ip(), master.address.port());
    let (user, password) = (master.administrator.name(), master.administrator.password());
    format!(
        "sentinel monitor {name} {ip} {port} 2\n\
         sentinel auth-user {name} {user}\n\
         sentinel auth-pass {name} {password}\n\
         sentinel down-after-milliseconds {name} 1000\n\
         sentinel failover-timeout {name} 4000\n\
         sentinel sentinel-pass {password}\n"
    )
}
