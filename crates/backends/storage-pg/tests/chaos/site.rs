//! A primary and its synchronous standby, each behind a proxy, and what can be
//! done to them.

use std::{mem, thread, time::Duration};

use storage_core::Result;
use storage_pg::{PgBackend, PgConfig, PgHost};
use storage_testkit::{
    chaos::{Fault, Site},
    servers::{Direction, PgDatabase, PgServer, PgServerConfig, Proxy, Replication, ServerResult},
};

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Open connections see a setting a moment after new ones do.
const SETTING_TAKES: Duration = Duration::from_millis(200);

/// Soon after a standby is gone, a commit of each store waits for it.
const COMMITS_WAIT: Duration = Duration::from_millis(100);

/// Soon after a server is back, those ask it whose answers were lost.
const OUTCOMES_ARE_ASKED_FOR: Duration = Duration::from_millis(300);

/// How much a slow network holds every byte back.
const DELAY: Duration = Duration::from_millis(120);

/// The servers. Stores know the proxies alone, which stay; which of them leads to
/// the primary changes with each failover.
#[derive(Debug)]
pub(crate) struct PgSite {
    primary: Member,
    standby: Member,
    database: PgDatabase,
}

/// A server, and where stores look for it.
#[derive(Debug)]
struct Member {
    server: PgServer,
    proxy: Proxy,
}

impl Member {
    fn of(server: PgServer) -> ServerResult<Self> {
        let proxy = Proxy::start(server.address())?;
        Ok(Self { server, proxy })
    }

    /// Nobody listens any more, and all connections are gone, as is the server.
    fn kill(&self) -> ServerResult {
        self.server.kill()?;
        self.cut_off()
    }

    fn cut_off(&self) -> ServerResult {
        self.proxy.refuse()?;
        self.proxy.cut()
    }

    fn start(&self) -> ServerResult {
        self.server.start()?;
        self.proxy.heal()
    }
}

impl Site for PgSite {
    type Store = PgBackend;

    const FAULTS: &'static [Fault<Self>] = &[
        Fault::new("the primary is killed", Self::kill, Self::start_again),
        Fault::new("the primary is restarted", Self::stop, Self::start_again),
        Fault::new("the primary is paused", Self::pause, Self::resume),
        Fault::new("connections are cut", Self::cut, Self::cut),
        Fault::new("sessions are ended", Self::end_sessions, Self::end_sessions),
        Fault::new("the network is silent", Self::swallow, Self::heal_network),
        Fault::new("the network is slow", Self::delay, Self::heal_network),
        Fault::new("nobody is reached", Self::cut_off, Self::heal_network).cutting_off(),
        Fault::new("both are killed", Self::kill_both, Self::start_both).cutting_off(),
        Fault::new(
            "the standby is killed",
            Self::kill_standby,
            Self::start_standby,
        ),
        Fault::new(
            "the standby is paused",
            Self::pause_standby,
            Self::resume_standby,
        ),
        Fault::new("a killed primary is failed over", Self::kill, Self::promote)
            .repaired_by(Self::follow_anew),
        Fault::new(
            "a paused primary is failed over",
            Self::pause,
            Self::fence_and_promote,
        )
        .repaired_by(Self::follow_anew),
        Fault::new(
            "a primary comes back without its standby, and is failed over",
            Self::come_back_alone,
            Self::fence_and_start_the_other,
        )
        .repaired_by(Self::follow_anew),
    ];

    const TIME_LIMIT: Duration = Duration::from_secs(3);
    /// A session that was used so long ago is asked whether it still lives.
    const NOTICED_WITHIN: Duration = Duration::from_millis(200);

    async fn open(&self) -> Result<PgBackend> {
        let mut config = PgConfig::from_url(&self.database.url_at(self.primary.proxy.address()))?;
        let other = self.standby.proxy.address();
        config
            .hosts
            .push(PgHost::new(other.ip().to_string(), other.port()));
        config.time_limit = Self::TIME_LIMIT;
        config.connect_timeout = CONNECT_TIMEOUT;
        config.open().await
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "faults are all of one kind, and most can fail"
)]
impl PgSite {
    pub(crate) fn start() -> ServerResult<Self> {
        let primary = PgServerConfig::new()
            // A standby follows again soon after its primary came back.
            .setting("wal_retrieve_retry_interval", "100ms")
            .start()?;
        let database = primary.new_database()?;
        let standby = primary.standby(Replication::Synchronous)?;
        Ok(Self {
            primary: Member::of(primary)?,
            standby: Member::of(standby)?,
            database,
        })
    }

