//! The cases: what layers must make of each fault.
//!
//! Each is a claim about layers that are new, empty, and lie over a store
//! without faults so far.

mod calls;
mod commits;
mod reads;
mod stalls;

pub use self::{
    calls::{closing_again_after_a_failure_closes, failed_inspections_keep_what_their_errors_say},
    commits::{
        a_commit_of_unknown_outcome_is_not_repeated, a_late_commit_is_seen_once_it_is_made,
        a_lost_answer_hides_no_change, a_lost_request_shows_no_change,
        a_refused_commit_is_reported_as_not_applied, an_error_of_a_commit_keeps_what_it_says,
        guards_see_what_an_unknown_commit_left,
    },
    reads::{
        a_damaged_value_is_an_error_and_hides_no_other, a_failed_page_ends_a_stream_with_its_error,
        a_failed_read_keeps_what_its_error_says, a_scan_goes_on_where_it_failed,
        a_snapshot_stays_the_same_through_faults,
    },
    stalls::{
        a_dropped_commit_that_stalls_is_made_and_blocks_nobody, a_late_answer_is_the_right_one,
        a_stalled_read_delays_no_other, closing_finishes_a_stalled_commit,
    },
};

use std::{
    future::Future,
    pin::{Pin, pin},
    task::Poll,
};

use storage_core::{Error, ErrorKind, Outcome, Result, Retry};

use crate::{
    CaseResult, Failure,
    failure::{ensure, ensure_eq},
    faulty::{Call, Gate},
};

/// The error of an answer that cannot be right.
#[track_caller]
fn failed<T>(answer: Result<T>) -> CaseResult<Error> {
    match answer {
        Ok(_) => Err(Failure::new("succeeded, though it failed below")),
        Err(error) => Ok(error),
    }
}

/// Checks that an error is the one from below.
#[track_caller]
fn keeps_what_it_says(error: &Error, call: Call, kind: ErrorKind, retry: Retry) -> CaseResult {
    ensure_eq!(error.kind(), kind, "the kind of: {error}");
    ensure_eq!(error.retry(), retry, "whether to retry after: {error}");
    ensure_eq!(
        error.operation(),
        Some(call.operation()),
        "the operation of: {error}"
    );
    ensure_eq!(
        error.layer(),
        Some("faulty"),
        "which layer failed in: {error}"
    );
    Ok(())
}

/// Checks that a commit says that it may have been applied.
#[track_caller]
fn is_unknown<T>(answer: Result<T>) -> CaseResult {
    let error = failed(answer)?;
    ensure_eq!(
        error.outcome(),
        Some(Outcome::Unknown),
        "the outcome of: {error}"
    );
    Ok(())
}

/// Drives `work` until a call of it waits at `gate`. The answer, if there is one
/// without that.
async fn until_held<T>(mut work: Pin<&mut impl Future<Output = T>>, gate: &Gate) -> Option<T> {
    let mut arrival = pin!(gate.wait_for_arrival());
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => arrival.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Checks that a fault has happened.
#[track_caller]
fn happened(injection: &crate::faulty::Injection) -> CaseResult {
    ensure!(
        injection.times() > 0,
        "the fault has not happened: the layer did not ask the store below it"
    );
    Ok(())
}
