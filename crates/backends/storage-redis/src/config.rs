//! Opening a Redis store.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer};
use storage_core::{
    Components, Durability, Error, ErrorKind, Operation, Result,
    networked::{Networked, Secret, require_runtime},
};

use crate::{
    RedisBackend, RedisCluster, RedisEngine, RedisHost, RedisSentinel, RedisTls, password::Places,
    url,
};

/// Where a Redis store is and how much of the server it may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The server, which must not be a replica, nor a node of a cluster. With
    /// [`sentinel`](Self::sentinel), the sentinels, any number of them, with their
    /// ports.
    pub hosts: Vec<RedisHost>,
    /// How the sentinels are asked where the server is. Default: there are none.
    #[serde(default)]
    pub sentinel: Option<RedisSentinel>,
    /// How the store is spread over a cluster, of which `hosts` are some nodes.
    /// Default: the server is in none.
    #[serde(default)]
    pub cluster: Option<RedisCluster>,
    /// The number of the database, which in a cluster is 0. Default: 0.
    #[serde(default)]
    pub database: u32,
    /// What the keys of the store begin with, a colon behind it: from 1 to 128
    /// bytes without braces, white space and `*?[]\`. Default: `storage`.
    #[serde(default = "defaults::prefix")]
    pub prefix: String,
    /// The user to connect as. Default: the server's `default`.
    #[serde(default)]
    pub user: Option<String>,
    /// Its password. At most one of this and the next two may be given.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The file that holds the password, in its first line. Only its owner may
    /// have rights on it.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// How connections are secured. Default: they are not.
    #[serde(default)]
    pub tls: Option<RedisTls>,
    /// How durable the server must be able to make commits; the store is not
    /// opened otherwise, and the error says what is missing. Default: no demand.
    #[serde(default, deserialize_with = "durability")]
    pub durability: Option<Durability>,
    /// How many replicas each `Synced` commit waits for. They need not have
    /// synced it. Default: none.
    #[serde(default)]
    pub wait_replicas: u32,
    /// Whether a store that is missing is made. Default: yes.
    #[serde(default)]
    pub creation: RedisCreation,
    /// Whether the server may throw the store away when its memory is full.
    /// Default: refused.
    #[serde(default)]
    pub eviction: Eviction,
    /// How many entries the ranges that one batch deletes may hold, before it is
    /// `Invalid`: while they are deleted, about a second for a million, the server
    /// does nothing else. Default: 1,048,576.
    #[serde(default = "defaults::range_entries_max")]
    pub range_entries_max: u64,
    /// How long any call may take, waiting included. Default: 10 seconds.
    #[serde(default = "defaults::time_limit")]
    pub time_limit: Duration,
    /// How long one attempt to connect may take. Default: 5 seconds.
    #[serde(default = "defaults::connect_timeout")]
    pub connect_timeout: Duration,
    /// How many reads are under way at once, each on a connection of its own;
    /// more wait and are then read together. In a cluster, so many of each
    /// partition, and as many scans. Default: 4.
    #[serde(default = "defaults::reads_at_once")]
    pub reads_at_once: NonZeroUsize,
    /// How many commits are under way at once, in a cluster of each partition; more
    /// wait and are then committed together. Default: 2.
    #[serde(default = "defaults::commits_at_once")]
    pub commits_at_once: NonZeroUsize,
    /// How many calls may wait, in a cluster for each partition; one more is
    /// `Throttled`. Default: 4,096.
    #[serde(default = "defaults::queue_max")]
    pub queue_max: usize,
}

/// What opening does where there is no store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedisCreation {
    /// Makes one, if no key begins with the prefix.
    #[default]
    IfMissing,
    /// Refuses, as `Invalid`, and changes nothing.
    Never,
}

/// Whether the server may throw the store away when its memory is full, as
/// `maxmemory-policy` can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Eviction {
    /// A server with a limit and one of the policies `allkeys-…` is refused. With
    /// the others, which concern only keys that have an expiry of Redis itself,
    /// nothing of the store is lost: it has none.
    #[default]
    Refused,
    /// It may: the store is a cache, and commits are never more than `Volatile`.
    /// Redis evicts each of the store's four keys by itself. Without its entries
    /// or its index, scans and commits are `Corrupt` until all keys of the store
    /// are deleted, and gets find what there is; without its header it cannot be
    /// opened. A commit whose answer was lost may stay `Unknown`.
    Allowed,
}

