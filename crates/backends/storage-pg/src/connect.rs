//! Connecting: to the server that takes writes, or to a standby.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::sqlx::{self, ConnectOptions, postgres::PgConnectOptions};
use futures_util::FutureExt;
use storage_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{
    Secret,
    config::PgConfig,
    error::{corrupt, from_sqlx, timed_out, unavailable},
    host::PgHost,
    password::Passwords,
    pool::Serves,
    session::{Facts, Lot, ServerRole, Session, settings, within},
};

/// The oldest server that has all that is used, as it numbers itself.
const VERSION_MIN: i32 = 140_000;

/// Makes sessions.
#[derive(Debug)]
pub(crate) struct Connector {
    /// INVARIANT: not empty.
    primaries: Vec<Server>,
    standbys: Vec<Server>,
    settings: String,
    connect_timeout: Duration,
    /// Which server took writes the last time.
    preferred: AtomicUsize,
    /// Which standby answered the last time.
    preferred_standby: AtomicUsize,
    /// The latest history seen. A server of an earlier one was failed over from,
    /// and does not know.
    timeline: AtomicI64,
    /// How often all sessions with servers that take writes, and with standbys,
    /// were given up.
    epochs: [AtomicU64; 2],
    /// Which store it is, and what was promised of it, once it is open.
    settled: OnceLock<Settled>,
}

/// What a store was found to be when it was opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) store: Uuid,
    /// Whether commits were promised to survive a loss of power.
    pub(crate) is_durable: bool,
}

struct Server {
    host: PgHost,
    /// Among them the password.
    options: PgConnectOptions,
}

/// The options would show the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// # Errors
    /// As for [`Passwords::find`] and [`Passwords::for_host`].
    pub(crate) fn new(config: &PgConfig) -> Result<Self> {
        let passwords = Passwords::find(config)?;
        let servers = |hosts: &[PgHost]| {
            let server = |host: &PgHost| {
                let password = passwords.for_host(config, host)?;
                Ok(Server {
                    host: host.clone(),
                    options: options(config, host, password.as_ref()),
                })
            };
            hosts.iter().map(server).collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            primaries: servers(&config.hosts)?,
            standbys: servers(&config.read_hosts)?,
            settings: settings(config),
            connect_timeout: config.connect_timeout,
            preferred: AtomicUsize::new(0),
            preferred_standby: AtomicUsize::new(0),
            timeline: AtomicI64::new(0),
            epochs: [AtomicU64::new(0), AtomicU64::new(0)],
            settled: OnceLock::new(),
        })
    }

    /// Says what all servers must be like from now on.
    pub(crate) fn settle(&self, settled: Settled) {
        // A second store is met as a mismatch.
        let _ = self.settled.set(settled);
    }

    /// The latest history seen of a server that takes writes.
    pub(crate) fn timeline(&self) -> i64 {
        self.timeline.load(Ordering::Acquire)
    }

    /// Gives up all sessions that there are: no pool lends them again.
    pub(crate) fn forget(&self, serves: Serves) {
        self.epoch(serves).fetch_add(1, Ordering::AcqRel);
    }

    /// Whether a session was given up, or is with a server that another has taken
    /// over from.
    pub(crate) fn is_outdated(&self, session: &Session) -> bool {
        let facts = &session.facts;
        let is_behind = facts.role == ServerRole::Primary && facts.timeline < self.timeline();
        is_behind || session.lot.epoch < self.epoch(session.lot.role).load(Ordering::Acquire)
    }

    fn epoch(&self, serves: Serves) -> &AtomicU64 {
        let [primaries, standbys] = &self.epochs;
        match serves {
            Serves::Primary => primaries,
            Serves::Standby => standbys,
        }
    }

    pub(crate) fn has_standbys(&self) -> bool {
        !self.standbys.is_empty()
    }

    /// A session with the server that takes writes.
    ///
    /// # Errors
    /// `Unavailable` or `TimedOut` where there is none; what else the servers
    /// say. Nothing was sent but what it takes to connect.
    pub(crate) async fn primary(&self, deadline: Instant) -> Result<Session> {
        self.first(&self.primaries, &self.preferred, deadline, Serves::Primary)
            .await
    }

    /// A session with a standby.
    ///
    /// # Errors
    /// As for [`primary`](Self::primary).
    pub(crate) async fn standby(&self, deadline: Instant) -> Result<Session> {
        let preferred = &self.preferred_standby;
        self.first(&self.standbys, preferred, deadline, Serves::Standby)
            .await
    }

    /// Asks one server after the other, beginning with the one that served the
    /// last time.
    async fn first(
        &self,
        servers: &[Server],
        preferred: &AtomicUsize,
        deadline: Instant,
        role: Serves,
    ) -> Result<Session> {
        let start = preferred.load(Ordering::Relaxed);
        let mut errors: Vec<(&PgHost, Error)> = Vec::new();
        for place in 0..servers.len() {
            let index = (start + place) % servers.len();
            let Some(server) = servers.get(index) else {
                break;
            };
            // Rare, and it takes a lot of room.
            match Box::pin(self.connect(server, deadline, role)).await {
                Ok(session) => {
                    preferred.store(index, Ordering::Relaxed);
                    return Ok(session);
                }
                Err(error) => errors.push((&server.host, error)),
            }
        }
        Err(together(errors))
    }

    async fn connect(&self, server: &Server, deadline: Instant, role: Serves) -> Result<Session> {
        let by = deadline.min(Instant::now() + self.connect_timeout);
        let epoch = self.epoch(role).load(Ordering::Acquire);
        // The parser of messages may panic where what it reads is none of
        // PostgreSQL's.
        let connecting = AssertUnwindSafe(server.options.connect()).catch_unwind();
        let connection = match timeout_at(by, connecting).await {
            Ok(Ok(connected)) => connected.map_err(from_sqlx)?,
            Ok(Err(_panic)) => {
                return Err(unavailable(
                    "the server does not speak as PostgreSQL does; check host and port".into(),
                ));
            }
            Err(_) => return Err(timed_out("no connection was made in time")),
        };
        let lot = Lot { role, epoch };
        let mut session = Session::prepare(connection, lot, &self.settings, by).await?;
        let facts = &session.facts;
        if facts.version < VERSION_MIN {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the server is PostgreSQL {}; this takes 14 or later",
                    facts.version / 10_000
                ),
            ));
        }
        if role == Serves::Primary {
            if facts.role != ServerRole::Primary {
                return Err(unavailable("the server takes no writes".into()));
            }
            self.judge_timeline(facts.timeline)?;
            self.judge_durability(facts)?;
        }
        self.judge_store(&mut session, by).await?;
        Ok(session)
    }

    /// Refuses a server whose history another server has continued.
    fn judge_timeline(&self, timeline: i64) -> Result<()> {
        let latest = self.timeline.fetch_max(timeline, Ordering::AcqRel);
        if timeline < latest {
            return Err(unavailable(format!(
                "the server is at timeline {timeline}, but another was promoted to {latest}; \
                 make it a standby of that one"
            )));
        }
        Ok(())
    }

    /// Refuses a server that keeps less than the store has promised.
    fn judge_durability(&self, facts: &Facts) -> Result<()> {
        if self.settled.get().is_some_and(|settled| settled.is_durable) && !facts.is_durable {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the server has fsync or full_page_writes off, unlike the one that the store was \
                 opened on; turn them on, or open the store anew, with less durability",
            ));
        }
        Ok(())
    }

    async fn judge_store(&self, session: &mut Session, deadline: Instant) -> Result<()> {
        let Some(Settled { store, .. }) = self.settled.get() else {
            return Ok(());
        };
        let query = sqlx::query_scalar::<_, Uuid>("SELECT store FROM meta").persistent(false);
        let found = within(deadline, query.fetch_optional(&mut session.connection)).await?;
        match found {
            Some(found) if found == *store => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Invalid,
                "the server holds another store; name servers of one cluster only",
            )),
            None => Err(corrupt("the row that names the store is missing")),
        }
    }
}