    fn members(&self) -> [&Member; 2] {
        [&self.primary, &self.standby]
    }

    fn kill(&mut self) -> ServerResult {
        self.primary.kill()
    }

    fn stop(&mut self) -> ServerResult {
        self.primary.server.stop()
    }

    fn start_again(&mut self) -> ServerResult {
        self.primary.start()
    }

    fn pause(&mut self) -> ServerResult {
        self.primary.server.pause()
    }

    fn resume(&mut self) -> ServerResult {
        self.primary.server.resume()
    }

    fn cut(&mut self) -> ServerResult {
        self.primary.proxy.cut()
    }

    fn end_sessions(&mut self) -> ServerResult {
        const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE application_name = 'storage';";
        self.primary.server.sql(PgServer::MAINTENANCE, END)?;
        Ok(())
    }

    fn swallow(&mut self) -> ServerResult {
        for member in self.members() {
            member.proxy.swallow();
        }
        Ok(())
    }

    fn delay(&mut self) -> ServerResult {
        for member in self.members() {
            member.proxy.delay(Direction::ToServer, DELAY);
            member.proxy.delay(Direction::ToClient, DELAY);
        }
        Ok(())
    }

    fn cut_off(&mut self) -> ServerResult {
        self.members().into_iter().try_for_each(Member::cut_off)
    }

    fn heal_network(&mut self) -> ServerResult {
        self.members()
            .into_iter()
            .try_for_each(|member| member.proxy.heal())
    }

    fn kill_both(&mut self) -> ServerResult {
        self.members().into_iter().try_for_each(Member::kill)
    }

    fn start_both(&mut self) -> ServerResult {
        self.members().into_iter().try_for_each(Member::start)
    }

    fn kill_standby(&mut self) -> ServerResult {
        self.standby.kill()
    }

    fn start_standby(&mut self) -> ServerResult {
        self.standby.start()
    }

    fn pause_standby(&mut self) -> ServerResult {
        self.standby.server.pause()
    }

    fn resume_standby(&mut self) -> ServerResult {
        self.standby.server.resume()
    }

    /// The standby takes over from a primary that is gone for good. It has all
    /// that was acknowledged, and acknowledges alone until it is followed.
    fn promote(&mut self) -> ServerResult {
        self.standby.server.promote()?;
        mem::swap(&mut self.primary, &mut self.standby);
        Ok(())
    }

    /// The primary is killed while commits wait for a standby that is gone, and
    /// comes back with them: the standby has none of them.
    fn come_back_alone(&mut self) -> ServerResult {
        self.standby.kill()?;
        thread::sleep(COMMITS_WAIT);
        self.primary.kill()?;
        self.primary.start()?;
        thread::sleep(OUTCOMES_ARE_ASKED_FOR);
        Ok(())
    }

    fn fence_and_promote(&mut self) -> ServerResult {
        self.primary.kill()?;
        self.promote()
    }

    fn fence_and_start_the_other(&mut self) -> ServerResult {
        self.primary.kill()?;
        self.standby.start()?;
        self.promote()
    }

    /// Gives the primary another standby, in the place of the server that it took
    /// over from, and returns when commits wait for it.
    fn follow_anew(&mut self) -> ServerResult {
        let standby = self.primary.server.standby(Replication::Synchronous)?;
        self.standby.proxy.point_at(standby.address());
        self.standby.server = standby;
        self.standby.proxy.heal()?;
        thread::sleep(SETTING_TAKES);
        // What was acknowledged before by nobody but the primary.
        self.standby.server.wait_for_replay_of(&self.primary.server)
    }
}