impl RedisConfig {
    const TIME_MIN: Duration = Duration::from_millis(100);
    const TIME_MAX: Duration = Duration::from_hours(24);
    const PREFIX_BYTES_MAX: usize = 128;
    const CONNECTIONS_MAX: usize = 1_024;

    /// The store on the given server, with default settings.
    #[must_use]
    pub fn new(host: RedisHost) -> Self {
        Self {
            hosts: vec![host],
            sentinel: None,
            cluster: None,
            database: 0,
            prefix: defaults::prefix(),
            user: None,
            password: None,
            password_env: None,
            password_file: None,
            tls: None,
            durability: None,
            wait_replicas: 0,
            creation: RedisCreation::default(),
            eviction: Eviction::default(),
            range_entries_max: defaults::range_entries_max(),
            time_limit: defaults::time_limit(),
            connect_timeout: defaults::connect_timeout(),
            reads_at_once: defaults::reads_at_once(),
            commits_at_once: defaults::commits_at_once(),
            queue_max: defaults::queue_max(),
        }
    }

    /// The store that a URL names:
    /// `redis://user:password@host:port/database?parameter=value`, or `rediss://`
    /// for TLS; or `redis-sentinel://user:password@host:port,host:port/database`,
    /// or `rediss-sentinel://`, with the parameter `master`, and if need be
    /// `sentinel_user` and `sentinel_password_env` or `sentinel_password_file`. The
    /// other schemes are `redis-cluster://` and `rediss-cluster://`, with some nodes,
    /// and the parameter `partitions`. The other parameters are `password_env password_file ca_file certificate_file
    /// key_file prefix wait_replicas time_limit connect_timeout`, the times in seconds, `durability` (`volatile` or `synced`) and `eviction`
    /// (`refused` or `allowed`).
    ///
    /// # Errors
    /// `Invalid` for what is no such URL.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    /// Opens the store; makes it if there is nothing under its prefix.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a database that does not exist, or
    /// keys of another application under the prefix; `Denied` for a wrong
    /// password, a server whose certificate is not trusted, or missing rights;
    /// `Unsupported` for a newer format, a server older than Redis 7, a node of a
    /// cluster that is named as a server or the reverse, one that may evict the store, or one that is less durable than
    /// demanded; `Unavailable` and `TimedOut` where no server answers that takes
    /// writes.
    pub async fn open(self) -> Result<RedisBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock and randomness.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<RedisBackend> {
        let opened = async {
            require_runtime()?;
            let engine = RedisEngine::open(self.validated()?, &components).await?;
            Networked::open(engine, &components).await
        };
        Box::pin(opened)
            .await
            .map_err(|error: Error| error.with_operation(Operation::Open))
    }

    pub(crate) fn validated(self) -> Result<Self> {
        let is_plain = |c: char| !c.is_whitespace() && !"{}*?[]\\".contains(c);
        let length = self.prefix.len();
        if !(1..=Self::PREFIX_BYTES_MAX).contains(&length) || !self.prefix.chars().all(is_plain) {
            return Err(invalid(format!(
                "prefix is `{}`; it must have from 1 to {} bytes, without braces, white space and *?[]\\",
                self.prefix.escape_debug(),
                Self::PREFIX_BYTES_MAX
            )));
        }
        for (setting, time) in [
            ("time_limit", self.time_limit),
            ("connect_timeout", self.connect_timeout),
        ] {
            if time < Self::TIME_MIN || time > Self::TIME_MAX {
                return Err(invalid(format!(
                    "{setting} is {time:?}, and must lie between {:?} and {:?}",
                    Self::TIME_MIN,
                    Self::TIME_MAX
                )));
            }
        }
        for (setting, count) in [
            ("reads_at_once", self.reads_at_once),
            ("commits_at_once", self.commits_at_once),
        ] {
            if count.get() > Self::CONNECTIONS_MAX {
                return Err(invalid(format!(
                    "{setting} is {count}, and must be {} or less",
                    Self::CONNECTIONS_MAX
                )));
            }
        }
        if self.durability == Some(Durability::Buffered) {
            return Err(invalid(
                "durability is Buffered, but Redis makes commits Volatile or Synced; ask for one \
                 of those",
            ));
        }
        if let Some(tls) = &self.tls {
            tls.validate()?;
        }
        if self.cluster.is_some() && self.database != 0 {
            return Err(invalid("database is not 0; clusters have no other"));
        }
        if self.cluster.is_some() && self.sentinel.is_some() {
            return Err(invalid("cluster and sentinel exclude each other"));
        }
        match &self.hosts[..] {
            [] => Err(invalid("hosts is empty; name a server")),
            [_, _, ..] if self.sentinel.is_none() && self.cluster.is_none() => Err(invalid(
                "hosts names several servers; name one, sentinels and their master, or nodes of a \
                 cluster",
            )),
            _ => Ok(self),
        }
    }

