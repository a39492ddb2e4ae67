//! Connecting: to the server that takes writes, or to a standby.

use crate::sqlx;
use std::{
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use crate::sqlx::{ConnectOptions, postgres::PgConnectOptions};
use storage_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{
    config::PgConfig,
    error::{corrupt, from_sqlx, timed_out, unavailable},
    host::PgHost,
    password::Passwords,
    secret::Secret,
    session::{ServerRole, Session, settings, within},
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
    /// Which store it is, once it is open.
    store: OnceLock<Uuid>,
}

struct Server {
    host: PgHost,
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
            store: OnceLock::new(),
        })
    }

    /// Says which store all sessions must be with from now on.
    pub(crate) fn settle(&self, store: Uuid) {
        // A second store is met as a mismatch.
        let _ = self.store.set(store);
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
        self.first(&self.primaries, &self.preferred, deadline, Role::Primary)
            .await
    }

    /// A session with a standby.
    ///
    /// # Errors
    /// As for [`primary`](Self::primary).
    pub(crate) async fn standby(&self, deadline: Instant) -> Result<Session> {
        let preferred = &self.preferred_standby;
        self.first(&self.standbys, preferred, deadline, Role::Standby)
            .await
    }

    /// Asks one server after the other, beginning with the one that served the
    /// last time.
    async fn first(
        &self,
        servers: &[Server],
        preferred: &AtomicUsize,
        deadline: Instant,
        role: Role,
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

    async fn connect(&self, server: &Server, deadline: Instant, role: Role) -> Result<Session> {
        let by = deadline.min(Instant::now() + self.connect_timeout);
        let connecting = no_panic(server.options.connect());
        let connection = match timeout_at(by, connecting).await {
            Ok(connected) => connected?.map_err(from_sqlx)?,
            Err(_) => return Err(timed_out("no connection was made in time")),
        };
        let mut session = Session::prepare(connection, &self.settings, by).await?;
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
        if role == Role::Primary {
            if facts.role != ServerRole::Primary {
                return Err(unavailable("the server takes no writes".into()));
            }
            self.judge_timeline(facts.timeline.unwrap_or_default())?;
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

    async fn judge_store(&self, session: &mut Session, deadline: Instant) -> Result<()> {
        let Some(expected) = self.store.get() else {
            return Ok(());
        };
        let query = sqlx::query_scalar::<_, Uuid>("SELECT store FROM meta").persistent(false);
        let found = within(deadline, query.fetch_optional(&mut session.connection)).await?;
        match found {
            Some(found) if found == *expected => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Invalid,
                "the server holds another store; name servers of one cluster only",
            )),
            None => Err(corrupt("the row that names the store is missing")),
        }
    }
}

/// Polls `connecting`, whose parser of messages may panic where what it reads is
/// none of PostgreSQL's.
async fn no_panic<T>(connecting: impl Future<Output = T>) -> Result<T> {
    let mut connecting = pin!(connecting);
    poll_fn(|context| {
        let polled = AssertUnwindSafe(|| connecting.as_mut().poll(context));
        match catch_unwind(polled) {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(unavailable(
                "the server does not speak as PostgreSQL does; check host and port".into(),
            ))),
        }
    })
    .await
}

/// What a server is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Primary,
    Standby,
}

fn options(config: &PgConfig, host: &PgHost, password: Option<&Secret>) -> PgConnectOptions {
    let tls = &config.tls;
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(host.name())
        .port(host.port())
        .username(&config.user)
        .database(&config.database)
        .application_name(&config.application_name)
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
