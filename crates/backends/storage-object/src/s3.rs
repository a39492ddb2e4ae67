//! Buckets of S3, and of servers that speak like it.

use std::{path::PathBuf, sync::Arc};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use serde::Deserialize;
use storage_core::{Result, networked::Secret};

use crate::{
    client::{Client, no_retries},
    credentials::{self, Credentials},
    deletes::Deletes,
    place::Promise,
    served::{Served, ServedPlace},
    sought::CredentialLook,
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
}

impl ServedPlace for S3Place {
    fn served(&self) -> Served<'_> {
        Served {
            scheme: "s3",
            kind: "bucket",
            bucket: &self.bucket,
            endpoint: self.endpoint.as_deref(),
            ca_file: self.ca_file.as_deref(),
        }
    }

    fn server(&mut self) -> (&mut Option<String>, &mut Option<PathBuf>) {
        (&mut self.endpoint, &mut self.ca_file)
    }

    fn set_own(&mut self, name: &str, value: &str) -> bool {
        match name {
            "region" => self.region = Some(value.into()),
            "profile" => self.profile = Some(value.into()),
            "credentials_file" => self.credentials_file = Some(value.into()),
            _ => return false,
        }
        true
    }

    fn client(&self, connector: Connector) -> Result<Client> {
        let environment = AmazonS3Builder::from_env();
        let endpoint = self.endpoint_in(&environment);
        let mut builder = authorized(environment, credentials::find(self)?)
            .with_bucket_name(&self.bucket)
            .with_http_connector(connector)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // One request each, which may have a condition.
            .with_disable_bulk_delete(true)
            .with_retry(no_retries());
        if let Some(endpoint) = &endpoint {
            // Of the two keys for it, the one that wins.
            let endpoint = endpoint.trim_end_matches('/');
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        let skip = builder.get_config_value(&AmazonS3ConfigKey::SkipSignature);
        let sought = credentials::sought(self, &builder);
        let store = builder.build().map_err(|error| self.unusable(&error))?;
        let provider = store.credentials();
        let credentials = CredentialLook::unless_skipped(skip.as_deref(), provider, sought);
        Ok(Client {
            store: Arc::new(store),
            credentials,
            deletes: Deletes::IfMatch,
            promise: Promise::of(endpoint.as_deref()),
        })
    }
}

impl S3Place {
    /// Where the server is: what is configured, or else what the environment says,
    /// for S3 before for all services.
    fn endpoint_in(&self, environment: &AmazonS3Builder) -> Option<String> {
        let of_environment = |key| environment.get_config_value(&key);
        let endpoint = self.endpoint.clone();
        endpoint
            .or_else(|| of_environment(AmazonS3ConfigKey::S3Endpoint))
            .or_else(|| of_environment(AmazonS3ConfigKey::Endpoint))
    }
}

/// A client with these credentials and no part of others: of what the environment
/// says of a bucket, only its region stays beside credentials that come from
/// elsewhere. A token that belongs to another key would be sent with this one.
fn authorized(environment: AmazonS3Builder, credentials: Credentials) -> AmazonS3Builder {
    let Credentials::Known { id, key, token } = credentials else {
        return environment;
    };
    let builder = match environment.get_config_value(&AmazonS3ConfigKey::Region) {
        Some(region) => AmazonS3Builder::new().with_region(region),
        None => AmazonS3Builder::new(),
    };
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
    fn the_endpoint_is_the_one_that_is_named_most_narrowly() {
        let mut place = S3Place::new("bucket");
        assert_eq!(place.endpoint_in(&environment()), None);
        let all = environment().with_endpoint("http://all");
        assert_eq!(place.endpoint_in(&all).as_deref(), Some("http://all"));
        let both = all.with_config(AmazonS3ConfigKey::S3Endpoint, "http://s3");
        assert_eq!(place.endpoint_in(&both).as_deref(), Some("http://s3"));
        place.endpoint = Some("http://own".into());
        assert_eq!(place.endpoint_in(&both).as_deref(), Some("http://own"));
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
