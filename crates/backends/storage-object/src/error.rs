//! What object stores answer, and the kinds that become of it.

use std::{error::Error as StdError, io};

use http::StatusCode;
use storage_core::{Error, ErrorKind};

use crate::{
    failure::{Failure, Fate, RETRY_AFTER},
    transport::{Refusal, Seen},
};

/// Why a request failed, by what was seen of it, or else by what `object_store`
/// says of it.
pub(crate) fn failure(error: object_store::Error, seen: &Seen) -> Failure {
    match seen {
        Seen::Refused(refusal) => refused(refusal),
        Seen::Unconnected => Failure::new(
            unavailable("it cannot be reached; check the endpoint, and that the server runs")
                .with_source(error),
            Fate::Refused,
        ),
        Seen::Sent | Seen::Broken => Failure::new(
            unavailable("the connection broke").with_source(error),
            Fate::Lost,
        ),
        Seen::Done => Failure::new(
            unavailable("it answered what cannot be read; check that the endpoint is that of an object store")
                .with_source(error),
            Fate::Lost,
        ),
        Seen::Nothing => local(error),
    }
}

/// What is answered by no server: by a directory, by memory, or by nobody, as no
/// request could be made.
fn local(error: object_store::Error) -> Failure {
    use object_store::Error as Told;
    match error {
        Told::NotFound { .. } => Failure::new(
            Error::new(ErrorKind::Invalid, "there is no such object").with_source(error),
            Fate::Absent,
        ),
        Told::AlreadyExists { .. } | Told::Precondition { .. } => Failure::new(
            unavailable("its state changed meanwhile").with_source(error),
            Fate::ConditionFailed,
        ),
        Told::NotSupported { .. } | Told::NotImplemented { .. } => Failure::new(
            Error::new(ErrorKind::Unsupported, "this object store cannot do it").with_source(error),
            Fate::Refused,
        ),
        _ => match io_error(&error) {
            Some(cause) => Failure::new(
                Error::io(
                    "using a file of the store",
                    io::Error::new(cause.kind(), error),
                ),
                Fate::Lost,
            ),
            // Credentials that cannot be had, for one.
            None => Failure::new(
                Error::new(
                    ErrorKind::Denied,
                    "no request could be made; check the credentials",
                )
                .with_source(error),
                Fate::Refused,
            ),
        },
    }
}

fn io_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

fn unavailable(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the object store: {what}"))
        .with_retry_after(RETRY_AFTER)
}

fn refused(refusal: &Refusal) -> Failure {
    let Refusal {
        status,
        code,
        message,
        wait,
    } = refusal;
    let (kind, remedy) = kind_of(*status, code);
    let told = if code.is_empty() {
        format!("the object store answers {status}; {remedy}")
    } else {
        format!("the object store answers {code} ({status}): {message}; {remedy}")
    };
    let error = Error::new(kind, told);
    let error = match kind {
        ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::TimedOut => {
            error.with_retry_after(wait.unwrap_or_default().max(RETRY_AFTER))
        }
        _ => error,
    };
    Failure::new(error, fate_of(*status, code))
}

/// What became of a request that was refused.
fn fate_of(status: StatusCode, code: &str) -> Fate {
    match code {
        "NoSuchKey" | "BlobNotFound" => Fate::Absent,
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "ConditionNotMet"
        | "BlobAlreadyExists" => Fate::ConditionFailed,
        // Azure says so of who asks too much, before it looks at the request. S3's
        // `SlowDown` is also what MinIO answers to a write that too few of its disks
        // took.
        "ServerBusy" => Fate::Refused,
        _ if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => Fate::Lost,
        _ if status == StatusCode::PRECONDITION_FAILED => Fate::ConditionFailed,
        _ => Fate::Refused,
    }
}

