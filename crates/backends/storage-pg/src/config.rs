//! Opening a PostgreSQL store.

use std::{
    num::{NonZeroU16, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;
use storage_core::{
    Components, Error, ErrorKind, Operation, Result,
    networked::{Networked, require_runtime},
};

use crate::{PgBackend, PgEngine, PgHost, PgTls, Secret, url};

/// Where a PostgreSQL store is and how much of the server it may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PgConfig {
    /// The servers among which the one that takes writes is looked for.
    pub hosts: Vec<PgHost>,
    /// The database. It must exist.
    pub database: String,
    /// The role to connect as.
    pub user: String,
    /// Its password. At most one of this and the next three may be given; without
    /// any, `PGPASSWORD`, the password file that `PGPASSFILE` names, and
    /// `~/.pgpass` are tried, as with every client of PostgreSQL.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The file that holds the password, in its first line. Only its owner may
    /// have rights on it.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The password file, with lines such as `host:port:database:user:password`,
    /// which is tried after `PGPASSWORD`. Only its owner may have rights on it.
    #[serde(default)]
    pub passfile: Option<PathBuf>,
    /// Standbys for reads that may be stale. They are connected to when such a
    /// read comes, as the same role.
    #[serde(default)]
    pub read_hosts: Vec<PgHost>,
    /// How connections are secured.
    #[serde(default)]
    pub tls: PgTls,
    /// The schema that the store has for itself: lower-case letters, digits and
    /// underscores. Made if it is missing. Default: `storage`.
    #[serde(default = "defaults::schema")]
    pub schema: String,
    /// Whether a store that is missing is made. Default: yes.
    #[serde(default)]
    pub creation: PgCreation,
    /// Into how many tables entries are spread by the hash of their keys.
    /// Default: one. More of them are vacuumed and rebuilt one by one, which
    /// helps from some hundred millions of entries on; each scan then merges all
    /// of them. Settled when the store is made.
    #[serde(default)]
    pub partitions: Option<NonZeroU16>,
    /// How long any call may take, waiting included. Default: 30 seconds.
    #[serde(default = "defaults::time_limit")]
    pub time_limit: Duration,
    /// How long one attempt to connect to one host may take. Default: 5 seconds.
    #[serde(default = "defaults::connect_timeout")]
    pub connect_timeout: Duration,
    /// How many reads are under way at once, each on a connection of its own;
    /// more wait and are then read together. Default: 4.
    #[serde(default = "defaults::reads_at_once")]
    pub reads_at_once: NonZeroUsize,
    /// How many commits are under way at once; more wait and are then committed
    /// together. Default: 1, as the server does one after the other anyway.
    #[serde(default = "defaults::commits_at_once")]
    pub commits_at_once: NonZeroUsize,
    /// How many calls may wait; one more is `Throttled`. Default: 4,096.
    #[serde(default = "defaults::queue_max")]
    pub queue_max: usize,
    /// How many snapshots may be open at once, each on a connection of its own;
    /// one more is `Throttled`. Default: 16.
    #[serde(default = "defaults::snapshots_max")]
    pub snapshots_max: NonZeroUsize,
    /// How long a snapshot lasts; then it answers `SnapshotExpired`. While there
    /// is one, the server removes no row that was deleted since. Default: 10
    /// minutes.
    #[serde(default = "defaults::snapshot_age_max")]
    pub snapshot_age_max: Duration,
    /// How the server lists the connections. Default: `storage`.
    #[serde(default = "defaults::application_name")]
    pub application_name: String,
}

/// What opening does where there is no store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PgCreation {
    /// Makes one, in a schema that is missing or empty.
    #[default]
    IfMissing,
    /// Refuses, as `Invalid`, and changes nothing.
    Never,
}

impl PgConfig {
    /// Names of PostgreSQL have up to 63 bytes.
    const NAME_BYTES_MAX: usize = 63;
    const TIME_MIN: Duration = Duration::from_millis(100);
    /// PostgreSQL counts the milliseconds of its time-outs in 31 bits.
    const TIME_MAX: Duration = Duration::from_hours(24);
    /// As many partitions as the planner still copes with.
    const PARTITIONS_MAX: u16 = 1_024;
    /// PostgreSQL itself takes 262,143.
    const CONNECTIONS_MAX: usize = 1_024;

