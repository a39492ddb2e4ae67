//! PostgreSQL's error codes, as kinds, and what they leave of a connection.

use crate::sqlx;
use std::{io, time::Duration};

use crate::sqlx::postgres::{PgDatabaseError, PgSeverity};
use storage_core::{Error, ErrorKind};

use crate::pool::{Lease, Origin};

/// When to try again what a server could not do for the moment.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Why a statement failed, and what is known then.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) kind: FailureKind,
}

/// What a failure leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The server refused the statement, undid what it had done of it, and waits
    /// for the next one.
    Refused,
    /// The same, because the server takes no writes.
    ReadOnly,
    /// The server ended the session, and with it what had been done of the
    /// statement.
    Ended,
    /// The connection is of no use any more. Whether the statement was done is
    /// not known.
    Lost,
    /// The answer has not come in time. Nor is it known whether it was done.
    TimedOut,
}

impl Failure {
    /// The failure to answer in time.
    pub(crate) fn timed_out() -> Self {
        Self {
            error: timed_out("the server has not answered in time"),
            kind: FailureKind::TimedOut,
        }
    }

    /// A session that is gone.
    pub(crate) fn lost() -> Self {
        Self {
            error: unavailable("the session with the server is gone".into()),
            kind: FailureKind::Lost,
        }
    }

    /// Whether a read may do better on a new session: this one was an old one,
    /// and its server has gone or become a standby.
    pub(crate) fn is_stale_session(&self, lease: &Lease) -> bool {
        lease.origin == Origin::Kept && matches!(self.kind, FailureKind::Lost | FailureKind::Ended)
    }

    /// What an error leaves, if it is the first answer to a statement.
    pub(crate) fn kind_of(error: &sqlx::Error) -> FailureKind {
        let Some(answer) = database_error(error) else {
            return match error {
                // What was received cannot be read as what was asked for; the
                // connection is well.
                sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::ColumnIndexOutOfBounds { .. }
                | sqlx::Error::RowNotFound => FailureKind::Refused,
                _ => FailureKind::Lost,
            };
        };
        match (answer.severity(), answer.code()) {
            (PgSeverity::Error, "25006") => FailureKind::ReadOnly,
            // A statement that its pooler or an administrator has forgotten.
            (PgSeverity::Error, "26000" | "40003") => FailureKind::Lost,
            (PgSeverity::Error, _) => FailureKind::Refused,
            (PgSeverity::Fatal, _) => FailureKind::Ended,
            _ => FailureKind::Lost,
        }
    }

    /// Whether the connection can be used for something else.
    pub(crate) const fn leaves_connection(&self) -> bool {
        matches!(self.kind, FailureKind::Refused | FailureKind::ReadOnly)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let kind = Self::kind_of(&error);
        Self {
            error: from_sqlx(error),
            kind,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// The storage error for an error of sqlx.
pub(crate) fn from_sqlx(error: sqlx::Error) -> Error {
    if let Some(answer) = database_error(&error) {
        let (kind, remedy) = kind_of(answer.code());
        let made = Error::new(
            kind,
            format!(
                "PostgreSQL: {} (code {}); {remedy}",
                answer.message(),
                answer.code()
            ),
        );
        return with_retry(made).with_source(error);
    }
    let (kind, message) = match &error {
        sqlx::Error::Io(cause) => from_io(cause),
        sqlx::Error::Tls(cause) => (
            ErrorKind::Denied,
            format!("TLS with the server failed: {cause}; {TLS_REMEDY}"),
        ),
        sqlx::Error::Protocol(what) => (
            ErrorKind::Unavailable,
            format!("the server does not speak as PostgreSQL does: {what}; check host and port"),
        ),
        sqlx::Error::Configuration(cause) => (
            ErrorKind::Invalid,
            format!("the connection cannot be made as configured: {cause}"),
        ),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => (
            ErrorKind::Corrupt,
            format!("a row is not as it was written: {error}"),
        ),
        sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut => (
            ErrorKind::Unavailable,
            format!("the connection is lost: {error}"),
        ),
        _ => (ErrorKind::Internal, format!("sqlx failed: {error}")),
    };
    with_retry(Error::new(kind, message)).with_source(error)
}

const TLS_REMEDY: &str = "check the server's certificate, the host it is for, and the authorities \
                          in ca_file, which URLs call sslrootcert";

/// Failures of the network, among them those of TLS, which arrive as such.
fn from_io(cause: &io::Error) -> (ErrorKind, String) {
    let behind = cause.get_ref();
    let of_tls: Option<&rustls::Error> = behind.and_then(|behind| behind.downcast_ref());
    if of_tls.is_some() {
        return (
            ErrorKind::Denied,
            format!("TLS with the server failed: {cause}; {TLS_REMEDY}"),
        );
    }
    match cause.kind() {
        io::ErrorKind::TimedOut => (
            ErrorKind::TimedOut,
            format!("the server has not answered in time: {cause}"),
        ),
        io::ErrorKind::NotFound => (
            ErrorKind::Unavailable,
            format!("nobody listens at the socket, or a file is missing: {cause}"),
        ),
        _ => (
            ErrorKind::Unavailable,
            format!(
                "the connection to the server failed: {cause}; check host and port, and that the server runs"
            ),
        ),
    }
}

fn with_retry(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::TimedOut => {
            error.with_retry_after(RETRY_AFTER)
        }
        _ => error,
    }
}

/// The time for a request ran out.
pub(crate) fn timed_out(message: &'static str) -> Error {
    Error::new(ErrorKind::TimedOut, message).with_retry_after(RETRY_AFTER)
}

/// No server can be reached that does what is asked.
pub(crate) fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::Unavailable, message).with_retry_after(RETRY_AFTER)
}

