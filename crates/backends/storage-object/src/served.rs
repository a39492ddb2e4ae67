//! Places on servers: what is the same of a bucket, whoever serves it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use storage_core::Result;

use crate::{
    client::Client,
    config::invalid,
    transport::{Connector, tls},
};

/// What is the same of all places on servers.
pub(crate) struct Served<'a> {
    /// What its URLs begin with, without `://`.
    pub(crate) scheme: &'static str,
    /// What a bucket is called there.
    pub(crate) kind: &'static str,
    /// The name of the bucket.
    pub(crate) bucket: &'a str,
    /// Where the server is, for all but the provider's own.
    pub(crate) endpoint: Option<&'a str>,
    /// Authorities that are trusted besides those of the web.
    pub(crate) ca_file: Option<&'a Path>,
}

/// A bucket, by whatever name, on a server.
pub(crate) trait ServedPlace {
    /// What it is called, and where it is.
    fn served(&self) -> Served<'_>;

    /// The settings behind [`endpoint`](Served::endpoint) and [`ca_file`](Served::ca_file).
    fn server(&mut self) -> (&mut Option<String>, &mut Option<PathBuf>);

    /// Sets what a parameter of a URL says that no other place has; `false` if there
    /// is none of that name.
    fn set_own(&mut self, name: &str, value: &str) -> bool;

    /// A client of the server by way of `connector`.
    ///
    /// # Errors
    /// `Invalid` for settings that cannot be used; what reading a file of
    /// credentials answers.
    fn client(&self, connector: Connector) -> Result<Client>;

    /// # Errors
    /// `Invalid` for a bucket without a name, and for what is no address of a server.
    fn validate(&self) -> Result<()> {
        let Served {
            kind,
            bucket,
            endpoint,
            ..
        } = self.served();
        if bucket.is_empty() {
            return Err(invalid(format!("{kind} is empty; name one that exists")));
        }
        let Some(endpoint) = endpoint else {
            return Ok(());
        };
        let host = ["http://", "https://"]
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme));
        // Who writes credentials there is not shown them again.
        if host.is_none_or(|host| host.is_empty() || host.contains(['@', '?'])) {
            return Err(invalid(
                "endpoint must be http:// or https:// and a host, without credentials",
            ));
        }
        Ok(())
    }

    /// Sets what a parameter of a URL says; `false` if there is none of that name.
    fn set(&mut self, name: &str, value: &str) -> bool {
        let (endpoint, ca_file) = self.server();
        match name {
            "endpoint" => *endpoint = Some(value.into()),
            "ca_file" => *ca_file = Some(value.into()),
            _ => return self.set_own(name, value),
        }
        true
    }

    /// Where a store is that has names which begin with `prefix`.
    fn location(&self, prefix: &str) -> String {
        let Served {
            scheme,
            bucket,
            endpoint,
            ..
        } = self.served();
        let prefix = prefix.trim_matches('/');
        let query = endpoint.map(|endpoint| format!("?endpoint={endpoint}"));
        format!("{scheme}://{bucket}/{prefix}{}", query.unwrap_or_default())
    }

    /// A client of the server, which gives up an attempt to connect after
    /// `connect_timeout`.
    ///
    /// # Errors
    /// As [`client`](Self::client), and `Invalid` for a file without authorities.
    fn connect(&self, connect_timeout: Duration) -> Result<Client> {
        self.client(Connector::new(
            tls(self.served().ca_file)?,
            connect_timeout,
        )?)
    }

    /// The error of settings that `object_store` refuses.
    fn unusable(&self, why: &dyn std::fmt::Display) -> storage_core::Error {
        let kind = self.served().kind;
        invalid(format!("the {kind} cannot be used as configured: {why}"))
    }
}