    /// The store in the given database, with default settings.
    #[must_use]
    pub fn new(hosts: Vec<PgHost>, database: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            hosts,
            database: database.into(),
            user: user.into(),
            password: None,
            password_env: None,
            password_file: None,
            passfile: None,
            read_hosts: Vec::new(),
            tls: PgTls::default(),
            schema: defaults::schema(),
            creation: PgCreation::default(),
            partitions: None,
            time_limit: defaults::time_limit(),
            connect_timeout: defaults::connect_timeout(),
            reads_at_once: defaults::reads_at_once(),
            commits_at_once: defaults::commits_at_once(),
            queue_max: defaults::queue_max(),
            snapshots_max: defaults::snapshots_max(),
            snapshot_age_max: defaults::snapshot_age_max(),
            application_name: defaults::application_name(),
        }
    }

    /// The store that a URL names:
    /// `postgres://user:password@host:port,host:port/database?parameter=value`.
    /// The parameters are those of libpq `host dbname user password sslmode
    /// sslrootcert sslcert sslkey connect_timeout application_name
    /// passfile target_session_attrs`, and of this type `password_env password_file
    /// read_hosts schema partitions time_limit snapshot_age_max`, times in
    /// seconds. What has another meaning in a URL is written with a percent sign:
    /// `%40` for an `@` in a password.
    ///
    /// # Errors
    /// `Invalid` for what is no such URL.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    /// Opens the store; makes its tables in a schema that is missing or empty,
    /// unless [`creation`](Self::creation) says otherwise.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a database that does not exist, a
    /// schema that belongs to something else, a store that is missing and not to
    /// be made, or a thread without a Tokio runtime; `Denied` for a wrong
    /// password, a server whose certificate is not trusted, or missing rights;
    /// `Unsupported` for a newer format, or a server older than PostgreSQL 14;
    /// `Unavailable` and `TimedOut` where no server answers that takes writes.
    pub async fn open(self) -> Result<PgBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<PgBackend> {
        let opened = async {
            require_runtime()?;
            let engine = PgEngine::open(self.validated()?).await?;
            Networked::open(engine, &components).await
        };
        opened
            .await
            .map_err(|error: Error| error.with_operation(Operation::Open))
    }

    pub(crate) fn validated(self) -> Result<Self> {
        if self.hosts.is_empty() {
            return Err(invalid("hosts is empty; name at least one server"));
        }
        for (setting, name) in [("database", &self.database), ("user", &self.user)] {
            if name.is_empty() || name.contains('\0') {
                return Err(invalid(format!("{setting} is missing, or no name")));
            }
        }
        if !is_plain_name(&self.schema) {
            return Err(invalid(format!(
                "schema is `{}`; it must begin with a letter, other than in `pg_`, and hold \
                 up to {} lower-case letters, digits and underscores",
                self.schema.escape_debug(),
                Self::NAME_BYTES_MAX
            )));
        }
        let passwords = [
            self.password.is_some(),
            self.password_env.is_some(),
            self.password_file.is_some(),
            self.passfile.is_some(),
        ];
        if passwords.into_iter().filter(|is_given| *is_given).count() > 1 {
            return Err(invalid(
                "only one of password, password_env, password_file and passfile may be given",
            ));
        }
        for (setting, time) in [
            ("time_limit", self.time_limit),
            ("connect_timeout", self.connect_timeout),
            ("snapshot_age_max", self.snapshot_age_max),
        ] {
            if !(Self::TIME_MIN..=Self::TIME_MAX).contains(&time) {
                return Err(invalid(format!(
                    "{setting} is {time:?}, it must be from {:?} to {:?}",
                    Self::TIME_MIN,
                    Self::TIME_MAX
                )));
            }
        }
        self.tls.validate()?;
        self.within_bounds()
    }

    fn within_bounds(self) -> Result<Self> {
        for (setting, count) in [
            ("reads_at_once", self.reads_at_once),
            ("commits_at_once", self.commits_at_once),
            ("snapshots_max", self.snapshots_max),
        ] {
            if count.get() > Self::CONNECTIONS_MAX {
                return Err(invalid(format!(
                    "{setting} is {count}, it must be at most {}",
                    Self::CONNECTIONS_MAX
                )));
            }
        }
        if let Some(partitions) = self.partitions
            && partitions.get() > Self::PARTITIONS_MAX
        {
            return Err(invalid(format!(
                "partitions is {partitions}, it must be at most {}",
                Self::PARTITIONS_MAX
            )));
        }
        if self.application_name.contains('\0') {
            return Err(invalid("application_name has a zero byte in it"));
        }
        Ok(self)
    }

    /// Where the store is, without the password.
    pub(crate) fn location(&self) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        format!(
            "postgres://{}@{}/{}?schema={}",
            self.user,
            hosts.join(","),
            self.database,
            self.schema
        )
    }
}

