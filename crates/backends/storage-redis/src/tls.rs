//! How connections are secured.

use std::{fs, path::PathBuf};

use deadpool_redis::redis::{Client, ClientTlsConfig, ConnectionInfo, TlsCertificates};
use rustls::crypto::{CryptoProvider, ring};
use serde::Deserialize;
use storage_core::{Error, ErrorKind, Result};

use crate::error::from_redis;

/// Who is trusted, and what is shown to the server. The server's certificate
/// must be for the host that was asked for; there is no way around that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RedisTls {
    /// The authorities that may vouch for the server, as PEM. Default: those that
    /// the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to the server, as PEM. Needs a key.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key_file: Option<PathBuf>,
}

impl RedisTls {
    /// # Errors
    /// `Invalid` for a certificate without its key, or a key without its
    /// certificate.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.certificate_file.is_some() == self.key_file.is_some() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Invalid,
            "certificate_file and key_file belong together; give both or none",
        ))
    }

    /// Puts what the files hold into what connections are made by.
    ///
    /// # Errors
    /// As reading files; `Invalid` for what is no PEM.
    pub(crate) fn apply(&self, info: ConnectionInfo) -> Result<ConnectionInfo> {
        // rustls needs to be told if several parts of a program bring one.
        if CryptoProvider::get_default().is_none() {
            let _ = ring::default_provider().install_default();
        }
        if *self == Self::default() {
            return Ok(info);
        }
        let client_tls = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some(ClientTlsConfig {
                client_cert: read(certificate)?,
                client_key: read(key)?,
            }),
            _ => None,
        };
        let certificates = TlsCertificates {
            client_tls,
            root_cert: self.ca_file.as_ref().map(read).transpose()?,
        };
        let client = Client::build_with_tls(info, certificates).map_err(from_redis)?;
        Ok(client.get_connection_info().clone())
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::io(format!("reading {}", path.display()), error))
}
