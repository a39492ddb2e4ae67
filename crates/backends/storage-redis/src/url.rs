//! URLs of Redis stores: `redis://`, `redis-sentinel://`, `redis-cluster://`, and
//! with TLS `rediss…`.

use storage_core::{
    Durability, Result,
    networked::{Secret, UrlParts},
};

use crate::{Eviction, RedisCluster, RedisConfig, RedisHost, RedisSentinel, RedisTls};

const PARTS: UrlParts = UrlParts::of("a Redis store");

/// Reads a URL. Nothing of what it says about the password is in an error.
pub(crate) fn parse(url: &str) -> Result<RedisConfig> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (security, way) = scheme
        .split_at_checked(scheme.find('-').unwrap_or(scheme.len()))
        .unwrap_or_default();
    let is_encrypted = security == "rediss";
    if !is_encrypted && security != "redis" || !["", "-sentinel", "-cluster"].contains(&way) {
        return Err(PARTS.invalid(
            "it begins with none of redis:// redis-sentinel:// redis-cluster:// and, with TLS, \
             rediss:// rediss-sentinel:// rediss-cluster://",
        ));
    }
    let sentinel = (way == "-sentinel").then(|| RedisSentinel::new(""));
    let place = PARTS.place(rest)?;
    let port = match sentinel {
        None => RedisHost::PORT,
        Some(_) => RedisHost::SENTINEL_PORT,
    };
    let host = |host| RedisHost::parse(&PARTS.decoded(host)?, port);
    let mut config = RedisConfig::new(RedisHost::new("", port));
    let hosts: Result<_> = place.hosts.split(',').map(host).collect();
    config.hosts = hosts.map_err(|_| PARTS.no_host())?;
    config.tls = is_encrypted.then(RedisTls::default);
    config.sentinel = sentinel;
    config.cluster = (way == "-cluster").then(RedisCluster::default);
    if !place.database.is_empty() {
        // It may be a part of a password whose host was left out, and is not shown.
        let number = place.database.parse();
        config.database = number.map_err(|_| PARTS.invalid("the database in it is no number"))?;
    }
    config.user = some(PARTS.decoded(place.user)?);
    let password = PARTS.decoded(place.password.unwrap_or_default())?;
    config.password = some(password).map(Secret::new);
    for parameter in PARTS.parameters(place.query) {
        let (name, value) = parameter?;
        set(&mut config, name, value)?;
    }
    match &config.sentinel {
        Some(sentinel) if sentinel.master.is_empty() => {
            Err(PARTS.invalid("it names sentinels, but no `master`"))
        }
        _ => Ok(config),
    }
}

fn set(config: &mut RedisConfig, name: &str, value: String) -> Result<()> {
    match name {
        "password_env" => config.password_env = Some(value),
        "password_file" => config.password_file = Some(value.into()),
        "ca_file" => tls(config, name)?.ca_file = Some(value.into()),
        "certificate_file" => tls(config, name)?.certificate_file = Some(value.into()),
        "key_file" => tls(config, name)?.key_file = Some(value.into()),
        "master" => sentinel(config, name)?.master = value,
        "sentinel_user" => sentinel(config, name)?.user = Some(value),
        "sentinel_password_env" => sentinel(config, name)?.password_env = Some(value),
        "sentinel_password_file" => {
            sentinel(config, name)?.password_file = Some(value.into());
        }
        "partitions" => {
            let cluster = config.cluster.as_mut();
            let cluster =
                cluster.ok_or_else(|| PARTS.invalid("partitions takes a redis-cluster:// URL"));
            cluster?.partitions = PARTS.number(name, &value)?;
        }
        "prefix" => config.prefix = value,
        "wait_replicas" => config.wait_replicas = PARTS.number(name, &value)?,
        "time_limit" => config.time_limit = PARTS.seconds(name, &value)?,
        "connect_timeout" => config.connect_timeout = PARTS.seconds(name, &value)?,
        "durability" => {
            config.durability = Some(match value.as_str() {
                "volatile" => Durability::Volatile,
                "synced" => Durability::Synced,
                _ => return Err(PARTS.invalid("durability is neither volatile nor synced")),
            });
        }
        "eviction" => {
            config.eviction = match value.as_str() {
                "refused" => Eviction::Refused,
                "allowed" => Eviction::Allowed,
                _ => return Err(PARTS.invalid("eviction is neither refused nor allowed")),
            };
        }
        _ => return Err(PARTS.invalid(format!("it has an unknown parameter, `{name}`"))),
    }
    Ok(())
}