/// What is to be done about a kind of answers.
type Remedy = (ErrorKind, &'static str);

const CREDENTIALS: Remedy = (
    ErrorKind::Denied,
    "check the credentials, and what they are allowed to do",
);
const THROTTLED: Remedy = (ErrorKind::Throttled, "ask more slowly");
const CHANGED: Remedy = (ErrorKind::Unavailable, "its state changed meanwhile");
const FULL: Remedy = (ErrorKind::Full, "free some space, or raise the quota");
const REGION: Remedy = (ErrorKind::Invalid, "name the region that the bucket is in");

/// The kind of an answer, and what to do about it. Codes are those of S3
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>), some of
/// stores that speak like it, and those of Azure
/// (<https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>).
fn kind_of(status: StatusCode, code: &str) -> Remedy {
    of_access(code)
        .or_else(|| of_request(code))
        .unwrap_or_else(|| of_status(status, code.is_empty()))
}

/// What is about who asks, and how much.
fn of_access(code: &str) -> Option<Remedy> {
    Some(match code {
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "InvalidSecurity"
        | "MissingSecurityHeader"
        | "AuthorizationHeaderMalformed"
        | "NotSignedUp"
        | "AuthenticationFailed"
        | "AuthorizationFailure"
        | "AuthorizationPermissionMismatch"
        | "InsufficientAccountPermissions"
        | "NoAuthenticationInformation"
        | "AccountIsDisabled" => CREDENTIALS,
        "ExpiredToken" | "InvalidAuthenticationInfo" | "TokenRefreshRequired" => (
            ErrorKind::Denied,
            "the credentials have expired; get new ones",
        ),
        "RequestTimeTooSkewed" | "RequestExpired" => (
            ErrorKind::Denied,
            "the clock of this machine and that of the server differ too much; set it right",
        ),
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ServerBusy" => THROTTLED,
        "QuotaExceeded" | "XMinioStorageFull" | "InsufficientStorage" => FULL,
        _ => return None,
    })
}

/// What is about buckets, objects and what is asked of them.
fn of_request(code: &str) -> Option<Remedy> {
    Some(match code {
        "NoSuchBucket" | "InvalidBucketName" | "ContainerNotFound" | "ContainerBeingDeleted" => {
            (ErrorKind::Invalid, "name a bucket that exists")
        }
        "NoSuchKey" | "BlobNotFound" => (ErrorKind::Invalid, "there is no such object"),
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "ConditionNotMet"
        | "BlobAlreadyExists" => CHANGED,
        "RequestTimeout" => (ErrorKind::TimedOut, "the request was sent too slowly"),
        "InternalError" | "ServiceUnavailable" | "OperationAborted" | "NoSuchUpload" => {
            (ErrorKind::Unavailable, "try again")
        }
        "InvalidObjectState" | "BlobArchived" => (
            ErrorKind::Unsupported,
            "the object is in an archive; restore it, and use a storage class that is read at once",
        ),
        "InvalidStorageClass" => (
            ErrorKind::Invalid,
            "name a storage class that the store has",
        ),
        "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => REGION,
        "NotImplemented" | "MethodNotAllowed" => {
            (ErrorKind::Unsupported, "this object store cannot do it")
        }
        _ => return None,
    })
}