    /// The password, from where the configuration says it is.
    ///
    /// # Errors
    /// `Invalid` if there are several, or it is not there; as reading files.
    pub(crate) fn find_password(&self) -> Result<Option<Secret>> {
        let places = Places {
            prefix: "",
            password: self.password.as_ref(),
            variable: self.password_env.as_deref(),
            file: self.password_file.as_deref(),
        };
        places.find()
    }

    /// Where the store is, without the password.
    pub(crate) fn location(&self) -> String {
        let scheme = match self.tls {
            None => "redis",
            Some(_) => "rediss",
        };
        let way = match (&self.sentinel, &self.cluster) {
            (Some(_), _) => "-sentinel",
            (_, Some(_)) => "-cluster",
            _ => "",
        };
        let user = self.user.as_deref().map(|user| format!("{user}@"));
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        let master = self
            .sentinel
            .as_ref()
            .map(|sentinel| format!("master={}&", sentinel.master));
        format!(
            "{scheme}{way}://{}{}/{}?{}prefix={}",
            user.unwrap_or_default(),
            hosts.join(","),
            self.database,
            master.unwrap_or_default(),
            self.prefix
        )
    }
}

fn durability<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Durability>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        Volatile,
        Synced,
    }
    let level = Option::<Level>::deserialize(from)?;
    Ok(level.map(|level| match level {
        Level::Volatile => Durability::Volatile,
        Level::Synced => Durability::Synced,
    }))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

mod defaults {
    use std::{num::NonZeroUsize, time::Duration};

    pub(super) fn prefix() -> String {
        "storage".into()
    }

    pub(super) const fn range_entries_max() -> u64 {
        1 << 20
    }

    pub(super) const fn time_limit() -> Duration {
        Duration::from_secs(10)
    }

    pub(super) const fn connect_timeout() -> Duration {
        Duration::from_secs(5)
    }

    pub(super) const fn reads_at_once() -> NonZeroUsize {
        const READS: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        READS
    }

    pub(super) const fn commits_at_once() -> NonZeroUsize {
        const COMMITS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
        COMMITS
    }

    pub(super) const fn queue_max() -> usize {
        4_096
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> RedisConfig {
        RedisConfig::new(RedisHost::new("db", 6379))
    }

    #[test]
    fn settings_left_out_have_their_defaults_and_unknown_ones_are_refused() {
        let read: RedisConfig = serde_json::from_str(r#"{"hosts": ["db"]}"#).unwrap();
        assert_eq!(read, config());
        let text = r#"{"hosts": ["db"], "pool": 1}"#;
        let error = serde_json::from_str::<RedisConfig>(text).unwrap_err();
        assert!(error.to_string().contains("`pool`"), "{error}");
    }

    #[test]
    fn a_setting_out_of_bounds_is_refused_by_name() {
        type Change = fn(&mut RedisConfig);
        let changes: [(&str, Change); 10] = [
            ("hosts", |config| config.hosts.clear()),
            ("hosts", |config| config.hosts.push(RedisHost::new("b", 1))),
            ("prefix", |config| config.prefix.clear()),
            ("prefix", |config| config.prefix = "a{b}".into()),
            ("prefix", |config| config.prefix = "a".repeat(129)),
            ("time_limit", |config| config.time_limit = Duration::ZERO),
            ("connect_timeout", |config| {
                config.connect_timeout = Duration::MAX;
            }),
            ("reads_at_once", |config| {
                config.reads_at_once = NonZeroUsize::MAX;
            }),
            ("durability", |config| {
                config.durability = Some(Durability::Buffered);
            }),
            ("key_file", |config| {
                config.tls = Some(RedisTls {
                    key_file: Some("k".into()),
                    ..RedisTls::default()
                });
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
        config.user = Some("ada".into());
        config.password = Some("hunter2".into());
        let shown = format!("{config:?} {}", config.location());
        assert!(!shown.contains("hunter2"), "{shown}");
        config.password_env = Some("PATH".into());
        let error = config.find_password().unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error}");
    }
}
