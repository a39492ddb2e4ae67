//! Why a call failed, and what it leaves of a connection.

use deadpool_redis::redis::RedisError;
use storage_core::{Error, Outcome};

use crate::{
    RedisHost,
    error::{from_redis, timed_out, unavailable},
};

/// Why a call failed, and what is known then.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) kind: FailureKind,
}

/// What a failure leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The server refused the command before it had done anything of it, and
    /// waits for the next one.
    Refused,
    /// The same, because it takes no writes: another server is the master now.
    ReadOnly,
    /// The same, because it belongs to another node of the cluster.
    Elsewhere,
    /// The same, because no node of the cluster serves it for the moment.
    Unserved,
    /// The same, because its slot is on its way to this node, and nothing of what
    /// the command needs is here any more.
    Arrived(RedisHost),
    /// The same, for a moment: a part of that is here and a part there, or the
    /// server does not sync what it writes yet.
    NotYet,
    /// A script failed that may have done a part of its work.
    Broken,
    /// The connection is of no use any more. Whether the command was done is not
    /// known.
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

    /// What failed before anything was sent.
    pub(crate) const fn before(error: Error) -> Self {
        Self {
            error,
            kind: FailureKind::Refused,
        }
    }

    /// The same, of what may soon be had again.
    pub(crate) fn not_yet(error: Error) -> Self {
        Self {
            error,
            kind: FailureKind::NotYet,
        }
    }

    /// The same, of a commit that was not applied.
    pub(crate) fn did_nothing(self) -> Self {
        self.with_outcome(Outcome::NotApplied)
    }

    /// The same, with what became of a commit.
    pub(crate) fn with_outcome(self, outcome: Outcome) -> Self {
        Self {
            error: self.error.with_outcome(outcome),
            ..self
        }
    }

    fn kind_of(error: &RedisError) -> FailureKind {
        let Some(code) = error.code() else {
            return FailureKind::Lost;
        };
        // What a command inside of a script says ends with where that is.
        let is_inside = error
            .detail()
            .is_some_and(|detail| detail.contains("script:"));
        match code {
            "READONLY" => FailureKind::ReadOnly,
            "ASK" => arrived_at(error).map_or(FailureKind::NotYet, FailureKind::Arrived),
            "TRYAGAIN" => FailureKind::NotYet,
            "MOVED" => FailureKind::Elsewhere,
            "CLUSTERDOWN" => FailureKind::Unserved,
            _ if !is_inside || is_before_first_write(code) => FailureKind::Refused,
            _ => FailureKind::Broken,
        }
    }

    /// Whether the connection can be used for something else.
    pub(crate) const fn leaves_connection(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Refused
                | FailureKind::Elsewhere
                | FailureKind::Unserved
                | FailureKind::Arrived(_)
                | FailureKind::NotYet
                | FailureKind::Broken
        )
    }

    /// Whether what was refused may be done in a moment, there or by another node
    /// of the cluster.
    pub(crate) const fn may_be_done_soon(&self) -> bool {
        self.is_of_a_move() || matches!(self.kind, FailureKind::Unserved)
    }

    /// Whether another node of the cluster is to be looked for.
    pub(crate) const fn is_elsewhere(&self) -> bool {
        matches!(self.kind, FailureKind::Elsewhere | FailureKind::Unserved)
    }

    /// Whether a slot that moves is why, which ends soon.
    pub(crate) const fn is_of_a_move(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Elsewhere | FailureKind::Arrived(_) | FailureKind::NotYet
        )
    }
}

/// The node that an `ASK` names, behind the number of the slot; none if it does
/// not know what that is called.
fn arrived_at(error: &RedisError) -> Option<RedisHost> {
    let node = error.detail()?.split_ascii_whitespace().nth(1)?;
    let (name, port) = node.rsplit_once(':')?;
    let is_known = !name.is_empty() && name != "?";
    is_known.then_some(RedisHost::new(name, port.parse().ok()?))
}

/// Whether Redis says so to the first write of a script, and to none behind it.
fn is_before_first_write(code: &str) -> bool {
    matches!(
        code,
        "OOM" | "MISCONF" | "READONLY" | "NOREPLICAS" | "MASTERDOWN"
    )
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self {
            kind: Self::kind_of(&error),
            error: from_redis(error),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use deadpool_redis::redis::make_extension_error;

    use super::*;
    use crate::error::unexpected;

    fn said(code: &str, detail: &str) -> RedisError {
        make_extension_error(code.into(), Some(detail.into()))
    }

    #[test]
    fn what_certainly_did_nothing_is_told_from_what_may_have() {
        use FailureKind::{Arrived, Broken, Elsewhere, Lost, NotYet, ReadOnly, Refused, Unserved};
        let inside = "no. script: 5a1f, on @user_script:12.";
        for (error, kind) in [
            (said("OOM", "no"), Refused),
            (said("OOM", inside), Refused),
            (said("MISCONF", inside), Refused),
            (said("NOREPLICAS", inside), Refused),
            (said("LOADING", "no"), Refused),
            (said("MOVED", "7 h:1"), Elsewhere),
            (said("ASK", "7 h:1"), Arrived(RedisHost::new("h", 1))),
            (said("ASK", "7 ::1:2"), Arrived(RedisHost::new("::1", 2))),
            (said("ASK", "7 :1"), NotYet),
            (said("TRYAGAIN", "no"), NotYet),
            (said("CLUSTERDOWN", "no"), Unserved),
            (said("NOPERM", "no"), Refused),
            (said("NOPERM", inside), Broken),
            (said("WRONGTYPE", inside), Broken),
            (said("ERR", inside), Broken),
            (said("READONLY", inside), ReadOnly),
            (io::Error::from(io::ErrorKind::ConnectionReset).into(), Lost),
            (unexpected("x"), Lost),
        ] {
            assert_eq!(Failure::kind_of(&error), kind, "{error}");
        }
    }

    #[test]
    fn a_cluster_that_is_down_is_no_move() {
        for (code, is_of_a_move) in [("CLUSTERDOWN", false), ("MOVED", true), ("TRYAGAIN", true)] {
            let failure = Failure::from(said(code, "7 h:1"));
            assert!(failure.may_be_done_soon(), "{code}");
            assert_eq!(failure.is_of_a_move(), is_of_a_move, "{code}");
        }
    }
}
