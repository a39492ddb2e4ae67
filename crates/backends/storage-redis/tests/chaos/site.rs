//! A server behind a proxy, and what can be done to both.

use std::time::Duration;

use storage_core::Result;
use storage_redis::{RedisBackend, RedisConfig};
use storage_testkit::{
    chaos::{Fault, Site},
    servers::{Direction, Proxy, RedisServer, RedisServerConfig, ServerResult},
};

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How much a slow network holds every byte back.
const DELAY: Duration = Duration::from_millis(120);

/// For how many seconds a busy server does nothing else.
const BUSY_SECONDS: &str = "1.2";

/// The server, and where stores look for it.
#[derive(Debug)]
pub(crate) struct RedisSite {
    server: RedisServer,
    proxy: Proxy,
}

impl Site for RedisSite {
    type Store = RedisBackend;

    const FAULTS: &'static [Fault<Self>] = &[
        Fault::new("the server is killed", Self::kill, Self::start_again),
        Fault::new("the server is restarted", Self::stop, Self::start_again),
        Fault::new("the server is paused", Self::pause, Self::resume),
        Fault::new("the server is busy", Self::keep_busy, Self::nothing),
        Fault::new("scripts are forgotten", Self::flush, Self::flush),
        Fault::new("the log is rewritten", Self::rewrite, Self::nothing),
        Fault::new("connections are cut", Self::cut, Self::cut),
        Fault::new("sessions are ended", Self::end_sessions, Self::end_sessions),
        Fault::new("the network is silent", Self::swallow, Self::heal_network),
        Fault::new("the network is slow", Self::delay, Self::heal_network),
        Fault::new("nobody is reached", Self::cut_off, Self::heal_network).cutting_off(),
        Fault::new(
            "the server is killed and not reached",
            Self::kill_and_cut_off,
            Self::start_and_heal,
        )
        .cutting_off(),
    ];

    const TIME_LIMIT: Duration = Duration::from_secs(3);
    /// A session that was used so long ago is asked whether it still lives.
    const NOTICED_WITHIN: Duration = Duration::from_millis(200);

    async fn open(&self) -> Result<RedisBackend> {
        let administrator = self.server.administrator();
        let url = RedisServer::url_at(self.proxy.address(), administrator, 0);
        let mut config = RedisConfig::from_url(&url)?;
        config.time_limit = Self::TIME_LIMIT;
        config.connect_timeout = CONNECT_TIMEOUT;
        config.open().await
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "faults are all of one kind, and most can fail"
)]
impl RedisSite {
    pub(crate) fn start() -> ServerResult<Self> {
        let server = RedisServerConfig::new().start()?;
        let proxy = Proxy::start(server.address())?;
        Ok(Self { server, proxy })
    }

    /// What is over by itself.
    fn nothing(_: &mut Self) -> ServerResult {
        Ok(())
    }

    fn kill(&mut self) -> ServerResult {
        self.server.kill()
    }

    fn stop(&mut self) -> ServerResult {
        self.server.stop()
    }

    fn start_again(&mut self) -> ServerResult {
        self.server.start()
    }

    fn kill_and_cut_off(&mut self) -> ServerResult {
        self.server.kill()?;
        self.cut_off()
    }

    fn start_and_heal(&mut self) -> ServerResult {
        self.server.start()?;
        self.proxy.heal()
    }

    fn pause(&mut self) -> ServerResult {
        self.server.pause()
    }

    fn resume(&mut self) -> ServerResult {
        self.server.resume()
    }

    /// Returns when the server is done.
    fn keep_busy(&mut self) -> ServerResult {
        self.ask(&["DEBUG", "SLEEP", BUSY_SECONDS])
    }

    fn flush(&mut self) -> ServerResult {
        self.ask(&["SCRIPT", "FLUSH"])
    }

    fn rewrite(&mut self) -> ServerResult {
        self.ask(&["BGREWRITEAOF"])
    }

    fn end_sessions(&mut self) -> ServerResult {
        self.ask(&["CLIENT", "KILL", "TYPE", "normal"])
    }

    fn ask(&self, words: &[&str]) -> ServerResult {
        self.server.call(words).map(drop)
    }

    fn cut(&mut self) -> ServerResult {
        self.proxy.cut()
    }

    fn swallow(&mut self) -> ServerResult {
        self.proxy.swallow();
        Ok(())
    }

    fn delay(&mut self) -> ServerResult {
        self.proxy.delay(Direction::ToServer, DELAY);
        self.proxy.delay(Direction::ToClient, DELAY);
        Ok(())
    }

    fn cut_off(&mut self) -> ServerResult {
        self.proxy.refuse()?;
        self.proxy.cut()
    }

    fn heal_network(&mut self) -> ServerResult {
        self.proxy.heal()
    }
}