fn options(config: &PgConfig, host: &PgHost, password: Option<&Secret>) -> PgConnectOptions {
    let tls = &config.tls;
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(host.name())
        .port(host.port())
        .username(&config.user)
        .database(&config.database)
        .application_name(&config.application_name)
        // Poolers know no such setting, and there are no floats.
        .extra_float_digits(None)
        .ssl_mode(tls.mode_for(host).as_sqlx())
        .disable_statement_logging();
    if host.is_socket() {
        options = options.socket(host.name());
    }
    if let Some(password) = password {
        options = options.password(password.reveal());
    }
    if let Some(file) = &tls.ca_file {
        options = options.ssl_root_cert(file);
    }
    if let Some(file) = &tls.certificate_file {
        options = options.ssl_client_cert(file);
    }
    if let Some(file) = &tls.key_file {
        options = options.ssl_client_key(file);
    }
    options
}

/// What the servers said, each with its name; if it is one, as it said it. Of
/// their kinds, one that will not go away by itself counts for most.
fn together(mut errors: Vec<(&PgHost, Error)>) -> Error {
    let passes = |error: &Error| {
        matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Throttled
        )
    };
    let place = errors.iter().position(|(_, error)| !passes(error));
    let place = place.unwrap_or(errors.len().saturating_sub(1));
    if errors.len() == 1 || errors.is_empty() {
        return errors.pop().map_or_else(
            || unavailable("no server is named".into()),
            |(host, error)| error.with_place(host),
        );
    }
    let told: Vec<_> = errors
        .iter()
        .map(|(host, error)| format!("{host}: {}", error.message()))
        .collect();
    let (_, chosen) = errors.swap_remove(place);
    let message = format!("no server serves ({})", told.join("; "));
    if passes(&chosen) {
        unavailable(message).with_source(chosen)
    } else {
        Error::new(chosen.kind(), message).with_source(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_by_itself_is_told_before_what_does() {
        let (a, b) = (PgHost::new("a", 1), PgHost::new("b", 2));
        let denied = || Error::new(ErrorKind::Denied, "wrong password");
        let error = together(vec![(&a, denied()), (&b, unavailable("refused".into()))]);
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.message().contains("a:1: wrong password"), "{error}");
        assert!(error.message().contains("b:2: refused"), "{error}");
        let error = together(vec![(&a, denied())]);
        assert_eq!(error.message(), "a:1: wrong password");
    }

    #[test]
    fn what_connects_shows_no_password() {
        let mut config = PgConfig::new(vec![PgHost::new("a", 1)], "d", "u");
        config.password = Some("hunter2".into());
        let shown = format!("{:?}", Connector::new(&config).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_server_that_was_failed_over_from_is_not_written_to() {
        let config = PgConfig::new(vec![PgHost::new("a", 1)], "d", "u");
        let connector = Connector::new(&config).unwrap();
        for timeline in [1, 1, 2, 2] {
            connector.judge_timeline(timeline).unwrap();
        }
        let error = connector.judge_timeline(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
