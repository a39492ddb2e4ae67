//! URLs of stores of objects.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use storage_core::{Error, ErrorKind, Result};

#[cfg(feature = "azure")]
use crate::AzurePlace;
#[cfg(feature = "gcs")]
use crate::GcsPlace;
use crate::{
    ObjectClass, ObjectConditions, ObjectConfig, ObjectPlace, ObjectReads, S3Place,
    served::ServedPlace,
};

const DIRECTORY_SCHEME: &str = "object+file://";

/// Reads a URL.
pub(crate) fn parse(url: &str) -> Result<ObjectConfig> {
    if let Some(path) = url.strip_prefix(DIRECTORY_SCHEME) {
        return parse_directory(path);
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    match scheme {
        "s3" => on_server(rest, S3Place::new, ObjectPlace::S3),
        #[cfg(feature = "azure")]
        "az" => on_server(rest, AzurePlace::new, ObjectPlace::Azure),
        #[cfg(feature = "gcs")]
        "gs" => on_server(rest, GcsPlace::new, ObjectPlace::Gcs),
        #[cfg(not(feature = "azure"))]
        "az" => Err(left_out("az://", "azure")),
        #[cfg(not(feature = "gcs"))]
        "gs" => Err(left_out("gs://", "gcs")),
        _ => Err(invalid(
            "it does not begin with s3://, az://, gs:// or object+file://",
        )),
    }
}

#[cfg(not(all(feature = "azure", feature = "gcs")))]
fn left_out(scheme: &str, feature: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{scheme} takes the feature `{feature}`, which this build does not have"),
    )
}

/// Reads what follows the scheme of a place on a server.
fn on_server<P: ServedPlace>(
    rest: &str,
    new: impl FnOnce(String) -> P,
    place_of: fn(P) -> ObjectPlace,
) -> Result<ObjectConfig> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    // What is before it may be a key, and is not shown.
    if bucket.contains('@') {
        return Err(invalid(
            "it has an `@` in front of the bucket; credentials are not a part of it",
        ));
    }
    let mut place = new(decode(bucket)?);
    let mut config = ObjectConfig::new(ObjectPlace::Memory);
    config.prefix = decode(prefix)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| invalid("it has a parameter without a value"))?;
        let value = decode(value)?;
        if !place.set(name, &value) {
            set(&mut config, name, &value)?;
        }
    }
    config.place = place_of(place);
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

fn set(config: &mut ObjectConfig, name: &str, value: &str) -> Result<()> {
    match name {
        "storage_class" => config.storage_classes.push(class(value)?),
        "conditions" => {
            config.conditions = match value {
                "probed" => ObjectConditions::Probed,
                "trusted" => ObjectConditions::Trusted,
                "unused" => ObjectConditions::Unused,
                _ => return Err(invalid("conditions must be probed, trusted or unused")),
            }
        }
        "reads" => {
            config.reads = match value {
                "known" => ObjectReads::Known,
                "linearizable" => ObjectReads::Linearizable,
                "eventual" => ObjectReads::Eventual,
                _ => return Err(invalid("reads must be known, linearizable or eventual")),
            }
        }
        "requests_at_once" => config.requests_at_once = number(name, value)?,
        "time_limit" => config.time_limit = Duration::from_secs(number(name, value)?),
        "connect_timeout" => config.connect_timeout = Duration::from_secs(number(name, value)?),
        // Its value may be a key, and is not shown.
        _ => return Err(invalid(&format!("it has an unknown parameter, `{name}`"))),
    }
    Ok(())
}

/// `CLASS`, or `CLASS:BYTES` for values of at least so many.
fn class(value: &str) -> Result<ObjectClass> {
    let (name, bytes) = value.split_once(':').unwrap_or((value, "0"));
    let mut class = ObjectClass::new(name);
    class.value_bytes_min = number("the bytes of storage_class", bytes)?;
    Ok(class)
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
             credentials_file=/c&ca_file=/ca.pem&storage_class=GLACIER_IR:131072&storage_class=STANDARD_IA&conditions=trusted&\
             reads=linearizable&requests_at_once=7&time_limit=9&connect_timeout=3",
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
        let mut large = ObjectClass::new("GLACIER_IR");
        large.value_bytes_min = 131_072;
        expected.storage_classes = vec![large, ObjectClass::new("STANDARD_IA")];
        expected.reads = ObjectReads::Linearizable;
        expected.conditions = ObjectConditions::Trusted;
        expected.requests_at_once = 7.try_into().unwrap();
        expected.time_limit = Duration::from_secs(9);
        expected.connect_timeout = Duration::from_secs(3);
        assert_eq!(config, expected);
    }

    #[cfg(feature = "azure")]
    #[test]
    fn a_url_may_name_a_container_of_azure() {
        let config =
            parse("az://ledger/a/b?account=c&endpoint=http://h/c&ca_file=/ca&reads=eventual");
        let mut place = AzurePlace::new("ledger");
        place.account = Some("c".into());
        place.endpoint = Some("http://h/c".into());
        place.ca_file = Some("/ca".into());
        let mut expected = ObjectConfig::new(ObjectPlace::Azure(place));
        expected.prefix = "a/b".into();
        expected.reads = ObjectReads::Eventual;
        assert_eq!(config.unwrap(), expected);
        assert!(parse("az://ledger?region=x").is_err());
    }

    #[cfg(feature = "gcs")]
    #[test]
    fn a_url_may_name_a_bucket_of_google() {
        let config = parse("gs://ledger?credentials_file=/key.json&endpoint=http://h&ca_file=/ca");
        let mut place = GcsPlace::new("ledger");
        place.credentials_file = Some("/key.json".into());
        place.endpoint = Some("http://h".into());
        place.ca_file = Some("/ca".into());
        assert_eq!(config.unwrap(), ObjectConfig::new(ObjectPlace::Gcs(place)));
        assert!(parse("gs://ledger?region=x").is_err());
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
            "s3://bucket?reads=hidden",
            "s3://bucket?storage_class=A:hidden",
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