/// Something that is not as this library wrote it.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("{what}; restore the store from a backup"),
    )
}

fn database_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The kind of a code of PostgreSQL, and what to do about it. The first two
/// characters of a code are its class.
fn kind_of(code: &str) -> (ErrorKind, &'static str) {
    const STOPPED: (ErrorKind, &str) = (
        ErrorKind::Unavailable,
        "the server is stopping or starting, or the session was ended; try again",
    );
    const DAMAGED: (ErrorKind, &str) = (
        ErrorKind::Corrupt,
        "the database is damaged; restore it from a backup",
    );
    match code {
        "" => (
            ErrorKind::Unavailable,
            "the server does not speak as PostgreSQL does; check host and port",
        ),
        "3D000" => (ErrorKind::Invalid, "name a database that exists"),
        "42501" => (
            ErrorKind::Denied,
            "give the role the rights that docs/formats/pg.md lists",
        ),
        "53100" => (ErrorKind::Full, "free some space on the server"),
        "53200" => (
            ErrorKind::Unavailable,
            "the server has no memory left; use smaller batches",
        ),
        "53300" | "53400" => (
            ErrorKind::Throttled,
            "use fewer connections, or raise max_connections",
        ),
        "57014" => (ErrorKind::TimedOut, "the server ended it; nothing was done"),
        "57P04" => (ErrorKind::Invalid, "the database was dropped"),
        "55P03" => (
            ErrorKind::TimedOut,
            "another session holds a lock on the store for too long; end its transaction",
        ),
        "25006" => (
            ErrorKind::Unavailable,
            "this server is a standby now; the one that takes writes is looked for anew",
        ),
        "26000" | "40003" => (ErrorKind::Unavailable, "the session was changed underneath"),
        "58P01" | "58P02" | "XX001" | "XX002" => DAMAGED,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "57" => STOPPED,
            "0A" => (ErrorKind::Unsupported, "this server cannot do it"),
            "22" | "54" => (ErrorKind::Invalid, "the server takes no such value"),
            "28" => (ErrorKind::Denied, "check user, password and pg_hba.conf"),
            "40" => (
                ErrorKind::Unavailable,
                "other sessions were in the way; try again",
            ),
            "53" => (ErrorKind::Throttled, "the server is out of resources"),
            "55" => (
                ErrorKind::Unavailable,
                "the server is not in a state to do it; try again",
            ),
            "58" => (ErrorKind::Unavailable, "see that the server's disk is well"),
            "3F" | "42" => (
                ErrorKind::Internal,
                "this is a defect, or somebody changed the schema",
            ),
            _ => (
                ErrorKind::Internal,
                "this is a defect, or one of the server",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use storage_core::Retry;

    use super::*;

    #[test]
    fn each_class_of_codes_has_its_kind() {
        use ErrorKind::{
            Corrupt, Denied, Full, Internal, Invalid, Throttled, TimedOut, Unavailable, Unsupported,
        };
        for (code, kind) in [
            ("08006", Unavailable),
            ("08P01", Unavailable),
            ("0A000", Unsupported),
            ("22001", Invalid),
            ("22P03", Invalid),
            ("23505", Internal),
            ("25006", Unavailable),
            ("26000", Unavailable),
            ("28000", Denied),
            ("28P01", Denied),
            ("3D000", Invalid),
            ("3F000", Internal),
            ("40001", Unavailable),
            ("40P01", Unavailable),
            ("42501", Denied),
            ("42P01", Internal),
            ("42883", Internal),
            ("53100", Full),
            ("53200", Unavailable),
            ("53300", Throttled),
            ("53400", Throttled),
            ("54000", Invalid),
            ("55006", Unavailable),
            ("55P03", TimedOut),
            ("57014", TimedOut),
            ("57P01", Unavailable),
            ("57P02", Unavailable),
            ("57P03", Unavailable),
            ("57P04", Invalid),
            ("57P05", Unavailable),
            ("58030", Unavailable),
            ("58P01", Corrupt),
            ("XX000", Internal),
            ("XX001", Corrupt),
            ("XX002", Corrupt),
            ("P0001", Internal),
            ("", Unavailable),
        ] {
            assert_eq!(kind_of(code).0, kind, "code {code}");
        }
    }

    #[test]
    fn what_is_over_soon_may_be_tried_again() {
        for (kind, is_retryable) in [
            (ErrorKind::Unavailable, true),
            (ErrorKind::Throttled, true),
            (ErrorKind::TimedOut, true),
            (ErrorKind::Denied, false),
            (ErrorKind::Corrupt, false),
        ] {
            let error = with_retry(Error::new(kind, "x"));
            assert_eq!(error.retry() != Retry::Never, is_retryable, "{kind}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_denied_and_a_broken_connection_unavailable() {
        let untrusted = io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::InvalidCertificate(rustls::CertificateError::Expired),
        );
        let failure = Failure::from(sqlx::Error::Io(untrusted));
        assert_eq!(failure.error.kind(), ErrorKind::Denied);
        assert_eq!(failure.kind, FailureKind::Lost);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let failure = Failure::from(sqlx::Error::Io(reset));
        assert_eq!(failure.error.kind(), ErrorKind::Unavailable);
        assert!(!failure.leaves_connection());
    }
}
