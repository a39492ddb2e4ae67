//! Store URLs: an engine and where its data is, in one word.

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use storage_core::{Error, ErrorKind, Operation, Result};

use crate::{
    DirectoryEngine, NetworkEngine,
    server_url::{ServerUrl, masked},
};

/// Names a store: `memory:`, an engine and a directory, such as `fjall:./data`,
/// or a server, such as `postgres://app@db.example/ledger`.
///
/// | URL | The store |
/// |---|---|
/// | `memory:` | a new one that is gone when it is closed |
/// | `fjall:PATH` `sqlite:PATH` `fs:PATH` `sled:PATH` `rocks:PATH` | the one in that directory, which is made if it is not there |
/// | `postgres://USER:PASSWORD@HOST:PORT,…/DATABASE?NAME=VALUE&…` | the one in a PostgreSQL database, which is made if it is not there; also `postgresql://` |
/// | `redis://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE&…` | the one in a Redis database, which is made if it is not there; `rediss://` with TLS, `redis-sentinel://` through sentinels, `redis-cluster://` in a cluster |
/// | `s3://BUCKET/PREFIX?NAME=VALUE&…` | the one in a bucket of S3, below that prefix, which is made if it is not there |
/// | `az://CONTAINER/PREFIX?NAME=VALUE&…` | the one in a container of Azure, likewise, with feature `azure` |
/// | `gs://BUCKET/PREFIX?NAME=VALUE&…` | the one in a bucket of Google Cloud Storage, likewise, with feature `gcs` |
/// | `object+file:///PATH` | the one of objects in that directory, likewise |
///
/// A relative path is relative to the current directory. In it, `?` is kept for
/// parameters and refused until there are some; a path that holds one is opened
/// with the engine's configuration instead.
///
/// The parameters of a server are those that the engine's configuration reads;
/// see `pg::PgConfig::from_url`, `redis::RedisConfig::from_url` and
/// `object::ObjectConfig::from_url`. A password is better kept in the environment or
/// a file, as described there. One that is in the URL shows in no error, nor in the
/// `Debug` and `Display` forms.
///
/// All schemes parse, whatever features are on; [`open`](StoreUrl::open) says
/// which feature is missing.
///
/// ```
/// use storage::StoreUrl;
///
/// let url: StoreUrl = "fjall:./data".parse()?;
/// assert_eq!(url.to_string(), "fjall:./data");
/// # Ok::<(), storage::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreUrl {
    /// A new store that is gone when it is closed.
    Memory,
    /// The store in a directory, which is made if it is not there.
    Directory {
        /// Whose store it is.
        engine: DirectoryEngine,
        /// The directory.
        path: PathBuf,
    },
    /// A store across a network.
    Server(ServerUrl),
}

