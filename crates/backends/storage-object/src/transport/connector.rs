//! The HTTP client of a store.

use std::time::Duration;

use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector},
};
use storage_core::{Error, ErrorKind, Result};

use super::Transport;

/// Gives each client of `object_store` the store's own.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    client: reqwest::Client,
}

impl Connector {
    /// Connections idle for longer are given up: servers end them without a word.
    const IDLE_MAX: Duration = Duration::from_secs(20);

    pub(crate) fn new(tls: rustls::ClientConfig, connect_timeout: Duration) -> Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(connect_timeout)
            .pool_idle_timeout(Self::IDLE_MAX)
            // An answer that leads elsewhere is no answer of an object store.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "no HTTP client can be made").with_source(error)
            })?;
        Ok(Self { client })
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = HttpClient::new(self.client.clone());
        Ok(HttpClient::new(Transport::new(client)))
    }
}
