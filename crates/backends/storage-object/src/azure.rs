//! Containers of Azure Blob Storage.

use std::{path::PathBuf, sync::Arc};

use http::Method;
use object_store::{
    azure::{AzureAuthorizer, AzureConfigKey, AzureCredentialProvider, MicrosoftAzureBuilder},
    client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody},
    path::Path,
};
use serde::Deserialize;
use storage_core::{Result, networked::Secret};

use crate::{
    client::{Client, no_retries},
    config::invalid,
    deletes::Deletes,
    place::Promise,
    served::{Served, ServedPlace},
    sought::{CredentialLook, Sought, is_on},
    transport::{Connector, condition_of_call},
};

/// Where machines of Microsoft ask for what they are given.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// A container of Azure Blob Storage.
///
/// The credentials are [`account_key`](Self::account_key), or else what the
/// environment says: `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_KEY`, the
/// `AZURE_STORAGE_CLIENT_*` of an application, what the machine is given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AzurePlace {
    /// The container. It must exist.
    pub container: String,
    /// The account that the container is in. Default: what
    /// `AZURE_STORAGE_ACCOUNT_NAME` says.
    #[serde(default)]
    pub account: Option<String>,
    /// Where the server is, for all but that of Microsoft, its account included
    /// where it stands in paths: `http://127.0.0.1:10000/devstoreaccount1`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The key of the account, where a program has it.
    #[serde(skip)]
    pub account_key: Option<Secret>,
    /// Authorities that are trusted besides those of the web.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl AzurePlace {
    /// A container, found and used as the environment says.
    #[must_use]
    pub fn new(container: impl Into<String>) -> Self {
        Self {
            container: container.into(),
            account: None,
            endpoint: None,
            account_key: None,
            ca_file: None,
        }
    }
}

impl ServedPlace for AzurePlace {
    fn served(&self) -> Served<'_> {
        Served {
            scheme: "az",
            kind: "container",
            bucket: &self.container,
            endpoint: self.endpoint.as_deref(),
            ca_file: self.ca_file.as_deref(),
        }
    }

    fn server(&mut self) -> (&mut Option<String>, &mut Option<PathBuf>) {
        (&mut self.endpoint, &mut self.ca_file)
    }

    fn set_own(&mut self, name: &str, value: &str) -> bool {
        match name {
            "account" => self.account = Some(value.into()),
            _ => return false,
        }
        true
    }

    fn client(&self, connector: Connector) -> Result<Client> {
        let environment = MicrosoftAzureBuilder::from_env();
        let of_environment = |key| environment.get_config_value(&key);
        let endpoint = self.endpoint.clone();
        let endpoint = endpoint.or_else(|| of_environment(AzureConfigKey::Endpoint));
        let account = self.account.clone();
        let account = account.or_else(|| of_environment(AzureConfigKey::AccountName));
        let account = account.ok_or_else(|| {
            invalid("there is no account; set account, or AZURE_STORAGE_ACCOUNT_NAME")
        })?;
        let is_set = |value: String| value.parse().unwrap_or(true);
        if self.account_key.is_none()
            && of_environment(AzureConfigKey::UseEmulator).is_some_and(is_set)
        {
            // Its address would go before every other.
            return Err(invalid(
                "AZURE_STORAGE_USE_EMULATOR is set; unset it, and name the emulator with endpoint",
            ));
        }
        let http = connector
            .connect(&object_store::ClientOptions::new())
            .map_err(|error| self.unusable(&error))?;
        let mut builder = match &self.account_key {
            // No part of other credentials is sent with this key.
            Some(key) => MicrosoftAzureBuilder::new().with_access_key(key.reveal()),
            None => environment,
        };
        builder = builder
            .with_account(&account)
            .with_container_name(&self.container)
            .with_http_connector(connector)
            .with_retry(no_retries());
        // Always named, so that deletes, which are sent by us, go where all else goes.
        let url = match &endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{account}.blob.core.windows.net"),
        };
        builder = builder.with_endpoint(url.clone());
        let skip = builder.get_config_value(&AzureConfigKey::SkipSignature);
        let sought = sought(&builder);
        let store = builder.build().map_err(|error| self.unusable(&error))?;
        let provider = store.credentials();
        let credentials = CredentialLook::unless_skipped(skip.as_deref(), provider, sought);
        let deletes = AzureDeletes {
            http,
            credentials: Arc::clone(store.credentials()),
            url: format!("{url}/{}", self.container),
            account,
        };
        Ok(Client {
            store: Arc::new(store),
            credentials,
            deletes: Deletes::Azure(Arc::new(deletes)),
            promise: Promise::of(endpoint.as_deref()),
        })
    }
}

