//! What Redis and its client say, as kinds.

use std::{borrow::Cow, error::Error as _, io, sync::Arc, time::Duration};

use deadpool_redis::redis::{self, RedisError};
use storage_core::{Error, ErrorKind};

/// When to try again what a server could not do for the moment.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The code of the errors that this engine's own scripts answer.
const OWN_CODE: &str = "STORAGE";

/// The storage error for an error of the client.
pub(crate) fn from_redis(error: RedisError) -> Error {
    let detail = error.detail().unwrap_or_default();
    let (kind, message) = match error.code() {
        Some(OWN_CODE) => {
            // Some say themselves what to do.
            let message = if detail.contains("; ") {
                detail.to_owned()
            } else {
                format!("{detail}; restore the store from a backup")
            };
            (ErrorKind::Corrupt, message)
        }
        Some(code) => {
            let (kind, remedy) = kind_of(code, detail);
            (kind, format!("Redis: {code} {detail}; {remedy}"))
        }
        None => of_client(&error),
    };
    let made = Error::new(kind, message).with_source(error);
    match kind {
        ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::TimedOut => {
            made.with_retry_after(RETRY_AFTER)
        }
        _ => made,
    }
}

/// Failures that are no answers of a server.
fn of_client(error: &RedisError) -> (ErrorKind, String) {
    if let Some(cause) = cause::<rustls::Error>(error) {
        return (
            ErrorKind::Denied,
            format!(
                "TLS with the server failed: {cause}; check the server's certificate, the host it \
                 is for and the authorities in ca_file"
            ),
        );
    }
    match error.kind() {
        redis::ErrorKind::AuthenticationFailed => (
            ErrorKind::Denied,
            "the server has refused the password; check user and password".into(),
        ),
        redis::ErrorKind::InvalidClientConfig => (
            ErrorKind::Invalid,
            format!("the connection cannot be made as configured: {error}"),
        ),
        redis::ErrorKind::Io if error.is_timeout() => (
            ErrorKind::TimedOut,
            format!("the server has not answered in time: {error}"),
        ),
        redis::ErrorKind::Io => (
            ErrorKind::Unavailable,
            format!("the connection to the server failed: {error}"),
        ),
        redis::ErrorKind::Parse | redis::ErrorKind::UnexpectedReturnType => (
            ErrorKind::Unavailable,
            format!("the server does not speak as Redis does: {error}; check host and port"),
        ),
        _ => (ErrorKind::Internal, format!("the client failed: {error}")),
    }
}

/// The error of a type among the causes of another.
fn cause<E: std::error::Error + 'static>(error: &RedisError) -> Option<&E> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(mut cause) = next {
        // The client shares causes, and the system's errors hide what they hold.
        if let Some(shared) = cause.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>() {
            cause = &**shared;
        }
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        next = match cause.downcast_ref::<io::Error>().map(io::Error::get_ref) {
            Some(held) => held.map(|held| {
                let held: &(dyn std::error::Error + 'static) = held;
                held
            }),
            None => cause.source(),
        };
    }
    None
}

/// The kind of a code of Redis, and what to do about it.
fn kind_of(code: &str, detail: &str) -> (ErrorKind, &'static str) {
    match code {
        "OOM" => (
            ErrorKind::Full,
            "raise maxmemory on the server, or delete something",
        ),
        "NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED" => (
            ErrorKind::Denied,
            "check user and password, and give the user the rights that docs/formats/redis.md lists",
        ),
        "LOADING" => (
            ErrorKind::Unavailable,
            "the server reads its data; try again",
        ),
        "BUSY" => (
            ErrorKind::Unavailable,
            "a script keeps the server busy; try again when it is done",
        ),
        "MISCONF" => (
            ErrorKind::Unavailable,
            "the server cannot write to its disk; see that it is well and not full",
        ),
        // The second ends a wait for replicas, once the server has become one.
        "READONLY" | "UNBLOCKED" => (
            ErrorKind::Unavailable,
            "this server is a replica now; the one that takes writes is looked for anew",
        ),
        "NOREPLICAS" => (
            ErrorKind::Unavailable,
            "too few replicas follow; start them, or lower min-replicas-to-write",
        ),
        "MASTERDOWN" => (ErrorKind::Unavailable, "the replica has lost its master"),
        "CLUSTERDOWN" => (
            ErrorKind::Unavailable,
            "a slot is served by nobody; start its master or a replica, or set \
             cluster-require-full-coverage to no",
        ),
        "TRYAGAIN" | "MOVED" | "ASK" => (
            ErrorKind::Unavailable,
            "the cluster is being changed; try again",
        ),
        "CROSSSLOT" => (ErrorKind::Unsupported, "name a server that stands alone"),
        "WRONGTYPE" => (
            ErrorKind::Corrupt,
            "another application has written to the keys of the store; restore it from a backup",
        ),
        "UNKILLABLE" | "NOTBUSY" | "EXECABORT" => (ErrorKind::Internal, "this is a defect"),
        _ => kind_of_words(detail),
    }
}

