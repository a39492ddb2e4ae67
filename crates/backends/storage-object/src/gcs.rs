//! Buckets of Google Cloud Storage.

use std::{env, path::PathBuf, sync::Arc};

use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use serde::Deserialize;
use storage_core::{
    Result,
    networked::{Secret, read_private_file},
};

use crate::{
    client::{Client, no_retries},
    config::invalid,
    deletes::Deletes,
    place::Promise,
    served::{Served, ServedPlace},
    sought::{CredentialLook, Sought},
    transport::Connector,
};

/// Where Google serves buckets.
const GOOGLE: &str = "https://storage.googleapis.com";

/// What `gcloud` leaves, below the home directory.
const OF_GCLOUD: &str = ".config/gcloud/application_default_credentials.json";

/// A bucket of Google Cloud Storage.
///
/// The credentials are [`access_token`](Self::access_token), or the
/// [`credentials_file`](Self::credentials_file), or else what the environment says:
/// `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_APPLICATION_CREDENTIALS`, what `gcloud` has
/// left, what the machine is given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GcsPlace {
    /// The bucket. It must exist.
    pub bucket: String,
    /// Where the server is, for all but that of Google: `http://127.0.0.1:9023`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// A token that lasts for a while, where a program has one.
    #[serde(skip)]
    pub access_token: Option<Secret>,
    /// The key of a service account, a file of JSON. Only its owner may have rights
    /// on it.
    #[serde(default)]
    pub credentials_file: Option<PathBuf>,
    /// Authorities that are trusted besides those of the web.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl GcsPlace {
    /// A bucket, found and used as the environment says.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            access_token: None,
            credentials_file: None,
            ca_file: None,
        }
    }
}

impl ServedPlace for GcsPlace {
    fn served(&self) -> Served<'_> {
        Served {
            scheme: "gs",
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
            "credentials_file" => self.credentials_file = Some(value.into()),
            _ => return false,
        }
        true
    }

    fn client(&self, connector: Connector) -> Result<Client> {
        let environment = GoogleCloudStorageBuilder::from_env();
        let endpoint = self.endpoint.clone();
        let endpoint = endpoint.or_else(|| environment.get_config_value(&GoogleConfigKey::BaseUrl));
        // No part of other credentials stands beside those that are configured.
        let mut builder = if let Some(token) = &self.access_token {
            let bearer = token.reveal().to_owned();
            let credential = object_store::StaticCredentialProvider::new(GcpCredential { bearer });
            GoogleCloudStorageBuilder::new().with_credentials(Arc::new(credential))
        } else if let Some(file) = &self.credentials_file {
            let key = read_private_file(file)?;
            GoogleCloudStorageBuilder::new().with_service_account_key(key)
        } else {
            environment
        };
        builder = builder
            .with_bucket_name(&self.bucket)
            .with_http_connector(connector)
            .with_retry(no_retries());
        // Always named: the file of a key may name another.
        let url = endpoint.as_deref().unwrap_or(GOOGLE);
        builder = builder.with_base_url(url.trim_end_matches('/'));
        let skip = builder.get_config_value(&GoogleConfigKey::SkipSignature);
        let sought = sought(&builder);
        // Why a key cannot be read may show some of it.
        let is_ours = self.credentials_file.is_some();
        let store = builder.build().map_err(|error| {
            if is_ours {
                invalid("credentials_file does not have the key of a service account")
            } else {
                self.unusable(&error)
            }
        })?;
        let provider = store.credentials();
        let credentials = CredentialLook::unless_skipped(skip.as_deref(), provider, sought);
        Ok(Client {
            store: Arc::new(store),
            credentials,
            deletes: Deletes::IfGeneration,
            promise: Promise::of(endpoint.as_deref()),
        })
    }
}

/// Where a client looks for credentials, by what it was made of.
fn sought(client: &GoogleCloudStorageBuilder) -> Sought {
    use GoogleConfigKey as Key;
    let value = |key| client.get_config_value(&key);
    let sought = Sought::at_last_from("the machine, which is asked at metadata.google.internal")
        .then_in("GOOGLE_BEARER_TOKEN", [Key::BearerToken].map(value))
        .then_in("GOOGLE_SERVICE_ACCOUNT", [Key::ServiceAccount].map(value))
        .then_in(
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            [Key::ServiceAccountKey].map(value),
        )
        .then_in(
            "GOOGLE_APPLICATION_CREDENTIALS",
            [Key::ApplicationCredentials].map(value),
        );
    // Nobody else is asked by `object_store` where the home is.
    match env::var_os("HOME").map(|home| PathBuf::from(home).join(OF_GCLOUD)) {
        Some(file) => {
            let is_there = file.is_file().then_some(());
            sought.then_in(file.display().to_string(), [is_there])
        }
        None => sought,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

    use storage_core::ErrorKind;

    use super::*;

    fn connector() -> Connector {
        let tls = crate::transport::tls(None).unwrap();
        Connector::new(tls, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn a_token_and_a_key_are_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key.json");
        fs::write(&file, r#"{"private_key": "hidden", "private_key_id": 7}"#).unwrap();
        let mut place = GcsPlace::new("bucket");
        place.credentials_file = Some(file.clone());
        for (mode, kind) in [(0o644, ErrorKind::Denied), (0o600, ErrorKind::Invalid)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let error = place.client(connector()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        }
        place.access_token = Some(Secret::new("hidden"));
        assert!(!format!("{place:?}").contains("hidden"));
        place.client(connector()).unwrap();
    }
}
