//! What becomes of a group that somebody else keeps from being applied.

use std::sync::Arc;

use storage_core::{ErrorKind, KeyRange, Outcome, ReadExt, StoreExt, WriteBatch};

use super::{
    as_group, put,
    staged::{Failure, Stage, open},
};

/// A store whose engine lets the head of a group through, fails the next call
/// like this, and would let all that follow through.
fn failing_once(failure: Failure) -> Arc<Stage> {
    let stage = Arc::new(Stage::new());
    let failures = [None, Some(failure)];
    stage.apply_failures.lock().unwrap().extend(failures);
    stage
}

/// Three commits that are applied as one, or one by one: a guard on a key that
/// the group has touched is judged by what the commits before left.
fn groups() -> [Vec<WriteBatch>; 2] {
    let together = ["a", "b", "c"].map(put);
    let one_by_one = ["a", "b", "c"].map(|key| put(key).put("shared", key).absent("guarded"));
    let touching = WriteBatch::new().delete_range(KeyRange::prefix("guarded"));
    [
        together.into(),
        [touching].into_iter().chain(one_by_one).collect(),
    ]
}

#[tokio::test]
async fn a_lock_refuses_a_group_once_and_as_a_whole() {
    for group in groups() {
        let stage = failing_once(Failure::LockedOut);
        for answer in as_group(&stage, group).await {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.outcome(), Some(Outcome::NotApplied));
            assert!(error.is_foreign_lock());
        }
        let store = open(&stage);
        for key in ["a", "b", "c"] {
            assert!(!store.exists(key).await.unwrap());
        }
        // The next group tries anew.
        store.put("d", "value").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_unavailable_for_another_reason_refuses_its_own_commit_only() {
    let stage = failing_once(Failure::Refuse(ErrorKind::Unavailable));
    let refused_alone = [Some(Failure::Refuse(ErrorKind::Unavailable))];
    stage.apply_failures.lock().unwrap().extend(refused_alone);
    let answers = as_group(&stage, ["a", "b", "c"].map(put).into()).await;
    let applied: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(applied, [false, true, true]);
    let error = answers[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.is_foreign_lock());
}

#[tokio::test]
async fn a_lock_met_by_a_part_of_a_group_refuses_the_parts_behind_it() {
    let stage = failing_once(Failure::Refuse(ErrorKind::Full));
    let then = [None, Some(Failure::LockedOut)];
    stage.apply_failures.lock().unwrap().extend(then);
    let answers = as_group(&stage, ["a", "b", "c"].map(put).into()).await;
    let applied: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(applied, [true, false, false]);
}
