//! TLS by rustls and ring.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use storage_core::{Error, ErrorKind, Result};

/// What clients trust: the authorities of the web, and those in `ca_file`.
///
/// # Errors
/// `Invalid` for a file that holds no certificate.
pub(crate) fn tls(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(file) = ca_file {
        let unusable = |why: String| {
            let message = format!("ca_file {} cannot be used: {why}", file.display());
            Error::new(ErrorKind::Invalid, message)
        };
        let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| unusable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(unusable("it holds no certificate".into()));
        }
        for certificate in certificates {
            roots
                .add(certificate)
                .map_err(|error| unusable(error.to_string()))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("TLS cannot be had: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
