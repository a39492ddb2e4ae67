//! URLs of stores across a network, which may hold a password and do not show it.

use std::{borrow::Cow, fmt};

use storage_core::{Result, SharedStore};

use crate::{DirectoryEngine, NetworkEngine};

/// Stands for what is not shown.
const HIDDEN: &str = "***";

/// Parameters whose values are no secrets. Whatever else there is, such as a
/// misspelt `password`, is not shown.
const SHOWN: [&str; 38] = [
    "host",
    "dbname",
    "user",
    "password_env",
    "password_file",
    "passfile",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
    "time_limit",
    "read_hosts",
    "schema",
    "snapshot_age_max",
    "application_name",
    "partitions",
    "target_session_attrs",
    "ca_file",
    "certificate_file",
    "key_file",
    "prefix",
    "master",
    "sentinel_user",
    "sentinel_password_env",
    "sentinel_password_file",
    "wait_replicas",
    "durability",
    "eviction",
    "endpoint",
    "account",
    "reads",
    "region",
    "profile",
    "credentials_file",
    "storage_class",
    "conditions",
    "requests_at_once",
];

/// Where a store across a network is, such as
/// `postgres://app@db.example/ledger?schema=storage`.
///
/// It may hold a password. Neither its `Debug` form nor its `Display` form shows
/// it: both have `***` in its place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    engine: NetworkEngine,
    text: String,
}

impl ServerUrl {
    /// The URL of a store of `engine`, which is checked if the engine is built
    /// in.
    pub(crate) fn parse(engine: NetworkEngine, url: &str) -> Result<Self> {
        engine.check(url)?;
        Ok(Self {
            engine,
            text: url.to_owned(),
        })
    }

    /// Whose store it is.
    #[must_use]
    pub const fn engine(&self) -> NetworkEngine {
        self.engine
    }

    pub(crate) async fn open(&self, missing: Missing) -> Result<SharedStore> {
        self.engine.open(&self.text, missing).await
    }
}

/// What to do where there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Make,
    Refuse,
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.text))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerUrl")
            .field(&masked(&self.text))
            .finish()
    }
}

/// A URL, or what was meant as one, without what may be a password. Where it is
/// not clear what is one, more is hidden.
pub(crate) fn masked(url: &str) -> Cow<'_, str> {
    if DirectoryEngine::ALL
        .iter()
        .any(|engine| engine.has_url(url))
    {
        return Cow::Borrowed(url);
    }
    let Some((scheme, rest)) = split_scheme(url) else {
        return masked_without_scheme(url);
    };
    // An `@`, `/` or `?` may be a part of a password that was not encoded.
    let (user_info, rest) = match rest.rsplit_once('@') {
        Some((user_info, rest)) => (Some(user_info), rest),
        None => (None, rest),
    };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    let (hosts, database) = match place.split_once('/') {
        Some((hosts, database)) => (hosts, Some(database)),
        None => (place, None),
    };
    let mut shown = scheme.to_owned();
    if let Some(user_info) = user_info {
        match user_info.split_once(':') {
            Some((user, _)) => shown.extend([user, ":", HIDDEN]),
            None => shown.push_str(user_info),
        }
        shown.push('@');
    }
    let hosts: Vec<_> = hosts.split(',').map(masked_host).collect();
    shown.push_str(&hosts.join(","));
    if let Some(database) = database {
        shown.extend(["/", database]);
    }
    if let Some(query) = query {
        let pairs: Vec<_> = query.split('&').map(masked_pair).collect();
        shown.extend(["?", &pairs.join("&")]);
    }
    Cow::Owned(shown)
}

/// The scheme with its two slashes, whether it is known or misspelt, and the
/// rest.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_at_checked(url.find("//")? + 2)?;
    let name = scheme.trim_end_matches('/').trim_end_matches(':');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.=".contains(&byte);
    name.bytes().all(is_name).then_some((scheme, rest))
}