/// What is known by the status alone: of an answer that has no code, or an
/// unknown one.
fn of_status(status: StatusCode, is_foreign: bool) -> Remedy {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CREDENTIALS,
        StatusCode::TOO_MANY_REQUESTS => THROTTLED,
        StatusCode::INSUFFICIENT_STORAGE => FULL,
        StatusCode::PRECONDITION_FAILED => CHANGED,
        _ if status.is_redirection() => REGION,
        _ if is_foreign => (
            ErrorKind::Unavailable,
            "it does not speak as object stores do; check the endpoint",
        ),
        _ if status.is_server_error() => (ErrorKind::Unavailable, "try again"),
        StatusCode::BAD_REQUEST => (ErrorKind::Invalid, "the store takes no such request"),
        _ => (
            ErrorKind::Internal,
            "this is a defect, or one of the server",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_kind_and_its_fate() {
        use ErrorKind::{
            Denied, Full, Internal, Invalid, Throttled, TimedOut, Unavailable, Unsupported,
        };
        use Fate::{Absent, ConditionFailed, Lost, Refused};
        for (status, code, kind, fate) in [
            (404, "NoSuchKey", Invalid, Absent),
            (404, "NoSuchBucket", Invalid, Refused),
            (404, "BlobNotFound", Invalid, Absent),
            (404, "ContainerNotFound", Invalid, Refused),
            (412, "ConditionNotMet", Unavailable, ConditionFailed),
            (409, "BlobAlreadyExists", Unavailable, ConditionFailed),
            (403, "AuthenticationFailed", Denied, Refused),
            (401, "InvalidAuthenticationInfo", Denied, Refused),
            (503, "ServerBusy", Throttled, Refused),
            (409, "BlobArchived", Unsupported, Refused),
            (400, "InvalidBucketName", Invalid, Refused),
            (403, "AccessDenied", Denied, Refused),
            (403, "InvalidAccessKeyId", Denied, Refused),
            (403, "SignatureDoesNotMatch", Denied, Refused),
            (400, "ExpiredToken", Denied, Refused),
            (400, "InvalidToken", Denied, Refused),
            (403, "RequestTimeTooSkewed", Denied, Refused),
            (503, "SlowDown", Throttled, Lost),
            (503, "SlowDownWrite", Throttled, Lost),
            (429, "SlowDown", Throttled, Refused),
            (400, "ThrottlingException", Throttled, Refused),
            (429, "TooManyRequests", Throttled, Refused),
            (503, "ServiceUnavailable", Unavailable, Lost),
            (500, "InternalError", Unavailable, Lost),
            (412, "PreconditionFailed", Unavailable, ConditionFailed),
            (
                409,
                "ConditionalRequestConflict",
                Unavailable,
                ConditionFailed,
            ),
            (409, "OperationAborted", Unavailable, Refused),
            (400, "RequestTimeout", TimedOut, Refused),
            (507, "QuotaExceeded", Full, Lost),
            (403, "InvalidObjectState", Unsupported, Refused),
            (400, "InvalidStorageClass", Invalid, Refused),
            (301, "PermanentRedirect", Invalid, Refused),
            (501, "NotImplemented", Unsupported, Refused),
            (400, "SomethingNew", Invalid, Refused),
            (403, "SomethingNew", Denied, Refused),
            (500, "SomethingNew", Unavailable, Lost),
            (418, "SomethingNew", Internal, Refused),
            (403, "", Denied, Refused),
            (404, "", Unavailable, Refused),
            (412, "", Unavailable, ConditionFailed),
            (429, "", Throttled, Refused),
            (502, "", Unavailable, Lost),
            (200, "", Unavailable, Refused),
        ] {
            let failure = refused(&Refusal {
                status: StatusCode::from_u16(status).unwrap(),
                code: code.into(),
                message: String::new(),
                wait: None,
            });
            assert_eq!(
                (failure.error.kind(), failure.fate),
                (kind, fate),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn what_is_not_answered_tells_whether_it_was_sent() {
        let error = || object_store::Error::Generic {
            store: "S3",
            source: "x".into(),
        };
        for (seen, kind, fate) in [
            (Seen::Nothing, ErrorKind::Denied, Fate::Refused),
            (Seen::Unconnected, ErrorKind::Unavailable, Fate::Refused),
            (Seen::Sent, ErrorKind::Unavailable, Fate::Lost),
            (Seen::Broken, ErrorKind::Unavailable, Fate::Lost),
            (Seen::Done, ErrorKind::Unavailable, Fate::Lost),
        ] {
            let failure = failure(error(), &seen);
            assert_eq!(
                (failure.error.kind(), failure.fate),
                (kind, fate),
                "{seen:?}"
            );
        }
    }

    #[test]
    fn a_full_disk_is_told_as_one() {
        let error = object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(io::Error::from(io::ErrorKind::StorageFull)),
        };
        let failure = failure(error, &Seen::Nothing);
        assert_eq!(
            (failure.error.kind(), failure.fate),
            (ErrorKind::Full, Fate::Lost)
        );
    }
}
