//! `postgres://` URLs, with several hosts, as libpq writes them.

use storage_core::{Result, networked::UrlParts};

use crate::{Secret, config::PgConfig, host::PgHost};

const PARTS: UrlParts = UrlParts::of("a PostgreSQL store");

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Reads a URL. Nothing of what it says about the password is in an error.
pub(crate) fn parse(url: &str) -> Result<PgConfig> {
    let rest = SCHEMES
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .ok_or_else(|| PARTS.invalid("it does not begin with postgres://"))?;
    // A directory of a socket, as a host, is written with `%2F`.
    let place = PARTS.place(rest)?;
    let hosts = parse_hosts(place.hosts).map_err(|_| PARTS.no_host())?;
    let (database, user) = (PARTS.decoded(place.database)?, PARTS.decoded(place.user)?);
    let mut config = PgConfig::new(hosts, database, user);
    config.password = place
        .password
        .map(|password| PARTS.decoded(password))
        .transpose()?
        .map(Secret::new);
    for parameter in PARTS.parameters(place.query) {
        let (name, value) = parameter?;
        set(&mut config, name, value)?;
    }
    Ok(config)
}

fn parse_hosts(text: &str) -> Result<Vec<PgHost>> {
    text.split(',')
        .filter(|host| !host.is_empty())
        .map(|host| PARTS.decoded(host)?.parse())
        .collect()
}

fn set(config: &mut PgConfig, name: &str, value: String) -> Result<()> {
    match name {
        "host" => config.hosts = parse_hosts(&value)?,
        "dbname" => config.database = value,
        "user" => config.user = value,
        "password" => config.password = Some(Secret::new(value)),
        "password_env" => config.password_env = Some(value),
        "password_file" => config.password_file = Some(value.into()),
        "passfile" => config.passfile = Some(value.into()),
        "sslmode" => config.tls.mode = Some(value.parse()?),
        "sslrootcert" => config.tls.ca_file = Some(value.into()),
        "sslcert" => config.tls.certificate_file = Some(value.into()),
        "sslkey" => config.tls.key_file = Some(value.into()),
        "connect_timeout" => config.connect_timeout = PARTS.seconds(name, &value)?,
        "time_limit" => config.time_limit = PARTS.seconds(name, &value)?,
        "snapshot_age_max" => config.snapshot_age_max = PARTS.seconds(name, &value)?,
        "read_hosts" => config.read_hosts = parse_hosts(&value)?,
        "schema" => config.schema = value,
        "application_name" => config.application_name = value,
        "partitions" => config.partitions = Some(PARTS.number(name, &value)?),
        "target_session_attrs" => {
            // Whichever of these is asked for, that is what is looked for anyway.
            if !matches!(value.as_str(), "read-write" | "primary" | "any") {
                return Err(PARTS.invalid(format!(
                    "target_session_attrs is `{value}`, but a store needs a server that takes \
                     writes: leave it out, and name standbys as read_hosts"
                )));
            }
        }
        _ => return Err(PARTS.invalid(format!("it has an unknown parameter, `{name}`"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use storage_core::ErrorKind;

    use super::*;
    use crate::TlsMode;

    #[test]
    fn a_url_says_all_that_a_configuration_can() {
        let config = parse(
            "postgres://ada:p%40ss%3A@a:5432,[::1]:5433,%2Frun%2Fpg/led%20ger?sslmode=require&\
             sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem&connect_timeout=3&time_limit=9&\
             target_session_attrs=read-write&read_hosts=r1,r2:7&schema=mine&partitions=8&\
             snapshot_age_max=60",
        )
        .unwrap();
        let mut expected = PgConfig::new(
            vec![
                PgHost::new("a", 5432),
                PgHost::new("::1", 5433),
                PgHost::new("/run/pg", 5432),
            ],
            "led ger",
            "ada",
        );
        expected.password = Some("p@ss:".into());
        expected.tls.mode = Some(TlsMode::Require);
        expected.tls.ca_file = Some("/ca.pem".into());
        expected.tls.certificate_file = Some("/c.pem".into());
        expected.tls.key_file = Some("/k.pem".into());
        expected.connect_timeout = Duration::from_secs(3);
        expected.time_limit = Duration::from_secs(9);
        expected.snapshot_age_max = Duration::from_mins(1);
        expected.read_hosts = vec![PgHost::new("r1", 5432), PgHost::new("r2", 7)];
        expected.schema = "mine".into();
        expected.partitions = std::num::NonZeroU16::new(8);
        assert_eq!(config, expected);
    }

    #[test]
    fn a_url_that_says_something_else_is_invalid_and_shows_no_password() {
        for url in [
            "mysql://a/b",
            "postgres://u:hunter2%@a/b",
            "postgres://u:hunter2%zz@a/b",
            "postgres://u:hunter2@a:port/b",
            "postgres://u:hunter2@a/b?sslmode=maybe",
            "postgres://u:hunter2@a/b?sslmode=verify-ca",
            "postgres://u:hunter2@a/b?colour=red",
            "postgres://u:hunter2@a/b?target_session_attrs=standby",
            "postgres://u:hunter2@a/b?partitions=0",
            "postgres://u:%ff@a/b",
            "postgres://u:hunter2",
            "postgres://u:hunter2/@a/b",
            "postgres://u:hunter2/x@a/b",
            "postgres://u:hunter2?x@a/b",
            "postgres://u:5?hunter2&x@a/b",
            "postgres://u:hun@ter2/hunter2@a/b",
            "postgres://u:1/hunter2@a/b",
            "postgres://u:1?hunter2@a/b",
            "postgres://u:1?x=hunter2@a/b",
            "postgres://a/b?hunter2",
        ] {
            let error = parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