/// What has no parts to tell apart.
fn masked_without_scheme(url: &str) -> Cow<'_, str> {
    let user_info = url.rsplit_once('@');
    match user_info.and_then(|(info, place)| Some((info.split_once(':')?.0, place))) {
        Some((user, place)) => Cow::Owned(format!("{user}:{HIDDEN}@{place}")),
        None => match NetworkEngine::of_url(url) {
            Some(engine) => Cow::Owned(format!("{}{HIDDEN}", engine.scheme_of(url))),
            None => Cow::Borrowed(url),
        },
    }
}

/// A host, and its port if it is one: else it may be the password of a URL
/// without a host.
fn masked_host(host: &str) -> Cow<'_, str> {
    match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') && !port.bytes().all(|b| b.is_ascii_digit()) => {
            Cow::Owned(format!("{name}:{HIDDEN}"))
        }
        _ => Cow::Borrowed(host),
    }
}

fn masked_pair(pair: &str) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((name, _)) if SHOWN.contains(&name) => Cow::Borrowed(pair),
        Some((name, _)) => Cow::Owned(format!("{name}={HIDDEN}")),
        None => Cow::Borrowed(HIDDEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://a:pw@h/d", "postgres://a:***@h/d"),
            ("postgresql://a:pw@h/d", "postgresql://a:***@h/d"),
            ("postgres://a:p:w@h:1,i:2/d", "postgres://a:***@h:1,i:2/d"),
            ("postgres://a:@h/d", "postgres://a:***@h/d"),
            ("postgres://a:p/w@h/d", "postgres://a:***@h/d"),
            ("postgres://a:p@w@h/d", "postgres://a:***@h/d"),
            ("postgres://a:p?w=1@h/d", "postgres://a:***@h/d"),
            ("rediss://a:pw@h/0?prefix=p", "rediss://a:***@h/0?prefix=p"),
            ("redis://:pw@h", "redis://:***@h"),
            (
                "redis-sentinel://a:pw@h:1,i:2/0?master=m",
                "redis-sentinel://a:***@h:1,i:2/0?master=m",
            ),
            ("postgres://a:pw", "postgres://a:***"),
            ("postgres://h/d?password=pw", "postgres://h/d?password=***"),
            (
                "postgres://h/d?passwrod=pw&schema=s",
                "postgres://h/d?passwrod=***&schema=s",
            ),
            ("postgres://h/d?pw", "postgres://h/d?***"),
            ("postgres:a:pw@h/d", "postgres:***@h/d"),
            ("postgres:/a:pw@h/d", "postgres:***@h/d"),
            ("postgres:pw", "postgres:***"),
            ("postgre://a:pw@h/d", "postgre://a:***@h/d"),
            ("Postgres://a:pw@h/d", "Postgres://a:***@h/d"),
            ("postgres//a:pw@h/d", "postgres//a:***@h/d"),
            ("a:pw@h//d", "a:***@h//d"),
        ] {
            assert_eq!(masked(url), shown, "{url}");
        }
    }

    #[cfg(all(feature = "pg", feature = "redis", feature = "azure"))]
    #[test]
    fn the_parameters_that_are_shown_are_those_that_engines_read() {
        let engines = |query: String| {
            [
                crate::pg::PgConfig::from_url(&format!("postgres://a/b?{query}")).err(),
                crate::redis::RedisConfig::from_url(&format!("rediss-sentinel://a?{query}")).err(),
                crate::object::ObjectConfig::from_url(&format!("s3://a/b?{query}")).err(),
                crate::object::ObjectConfig::from_url(&format!("az://a/b?{query}")).err(),
            ]
        };
        for name in SHOWN {
            let is_unknown = |error: &storage_core::Error| error.message().contains("unknown");
            let refusals = engines(format!("{name}=x"));
            let known = refusals
                .iter()
                .any(|refusal| refusal.as_ref().is_none_or(|error| !is_unknown(error)));
            assert!(known, "{name}: {refusals:?}");
        }
    }

    #[test]
    fn what_has_no_password_is_shown_as_it_is() {
        for url in [
            "postgres://a@h:5432/d?schema=s&sslmode=require",
            "postgres://a@[::1]:5432,[::2]/d",
            "postgres://%2Frun%2Fpg/d",
            "postgres://",
            "fjall:./a:b@c",
            "",
            "nonsense",
            "oracle:db",
            "./data",
        ] {
            assert_eq!(masked(url), url);
        }
    }
}