/// Whether a name can stand in a statement as it is.
fn is_plain_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= PgConfig::NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.starts_with("pg_")
        && name.bytes().all(is_plain)
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

mod defaults {
    use std::{num::NonZeroUsize, time::Duration};

    pub(super) fn schema() -> String {
        "storage".into()
    }

    pub(super) fn application_name() -> String {
        "storage".into()
    }

    pub(super) const fn time_limit() -> Duration {
        Duration::from_secs(30)
    }

    pub(super) const fn connect_timeout() -> Duration {
        Duration::from_secs(5)
    }

    pub(super) const fn snapshot_age_max() -> Duration {
        Duration::from_mins(10)
    }

    pub(super) const fn queue_max() -> usize {
        4_096
    }

    pub(super) const fn reads_at_once() -> NonZeroUsize {
        const READS: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        READS
    }

    pub(super) const fn commits_at_once() -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    pub(super) const fn snapshots_max() -> NonZeroUsize {
        const SNAPSHOTS: NonZeroUsize = NonZeroUsize::new(16).unwrap();
        SNAPSHOTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> PgConfig {
        PgConfig::new(vec![PgHost::new("db", 5432)], "ledger", "app")
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let text = r#"{"hosts": ["db"], "database": "d", "user": "u", "pool": 1}"#;
        let error = serde_json::from_str::<PgConfig>(text).unwrap_err();
        assert!(error.to_string().contains("`pool`"), "{error}");
    }

    #[test]
    fn settings_left_out_have_their_defaults() {
        let text = r#"{"hosts": ["db"], "database": "ledger", "user": "app"}"#;
        let read: PgConfig = serde_json::from_str(text).unwrap();
        assert_eq!(read, config());
    }

    #[test]
    fn a_setting_out_of_bounds_is_refused_by_name() {
        type Change = fn(&mut PgConfig);
        let changes: [(&str, Change); 14] = [
            ("hosts", |config| config.hosts.clear()),
            ("database", |config| config.database.clear()),
            ("user", |config| config.user = "a\0".into()),
            ("schema", |config| config.schema = "Upper".into()),
            ("schema", |config| config.schema = "pg_mine".into()),
            ("schema", |config| config.schema = "a\"; DROP".into()),
            ("schema", |config| config.schema = "a".repeat(64)),
            ("password", |config| {
                config.password = Some("p".into());
                config.password_env = Some("P".into());
            }),
            ("time_limit", |config| config.time_limit = Duration::ZERO),
            ("connect_timeout", |config| {
                config.connect_timeout = Duration::MAX;
            }),
            ("snapshot_age_max", |config| {
                config.snapshot_age_max = Duration::ZERO;
            }),
            ("partitions", |config| {
                config.partitions = Some(NonZeroU16::MAX);
            }),
            ("reads_at_once", |config| {
                config.reads_at_once = NonZeroUsize::MAX;
            }),
            ("key_file", |config| {
                config.tls.certificate_file = Some("c".into());
            }),
        ];
        for (name, change) in changes {
            let mut config = config();
            change(&mut config);
            let error = config.validated().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
        assert!(config().validated().is_ok());
    }

    #[test]
    fn a_password_shows_nowhere() {
        let mut config = config();
        config.password = Some("hunter2".into());
        let shown = format!("{config:?} {}", config.location());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
}
