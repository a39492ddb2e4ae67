//! How connections are secured.

use std::{path::PathBuf, str::FromStr};

use crate::sqlx::postgres::PgSslMode;
use serde::Deserialize;
use storage_core::{Error, ErrorKind, Result};

use crate::host::PgHost;

/// How connections are secured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PgTls {
    /// What is demanded of a connection. Default: [`VerifyFull`](TlsMode::VerifyFull),
    /// and [`Prefer`](TlsMode::Prefer) for hosts that lie on this machine, where
    /// nobody is on the way.
    pub mode: Option<TlsMode>,
    /// Authorities that may vouch for the server, as PEM, besides those of the
    /// web. Default: what `PGSSLROOTCERT` names, else none.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to the server, as PEM. Needs a key. Default: what
    /// `PGSSLCERT` and `PGSSLKEY` name, else none.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key_file: Option<PathBuf>,
}

/// What is demanded of a connection, by the names that PostgreSQL gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// No encryption.
    Disable,
    /// Encryption if the server offers it, whoever it is.
    Prefer,
    /// Encryption, whoever the server is: against those who listen, not against
    /// those who stand in between.
    Require,
    /// Besides, an authority vouches for the server's certificate, which is for the
    /// host that was asked for. PostgreSQL's `verify-ca` is not offered: the
    /// authorities of the web vouch for anybody's own host.
    VerifyFull,
}

impl PgTls {
    /// The mode for connections to `host`.
    pub(crate) fn mode_for(&self, host: &PgHost) -> TlsMode {
        self.mode.unwrap_or(if host.is_local() {
            TlsMode::Prefer
        } else {
            TlsMode::VerifyFull
        })
    }

    /// # Errors
    /// `Invalid` for a certificate without its key, or a key without its
    /// certificate.
    pub(crate) fn validate(&self) -> Result<()> {
        match (&self.certificate_file, &self.key_file) {
            (Some(_), None) => Err(invalid("certificate_file needs a key_file")),
            (None, Some(_)) => Err(invalid("key_file needs a certificate_file")),
            _ => Ok(()),
        }
    }
}

impl TlsMode {
    pub(crate) const fn as_sqlx(self) -> PgSslMode {
        match self {
            Self::Disable => PgSslMode::Disable,
            Self::Prefer => PgSslMode::Prefer,
            Self::Require => PgSslMode::Require,
            Self::VerifyFull => PgSslMode::VerifyFull,
        }
    }
}

impl FromStr for TlsMode {
    type Err = Error;

    /// # Errors
    /// `Invalid` for another name than PostgreSQL's.
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-full" => Self::VerifyFull,
            "verify-ca" => {
                return Err(invalid(
                    "sslmode is `verify-ca`, under which anybody with a certificate of the web \
                     could stand in between; use verify-full, and the name in the certificate as \
                     host",
                ));
            }
            _ => {
                return Err(invalid(format!(
                    "sslmode is `{text}`; it must be disable, prefer, require or verify-full"
                )));
            }
        })
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
