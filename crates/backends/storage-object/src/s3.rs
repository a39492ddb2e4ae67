//! Buckets of S3, and of servers that speak like it.

use std::{path::PathBuf, sync::Arc};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use serde::Deserialize;
use storage_core::{Result, networked::Secret};

use crate::{
    client::{Client, no_retries, validate_endpoint},
    config::invalid,
    credentials::{self, Credentials},
    deletes::Deletes,
    place::Promise,
    transport::Connector,
};

/// A bucket of S3.
///
/// The credentials are [`access_key`](Self::access_key), or those of a
/// [profile](Self::profile), or else what the environment says:
/// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, the profile that `AWS_PROFILE`
/// names, `default`, what a container or the machine is given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct S3Place {
    /// The bucket. It must exist.
    pub bucket: String,
    /// Where the server is, for all but that of Amazon: `http://127.0.0.1:9000`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region that the bucket is in. Default: what `AWS_REGION` or
    /// `AWS_DEFAULT_REGION` says, or `us-east-1`.
    #[serde(default)]
    pub region: Option<String>,
    /// The name of the key, and the key, where a program has them.
    #[serde(skip)]
    pub access_key: Option<(String, Secret)>,
    /// The profile of the file of credentials. Default: `AWS_PROFILE`, or
    /// `default`.
    #[serde(default)]
    pub profile: Option<String>,
    /// The file of credentials. Only its owner may have rights on it. Default:
    /// what `AWS_SHARED_CREDENTIALS_FILE` says, or `~/.aws/credentials`.
    #[serde(default)]
    pub credentials_file: Option<PathBuf>,
    /// Authorities that are trusted besides those of the web.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl S3Place {
    /// A bucket, found and used as the environment says.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            access_key: None,
            profile: None,
            credentials_file: None,
            ca_file: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if self.bucket.is_empty() {
            return Err(invalid("bucket is empty; name one that exists"));
        }
        validate_endpoint(self.endpoint.as_deref())
    }

    /// Sets what a parameter of a URL says; `false` if there is none of that name.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> bool {
        match name {
            "endpoint" => self.endpoint = Some(value.into()),
            "region" => self.region = Some(value.into()),
            "profile" => self.profile = Some(value.into()),
            "credentials_file" => self.credentials_file = Some(value.into()),
            "ca_file" => self.ca_file = Some(value.into()),
            _ => return false,
        }
        true
    }

    pub(crate) fn client(&self, connector: Connector) -> Result<Client> {
        let credentials = credentials::find(self)?;
        let mut builder = authorized(AmazonS3Builder::from_env(), credentials)
            .with_bucket_name(&self.bucket)
            .with_http_connector(connector)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // One request each, which may have a condition.
            .with_disable_bulk_delete(true)
            .with_retry(no_retries());
        if let Some(endpoint) = &self.endpoint {
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let store = builder.build().map_err(|error| {
            invalid(format!("the bucket cannot be used as configured: {error}"))
        })?;
        Ok(Client {
            store: Arc::new(store),
            deletes: Deletes::IfMatch,
            promise: Promise::of(endpoint.as_deref()),
        })
    }
}

/// A client with these credentials and no part of others: of what the environment
/// says of a bucket, only where it is stays beside credentials that come from
/// elsewhere. A token that belongs to another key would be sent with this one.
fn authorized(environment: AmazonS3Builder, credentials: Credentials) -> AmazonS3Builder {
    let Credentials::Known { id, key, token } = credentials else {
        return environment;
    };
    let place = [AmazonS3ConfigKey::Region, AmazonS3ConfigKey::Endpoint];
    let builder =
        place
            .into_iter()
            .fold(AmazonS3Builder::new(), |builder, place| {
                match environment.get_config_value(&place) {
                    Some(value) => builder.with_config(place, value),
                    None => builder,
                }
            });
    let builder = builder
        .with_access_key_id(id)
        .with_secret_access_key(key.reveal());
    match token {
        Some(token) => builder.with_token(token.reveal()),
        None => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_region("eu-north-1")
            .with_access_key_id("of the environment")
            .with_token("of the environment")
    }

    fn known(token: Option<&str>) -> Credentials {
        Credentials::Known {
            id: "known".into(),
            key: Secret::new("key"),
            token: token.map(Secret::new),
        }
    }

    #[test]
    fn no_token_of_the_environment_is_sent_with_another_key() {
        for token in [None, Some("its own")] {
            let builder = authorized(environment(), known(token));
            let value = |key| builder.get_config_value(&key);
            assert_eq!(value(AmazonS3ConfigKey::Token).as_deref(), token);
            let id = value(AmazonS3ConfigKey::AccessKeyId);
            assert_eq!(id.as_deref(), Some("known"));
            let region = value(AmazonS3ConfigKey::Region);
            assert_eq!(region.as_deref(), Some("eu-north-1"));
        }
        let builder = authorized(environment(), Credentials::OfEnvironment);
        let token = builder.get_config_value(&AmazonS3ConfigKey::Token);
        assert_eq!(token.as_deref(), Some("of the environment"));
    }
}