fn tls<'c>(config: &'c mut RedisConfig, name: &str) -> Result<&'c mut RedisTls> {
    config
        .tls
        .as_mut()
        .ok_or_else(|| PARTS.invalid(format!("{name} takes a rediss:// URL")))
}

fn sentinel<'c>(config: &'c mut RedisConfig, name: &str) -> Result<&'c mut RedisSentinel> {
    let sentinel = config.sentinel.as_mut();
    sentinel.ok_or_else(|| PARTS.invalid(format!("{name} takes a redis-sentinel:// URL")))
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use storage_core::ErrorKind;

    use super::*;

    #[test]
    fn a_url_says_all_that_a_configuration_can() {
        let config = parse(
            "rediss://ada:p%40ss%3A@[::1]:7/3?ca_file=/ca.pem&certificate_file=/c.pem&\
             key_file=/k.pem&prefix=mine&wait_replicas=2&time_limit=9&connect_timeout=2&\
             durability=synced&eviction=allowed",
        )
        .unwrap();
        let mut expected = RedisConfig::new(RedisHost::new("::1", 7));
        expected.database = 3;
        expected.user = Some("ada".into());
        expected.password = Some("p@ss:".into());
        expected.tls = Some(RedisTls {
            ca_file: Some("/ca.pem".into()),
            certificate_file: Some("/c.pem".into()),
            key_file: Some("/k.pem".into()),
        });
        expected.prefix = "mine".into();
        expected.wait_replicas = 2;
        expected.time_limit = Duration::from_secs(9);
        expected.connect_timeout = Duration::from_secs(2);
        expected.durability = Some(Durability::Synced);
        expected.eviction = Eviction::Allowed;
        assert_eq!(config, expected);
    }

    #[test]
    fn sentinels_are_named_together_with_their_master() {
        let config = parse(
            "rediss-sentinel://ada:pw@a,b:7/1?master=main&sentinel_user=u&sentinel_password_env=P",
        )
        .unwrap();
        assert_eq!(
            config.hosts,
            [RedisHost::new("a", 26379), RedisHost::new("b", 7)]
        );
        let mut sentinel = RedisSentinel::new("main");
        sentinel.user = Some("u".into());
        sentinel.password_env = Some("P".into());
        assert_eq!(config.sentinel, Some(sentinel));
        assert!(config.tls.is_some());
        parse("redis-sentinel://a").unwrap_err();
        parse("redis://a?master=main").unwrap_err();
    }

    #[test]
    fn nodes_of_a_cluster_are_named_together() {
        let config = parse("rediss-cluster://a,b:7?partitions=4").unwrap();
        assert_eq!(
            config.hosts,
            [RedisHost::new("a", 6379), RedisHost::new("b", 7)]
        );
        let partitions = config.cluster.map(|cluster| cluster.partitions.get());
        assert_eq!((partitions, config.sentinel), (Some(4), None));
        parse("redis-cluster://a?partitions=0").unwrap_err();
        parse("redis://a?partitions=4").unwrap_err();
        parse("redis-other://a").unwrap_err();
    }

    #[test]
    fn a_password_needs_no_user() {
        let config = parse("redis://:secret@a").unwrap();
        assert_eq!(
            (config.user, config.password),
            (None, Some("secret".into()))
        );
    }

    #[test]
    fn a_url_that_says_something_else_is_invalid_and_shows_no_password() {
        for url in [
            "memcached://a",
            "redis://u:hunter2%@a",
            "redis://u:hunter2%zz@a",
            "redis://u:hunter2%+1@a",
            "redis://u:hunter2@a:port",
            "redis://u:hunter2@a/first",
            "redis://u:hunter2@a?ca_file=/c",
            "redis://u:hunter2@a?colour=red",
            "redis://u:hunter2@a?durability=buffered",
            "redis://u:%ff@a",
            "redis://u:hunter2",
            "redis://u:hunter2?x@a",
            "redis://u:12/hunter2@a",
            "redis://u:12/hunter2",
            "redis://u:12?hunter2",
            "redis://u:12?x=hunter2@a",
        ] {
            let error = parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
