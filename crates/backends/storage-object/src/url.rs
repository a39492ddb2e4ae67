//! URLs of stores of objects.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use storage_core::{Error, ErrorKind, Result};

use crate::{ObjectConditions, ObjectConfig, ObjectPlace, S3Place};

const SCHEME: &str = "s3://";
const DIRECTORY_SCHEME: &str = "object+file://";

/// Reads a URL.
pub(crate) fn parse(url: &str) -> Result<ObjectConfig> {
    if let Some(path) = url.strip_prefix(DIRECTORY_SCHEME) {
        return parse_directory(path);
    }
    let rest = url
        .strip_prefix(SCHEME)
        .ok_or_else(|| invalid("it does not begin with s3:// or object+file://"))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    // What is before it may be a key, and is not shown.
    if bucket.contains('@') {
        return Err(invalid(
            "it has an `@` in front of the bucket; credentials are not a part of it",
        ));
    }
    let mut place = S3Place::new(decode(bucket)?);
    let mut config = ObjectConfig::s3("");
    config.prefix = decode(prefix)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| invalid("it has a parameter without a value"))?;
        set(&mut config, &mut place, name, decode(value)?)?;
    }
    config.place = ObjectPlace::S3(place);
    Ok(config)
}

fn parse_directory(path: &str) -> Result<ObjectConfig> {
    if !path.starts_with('/') || path.contains('?') {
        return Err(invalid(
            "object+file:// must be followed by an absolute path, without parameters",
        ));
    }
    Ok(ObjectConfig::directory(decode(path)?))
}

fn set(config: &mut ObjectConfig, place: &mut S3Place, name: &str, value: String) -> Result<()> {
    match name {
        "endpoint" => place.endpoint = Some(value),
        "region" => place.region = Some(value),
        "profile" => place.profile = Some(value),
        "credentials_file" => place.credentials_file = Some(value.into()),
        "ca_file" => place.ca_file = Some(value.into()),
        "storage_class" => config.storage_class = Some(value),
        "conditions" => {
            config.conditions = match value.as_str() {
                "probed" => ObjectConditions::Probed,
                "trusted" => ObjectConditions::Trusted,
                "unused" => ObjectConditions::Unused,
                _ => return Err(invalid("conditions must be probed, trusted or unused")),
            }
        }
        "requests_at_once" => config.requests_at_once = number(name, &value)?,
        "time_limit" => config.time_limit = Duration::from_secs(number(name, &value)?),
        "connect_timeout" => config.connect_timeout = Duration::from_secs(number(name, &value)?),
        // Its value may be a key, and is not shown.
        _ => return Err(invalid(&format!("it has an unknown parameter, `{name}`"))),
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T> {
    value
        .parse()
        .map_err(|_| invalid(&format!("{name} is no such number")))
}

/// Takes percent signs away.
fn decode(text: &str) -> Result<String> {
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    // The first part stands before any sign.
    let is_whole = text.split('%').skip(1).all(|behind| {
        let mut bytes = behind.bytes();
        is_digit(bytes.next()) && is_digit(bytes.next())
    });
    if !is_whole {
        return Err(invalid(
            "a percent sign in it is not followed by two hexadecimal digits",
        ));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(invalid("a part of it is not UTF-8")),
    }
}

fn invalid(what: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("the URL of a store of objects cannot be used: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_all_that_a_configuration_can() {
        let config = parse(
            "s3://ledger/a/b?endpoint=http://127.0.0.1:9000&region=eu-north-1&profile=p&\
             credentials_file=/c&ca_file=/ca.pem&storage_class=STANDARD_IA&conditions=trusted&\
             requests_at_once=7&time_limit=9&connect_timeout=3",
        )
        .unwrap();
        let mut place = S3Place::new("ledger");
        place.endpoint = Some("http://127.0.0.1:9000".into());
        place.region = Some("eu-north-1".into());
        place.profile = Some("p".into());
        place.credentials_file = Some("/c".into());
        place.ca_file = Some("/ca.pem".into());
        let mut expected = ObjectConfig::new(ObjectPlace::S3(place));
        expected.prefix = "a/b".into();
        expected.storage_class = Some("STANDARD_IA".into());
        expected.conditions = ObjectConditions::Trusted;
        expected.requests_at_once = 7.try_into().unwrap();
        expected.time_limit = Duration::from_secs(9);
        expected.connect_timeout = Duration::from_secs(3);
        assert_eq!(config, expected);
    }

    #[test]
    fn a_url_may_name_a_directory() {
        let config = parse("object+file:///var/a%20b").unwrap();
        assert_eq!(config, ObjectConfig::directory("/var/a b"));
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_showing_what_may_be_a_key() {
        for url in [
            "http://bucket",
            "s3://id:hidden@bucket/prefix",
            "s3://bucket?secret_access_key=hidden",
            "s3://bucket?conditions=hidden",
            "s3://bucket?time_limit=hidden",
            "s3://bucket?hidden",
            "s3://buck%et",
            "object+file://host:hidden/path",
            "object+file:///path?hidden",
        ] {
            let error = parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        }
    }
}
