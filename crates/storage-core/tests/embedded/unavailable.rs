//! What becomes of a group that somebody else keeps from being applied.

use std::sync::Arc;

use storage_core::{ErrorKind, Outcome, StoreExt};

use super::{
    as_group, put,
    staged::{Failure, Stage, open},
};

#[tokio::test]
async fn a_merge_that_is_unavailable_is_refused_as_a_whole() {
    let stage = Arc::new(Stage::new());
    // The head, then the merged rest: whoever took it apart would succeed.
    let failures = [None, Some(Failure::Refuse(ErrorKind::Unavailable))];
    stage.apply_failures.lock().unwrap().extend(failures);
    let answers = as_group(&stage, vec![put("a"), put("b"), put("c")]).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    }
    open(&stage).put("d", "value").await.unwrap();
}