/// Where a client looks for credentials, by what it was made of.
fn sought(client: &MicrosoftAzureBuilder) -> Sought {
    use AzureConfigKey as Key;
    let value = |key| client.get_config_value(&key);
    let machine = value(Key::MsiEndpoint);
    let cli = value(Key::UseAzureCli).filter(|is_used| is_on(is_used));
    Sought::at_last_from_machine_at(machine.as_deref(), MACHINE)
        .then_in("AZURE_STORAGE_TOKEN", [Key::Token].map(value))
        .then_in("AZURE_STORAGE_ACCOUNT_KEY", [Key::AccessKey].map(value))
        .then_in(
            "AZURE_FEDERATED_TOKEN_FILE with AZURE_STORAGE_CLIENT_ID and AZURE_STORAGE_TENANT_ID",
            [Key::FederatedTokenFile, Key::ClientId, Key::AuthorityId].map(value),
        )
        .then_in(
            "AZURE_STORAGE_CLIENT_SECRET with AZURE_STORAGE_CLIENT_ID and AZURE_STORAGE_TENANT_ID",
            [Key::ClientSecret, Key::ClientId, Key::AuthorityId].map(value),
        )
        .then_in("AZURE_STORAGE_SAS_KEY", [Key::SasKey].map(value))
        .then_in("the client `az` (AZURE_USE_AZURE_CLI)", [cli])
}

/// Deletes blobs one by one. The client of `object_store` sends deletes in batches,
/// whose parts take no condition, and whose answers the transport does not see.
#[derive(Debug)]
pub(crate) struct AzureDeletes {
    http: HttpClient,
    credentials: AzureCredentialProvider,
    /// Of the container.
    url: String,
    account: String,
}

impl AzureDeletes {
    /// Deletes a blob, on the condition that the call has.
    pub(crate) async fn delete(&self, path: &Path) -> object_store::Result<()> {
        let request = self.request(path).await?;
        let answer = self.http.execute(request).await.map_err(of_azure)?;
        if answer.status().is_success() {
            return Ok(());
        }
        // The transport has seen what it is.
        Err(of_azure(format!(
            "a blob was not deleted: {}",
            answer.status()
        )))
    }

    async fn request(&self, path: &Path) -> object_store::Result<HttpRequest> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = Method::DELETE;
        *request.uri_mut() = format!("{}/{path}", self.url).parse().map_err(of_azure)?;
        // It is among what a signature is of.
        if let Some((name, value)) = condition_of_call() {
            request.headers_mut().insert(name, value);
        }
        let credential = self.credentials.get_credential().await?;
        AzureAuthorizer::new(&credential, &self.account).try_authorize(&mut request)?;
        Ok(request)
    }
}

fn of_azure(
    error: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> object_store::Error {
    object_store::Error::Generic {
        store: "Azure",
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        let mut place = AzurePlace::new("container");
        place.account_key = Some(Secret::new("hidden"));
        assert!(!format!("{place:?}").contains("hidden"));
        // A key is base64, and one that is not is not shown.
        place.account = Some("account".into());
        place.account_key = Some(Secret::new("hidden!"));
        let tls = crate::transport::tls(None).unwrap();
        let connector = Connector::new(tls, std::time::Duration::from_secs(1)).unwrap();
        let error = place.client(connector).unwrap_err();
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
}
