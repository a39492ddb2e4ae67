//! Groups that were refused are tried again in parts, so that a bad member
//! spoils no other.

use tokio::time::Instant;

use super::{call::GRACE, lanes::waited_in_vain, queue::Member};
use crate::{Error, ErrorKind};

/// Members of a group that had no effect, and why.
#[derive(Debug)]
pub(super) struct Refused<M> {
    pub(super) members: Vec<M>,
    pub(super) error: Error,
}

/// Serves a group by `attempt`, which answers its members or gives them back.
/// What comes back for a reason that may lie in one of them is halved, until
/// that one is alone.
pub(super) async fn serve_in_parts<M: Member, F>(
    group: Vec<M>,
    mut attempt: impl FnMut(Vec<M>) -> F,
) where
    F: Future<Output = Result<(), Refused<M>>>,
{
    // The part to be tried next is the last, so that the order is kept.
    let mut parts = vec![group];
    while let Some(part) = parts.pop() {
        let part = refuse_late(part, Instant::now(), &waited_in_vain());
        if part.is_empty() {
            continue;
        }
        if let Err(refused) = attempt(part).await {
            divide(refused, &mut parts);
        }
    }
}

/// Adds the parts that are worth another try, and refuses the rest.
fn divide<M: Member>(refused: Refused<M>, parts: &mut Vec<Vec<M>>) {
    let Refused { mut members, error } = refused;
    if members.len() > 1 && may_lie_in_one(error.kind()) {
        let behind = members.split_off(members.len() / 2);
        parts.extend([behind, members]);
        return;
    }
    if error.kind() == ErrorKind::TimedOut {
        // The call had as long as the member with the least time. Others that
        // waited less have some left.
        let count = members.len();
        members = refuse_late(members, Instant::now() + GRACE, &error);
        if members.len() < count {
            parts.push(members);
            return;
        }
    }
    for member in members {
        member.refuse(error.duplicate());
    }
}

/// Refuses the members whose time is over at `instant`, and returns the others.
fn refuse_late<M: Member>(members: Vec<M>, instant: Instant, error: &Error) -> Vec<M> {
    let (late, in_time): (Vec<M>, Vec<M>) = members
        .into_iter()
        .partition(|member| member.deadline() <= instant);
    for member in late {
        member.refuse(error.duplicate());
    }
    in_time
}

/// Whether one member may be to blame, so that others could do without it. The
/// rest is about the server or the way there, and would meet every part.
const fn may_lie_in_one(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::Throttled
            | ErrorKind::TimedOut
            | ErrorKind::SnapshotExpired
            | ErrorKind::Poisoned
            | ErrorKind::Closed
    )
}