impl StoreUrl {
    /// Where the store keeps its files, if it keeps any here.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Memory | Self::Server(_) => None,
            Self::Directory { path, .. } => Some(path),
        }
    }

    /// `url` as it may be shown and logged, also if it cannot be parsed: what may
    /// be a password in it is `***`.
    ///
    /// ```
    /// use storage::StoreUrl;
    ///
    /// let shown = StoreUrl::masked("postgres://app:hunter2@db.example/ledger");
    /// assert_eq!(shown, "postgres://app:***@db.example/ledger");
    /// ```
    #[must_use]
    pub fn masked(url: &str) -> Cow<'_, str> {
        masked(url)
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    /// # Errors
    /// `Invalid`, naming what is wrong and the known schemes.
    fn from_str(url: &str) -> Result<Self> {
        // Also what is no URL of a server may have been meant as one.
        let shown = masked(url);
        let Some((scheme, target)) = url.split_once(':') else {
            return Err(invalid(format!(
                "`{shown}` has no scheme; write {}, such as fjall:./data",
                known()
            )));
        };
        if let Some(engine) = NetworkEngine::of_url(url) {
            if !target.starts_with("//") {
                return Err(invalid(format!(
                    "what follows `{scheme}:` are two slashes and a host; write {}",
                    engine.pattern()
                )));
            }
            let url = ServerUrl::parse(engine, url);
            return url
                .map(Self::Server)
                .map_err(|error| error.with_operation(Operation::Open));
        }
        if target.contains('?') {
            return Err(invalid(format!(
                "`{shown}` has parameters, and no scheme takes any; leave out what follows the `?`"
            )));
        }
        if scheme == "memory" {
            return match target {
                "" => Ok(Self::Memory),
                _ => Err(invalid(format!(
                    "`{shown}` has a path, which memory has no use for; write memory:"
                ))),
            };
        }
        let engine = DirectoryEngine::ALL
            .into_iter()
            .find(|engine| engine.name() == scheme)
            .ok_or_else(|| {
                invalid(format!(
                    "no scheme is called `{scheme}`; the known ones are {}",
                    known()
                ))
            })?;
        if target.is_empty() {
            return Err(invalid(format!(
                "`{shown}` has no path; name a directory, such as {scheme}:./data"
            )));
        }
        // Most would read `fjall://data` as a relative path; it is not one.
        if target.starts_with("//") {
            return Err(invalid(format!(
                "`{shown}` begins with two slashes; write {scheme}:./data or {scheme}:/srv/data"
            )));
        }
        Ok(Self::Directory {
            engine,
            path: target.into(),
        })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Directory { engine, path } => write!(f, "{}:{}", engine.name(), path.display()),
            Self::Server(url) => url.fmt(f),
        }
    }
}

/// What can be written.
fn known() -> String {
    let engines = DirectoryEngine::ALL.map(|engine| format!("{}:PATH", engine.name()));
    let servers = NetworkEngine::ALL.map(NetworkEngine::pattern);
    format!("memory:, {}, {}", engines.join(", "), servers.join(", "))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message).with_operation(Operation::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let error = url.parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    }

    #[test]
    fn a_url_prints_as_it_was_written() {
        for url in ["memory:", "fjall:./data", "rocks:/srv/a b", "sqlite:C:odd"] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().to_string(), url);
        }
        for engine in DirectoryEngine::ALL {
            let url = format!("{}:data", engine.name());
            let parsed = url.parse::<StoreUrl>().unwrap();
            assert_eq!(parsed.to_string(), url);
            assert_eq!(parsed.directory(), Some(Path::new("data")));
        }
    }

    #[test]
    fn an_unknown_scheme_is_answered_with_the_known_ones() {
        let message = refusal("oracle:db");
        assert!(message.contains("`oracle`"), "{message}");
        assert!(
            message.contains("memory:, fjall:PATH, sqlite:PATH"),
            "{message}"
        );
    }

    #[test]
    fn a_bare_path_is_answered_with_the_url_to_write() {
        assert!(refusal("./data").contains("fjall:./data"));
    }

    #[test]
    fn a_server_is_named_with_two_slashes_and_shows_no_password() {
        for (written, shown) in [
            ("postgres://a@h/d", "postgres://a@h/d"),
            (
                "postgresql://a:pw@h/d?schema=s",
                "postgresql://a:***@h/d?schema=s",
            ),
        ] {
            let url: StoreUrl = written.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("pw"), "{url:?}");
            assert_eq!(url.directory(), None);
        }
        let message = refusal("postgres:a:pw@h/d");
        assert!(
            message.contains("postgres://USER@HOST/DATABASE"),
            "{message}"
        );
        assert!(!message.contains("pw"), "{message}");
        let misspelt = refusal("postgre://a:pw@h/d?schema=s");
        assert!(!misspelt.contains("pw"), "{misspelt}");
    }

    #[test]
    fn what_a_scheme_has_no_use_for_is_refused() {
        assert!(refusal("memory:x").contains("write memory:"));
        assert!(refusal("fjall:").contains("no path"));
        assert!(refusal("sled:").contains("sled:./data"));
        assert!(refusal("fjall://data").contains("two slashes"));
        assert!(refusal("sqlite:./data?cache=1").contains("parameters"));
    }
}
