//! The judges of concurrent histories: what they reject, what they accept, and
//! that they agree.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail where what they need is missing"
)]

mod agreement;
mod legal;
mod lines;
mod random;
mod recorded;
mod wrong;

use storage_testkit::{
    linearizability::{ClientId, History, Moment, Operation, OperationKind, Verdict, judge},
    storage_core::ReadSupport,
};

/// An operation of client `number`, answered.
fn op(number: u32, kind: OperationKind, called: u64, answered: u64) -> Operation {
    Operation::answered(ClientId::new(number), kind, at(called), at(answered))
}

/// An operation of client `number` that was never answered.
fn open(number: u32, kind: OperationKind, called: u64) -> Operation {
    Operation::open_ended(ClientId::new(number), kind, at(called))
}

fn at(nanoseconds: u64) -> Moment {
    Moment::from_nanoseconds(nanoseconds)
}

fn verdict<const N: usize>(operations: [Operation; N]) -> Verdict {
    judge(&History::from_iter(operations), ReadSupport::Linearizable)
}

/// The operation that has no place in any order, of a history that is rejected.
#[track_caller]
fn rejected<const N: usize>(operations: [Operation; N]) -> Operation {
    match verdict(operations) {
        Verdict::NotLinearizable(dispute) => dispute.operation,
        other => panic!("should be rejected, but is {other:?}"),
    }
}

#[track_caller]
fn accepted<const N: usize>(operations: [Operation; N]) {
    assert_eq!(verdict(operations), Verdict::Linearizable);
}
