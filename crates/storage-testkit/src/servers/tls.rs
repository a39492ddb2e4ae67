//! Certificates made on the spot, good ones and bad ones.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

use super::{ServerError, ServerResult};

/// A certificate authority of a test's own.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a server shows to those who connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Signed by the server's authority, for `localhost` and `127.0.0.1`, valid
    /// until 2099.
    #[default]
    Valid,
    /// The same, but it was valid in the year 2020 only.
    Expired,
    /// Signed and valid, but for [another host](Certificate::OTHER_HOST).
    WrongHost,
    /// For the right host, but signed by itself: no authority vouches for it.
    SelfSigned,
}

/// A certificate with its private key, both as PEM.
#[derive(Clone)]
pub struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    /// A new authority, which nobody trusts yet.
    ///
    /// # Errors
    /// If the certificate cannot be made.
    pub fn new() -> ServerResult<Self> {
        let mut params = params("storage test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// The certificate to trust, as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// Makes a certificate for a server on the loopback, which a client may show
    /// too.
    ///
    /// # Errors
    /// If the certificate cannot be made.
    pub fn identity(&self, certificate: Certificate) -> ServerResult<Identity> {
        let hosts: &[SanType] = match certificate {
            Certificate::WrongHost => &[SanType::DnsName(Certificate::OTHER_HOST.try_into()?)],
            _ => &[
                SanType::DnsName("localhost".try_into()?),
                SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ],
        };
        let mut params = params("storage test server", hosts);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if certificate == Certificate::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let key = KeyPair::generate()?;
        let signed = match certificate {
            Certificate::SelfSigned => params.self_signed(&key)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        Ok(Identity {
            certificate: signed.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Certificate {
    /// The host that [`WrongHost`](Certificate::WrongHost) is for.
    pub const OTHER_HOST: &'static str = "elsewhere.invalid";
}

impl Identity {
    /// The certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The private key, as PEM.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl From<rcgen::Error> for ServerError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error)
    }
}

fn params(name: &str, hosts: &[SanType]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = hosts.to_vec();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2099, 12, 31);
    params
}