/// The same, of an error whose code says nothing and whose words do.
fn kind_of_words(detail: &str) -> (ErrorKind, &'static str) {
    match detail {
        _ if detail.contains("cannot be used with replica instances") => (
            ErrorKind::Unavailable,
            "this server is a replica now; the one that takes writes is looked for anew",
        ),
        _ if detail.contains("max number of clients") => (
            ErrorKind::Throttled,
            "use fewer connections, or raise maxclients",
        ),
        _ if detail.contains("AUTH") => (
            ErrorKind::Denied,
            "leave the password out, or give the server's user one",
        ),
        _ if detail.contains("The user executing the script can't") => (
            ErrorKind::Denied,
            "give the user the rights that docs/formats/redis.md lists",
        ),
        _ if detail.contains("DB index") => (
            ErrorKind::Invalid,
            "name a database that exists; the server has as many as `databases` says",
        ),
        _ if detail.contains("cluster support disabled") => (
            ErrorKind::Unsupported,
            "the server is no node of a cluster; name it as redis://",
        ),
        _ if detail.contains("unknown command") => {
            (ErrorKind::Unsupported, "this server cannot do it")
        }
        _ => (
            ErrorKind::Internal,
            "this is a defect, or one of the server",
        ),
    }
}

/// The time for a request ran out.
pub(crate) fn timed_out(message: impl Into<Cow<'static, str>>) -> Error {
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

/// What a server answers that has run another script than was sent.
pub(crate) fn unexpected(what: &str) -> RedisError {
    RedisError::from((
        redis::ErrorKind::UnexpectedReturnType,
        "unexpected answer",
        what.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use deadpool_redis::redis::make_extension_error;
    use storage_core::Retry;

    use super::*;

    fn said(code: &str, detail: &str) -> RedisError {
        make_extension_error(code.into(), Some(detail.into()))
    }

    #[test]
    fn each_code_has_its_kind() {
        use ErrorKind::{
            Corrupt, Denied, Full, Internal, Invalid, Throttled, Unavailable, Unsupported,
        };
        for (code, detail, kind) in [
            (
                "OOM",
                "command not allowed when used memory > 'maxmemory'.",
                Full,
            ),
            ("NOAUTH", "Authentication required.", Denied),
            ("WRONGPASS", "invalid username-password pair", Denied),
            ("NOPERM", "this user has no permissions", Denied),
            ("DENIED", "Redis is running in protected mode", Denied),
            ("LOADING", "Redis is loading the dataset", Unavailable),
            ("BUSY", "Redis is busy running a script.", Unavailable),
            ("MISCONF", "Errors writing to the AOF file", Unavailable),
            (
                "READONLY",
                "You can't write against a read only replica.",
                Unavailable,
            ),
            ("UNBLOCKED", "force unblock", Unavailable),
            (
                "NOREPLICAS",
                "Not enough good replicas to write.",
                Unavailable,
            ),
            ("MASTERDOWN", "Link with MASTER is down", Unavailable),
            ("CLUSTERDOWN", "Hash slot not served", Unavailable),
            (
                "TRYAGAIN",
                "Multiple keys request during rehashing",
                Unavailable,
            ),
            ("MOVED", "3999 127.0.0.1:6381", Unavailable),
            ("ASK", "3999 127.0.0.1:6381", Unavailable),
            (
                "CROSSSLOT",
                "Keys in request don't hash to the same slot",
                Unsupported,
            ),
            ("WRONGTYPE", "Operation against a key", Corrupt),
            ("STORAGE", "the store is not there any more", Corrupt),
            ("ERR", "cannot be used with replica instances", Unavailable),
            ("ERR", "max number of clients reached", Throttled),
            ("ERR", "DB index is out of range", Invalid),
            (
                "ERR",
                "AUTH <password> called without any password configured for the default user.",
                Denied,
            ),
            (
                "ERR",
                "The user executing the script can't run this command or subcommand script: 5a1f",
                Denied,
            ),
            ("ERR", "unknown command 'EVALSHA'", Unsupported),
            ("ERR", "has cluster support disabled", Unsupported),
            ("ERR", "something else", Internal),
        ] {
            let error = from_redis(said(code, detail));
            assert_eq!(error.kind(), kind, "{code}");
            let passes = matches!(kind, Unavailable | Throttled);
            assert_eq!(error.retry() != Retry::Never, passes, "{code}");
        }
    }

    #[test]
    fn failures_of_the_network_and_of_tls_have_their_kinds() {
        let io = |error: io::Error| from_redis(error.into()).kind();
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(io(refused), ErrorKind::Unavailable);
        let late = io::Error::from(io::ErrorKind::TimedOut);
        assert_eq!(io(late), ErrorKind::TimedOut);
        let tls = rustls::Error::General("bad".into());
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, tls.clone());
        assert_eq!(io(wrapped), ErrorKind::Denied);
        assert_eq!(from_redis(tls.into()).kind(), ErrorKind::Denied);
    }
}
