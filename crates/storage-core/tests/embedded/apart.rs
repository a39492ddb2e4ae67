//! Commits that queue for an engine that takes each on its own.

use std::sync::Arc;

use storage_core::{ErrorKind, Outcome, ReadExt, Result, embedded::GroupPolicy};

use super::{
    as_group, put,
    staged::{Failure, Stage, open},
};

fn stage() -> Arc<Stage> {
    let mut stage = Stage::new();
    stage.group_policy = GroupPolicy::Apart;
    Arc::new(stage)
}

#[tokio::test]
async fn commits_are_applied_one_by_one_where_the_engine_asks_for_it() {
    let stage = stage();
    let answers = as_group(&stage, vec![put("a"), put("b"), put("c")]).await;
    let sequences: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().sequence.unwrap())
        .collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    // The head, with its reservation of sequences, then each on its own.
    assert_eq!(*stage.applied.lock().unwrap(), [2, 1, 1, 1]);
}

#[tokio::test]
async fn a_guard_sees_the_commits_that_are_applied_before_it() {
    let stage = stage();
    let batches = vec![
        put("new").absent("new"),
        put("new").absent("new"),
        put("seen").present("new"),
    ];
    let answers = as_group(&stage, batches).await;
    let held: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(held, [true, false, true]);
}

#[tokio::test]
async fn a_commit_that_is_refused_spoils_no_other() {
    let stage = stage();
    stage
        .apply_failures
        .lock()
        .unwrap()
        .extend([None, Some(Failure::Refuse(ErrorKind::Full))]);
    let answers = as_group(&stage, vec![put("a"), put("b")]).await;
    let refused = answers[0].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert_eq!(refused.outcome(), Some(Outcome::NotApplied));
    assert!(answers[1].is_ok());
}

#[tokio::test]
async fn nothing_is_applied_behind_a_commit_that_poisoned_the_store() {
    let stage = stage();
    stage
        .apply_failures
        .lock()
        .unwrap()
        .extend([None, Some(Failure::BreakOff(ErrorKind::Corrupt))]);
    let answers = as_group(&stage, vec![put("a"), put("b")]).await;
    let broken = answers[0].as_ref().unwrap_err();
    assert_eq!(broken.outcome(), Some(Outcome::Unknown));
    let refused = answers[1].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
    assert_eq!(refused.outcome(), Some(Outcome::NotApplied));
    assert!(!open(&stage).exists("b").await.unwrap());
}
