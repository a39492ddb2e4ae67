//! What a server answers when it refuses, and the kinds that become of it.

use storage_core::{ErrorKind, Outcome, ReadExt, Retry, StoreExt, WriteBatch};
use storage_testkit::servers::{
    S3Fault,
    S3When::{After, Before},
};

use crate::{blocking, config_of, fails, fault, not_applied, server};

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_a_put_has_its_kind_and_says_whether_it_was_done() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    for (status, code, kind) in [
        (403, "AccessDenied", ErrorKind::Denied),
        (400, "ExpiredToken", ErrorKind::Denied),
        (403, "RequestTimeTooSkewed", ErrorKind::Denied),
        (403, "SignatureDoesNotMatch", ErrorKind::Denied),
        (404, "NoSuchBucket", ErrorKind::Invalid),
        (429, "TooManyRequests", ErrorKind::Throttled),
        (400, "InvalidStorageClass", ErrorKind::Invalid),
        (501, "NotImplemented", ErrorKind::Unsupported),
    ] {
        blocking(move || server.order(fault("PUT", status, code, Before)).unwrap()).await;
        let error = not_applied(store.put("k", code).await);
        assert_eq!(error.kind(), kind, "{code}: {error:?}");
        assert!(error.message().contains(code), "{error}");
        let is_retryable = kind == ErrorKind::Throttled;
        assert_eq!(error.retry() != Retry::Never, is_retryable, "{error:?}");
        assert!(!store.exists("k").await.unwrap(), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_answer_is_an_error_of_the_server_is_looked_up() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    for (status, code, kind) in [
        (500, "InternalError", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (503, "SlowDown", ErrorKind::Throttled),
        (502, "garbage", ErrorKind::Unavailable),
    ] {
        // It was done, whatever the answer says.
        blocking(move || server.order(fault("PUT", status, code, After)).unwrap()).await;
        store.put("done", code).await.unwrap();
        assert_eq!(store.get("done").await.unwrap().unwrap().value(), code);
        // It was not, which nobody can know: it may be under way.
        blocking(move || server.order(fault("PUT", status, code, Before)).unwrap()).await;
        let error = fails(store.put("not done", code).await, kind);
        assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_commit_whose_answer_is_lost_is_done_once() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    for when in [After, Before] {
        store.put("k", "old").await.unwrap();
        let stamp = store.get("k").await.unwrap().unwrap().stamp();
        blocking(move || {
            server
                .order(fault("PUT", 500, "InternalError", when))
                .unwrap();
        })
        .await;
        let swap = WriteBatch::new()
            .unchanged("k", stamp.clone())
            .put("k", "new");
        store.commit(swap.clone()).await.unwrap();
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "new");
        let error = not_applied(store.commit(swap).await);
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        blocking(move || {
            server
                .order(fault("DELETE", 500, "InternalError", when))
                .unwrap();
        })
        .await;
        let deleted = store.delete("k").await;
        match when {
            // The key is gone, and anybody may have deleted it.
            After => {
                let error = fails(deleted, ErrorKind::Unavailable);
                assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
            }
            Before => assert!(deleted.unwrap()),
        }
        assert!(!store.exists("k").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_delete_with_guards_no_more_than_one_is_told_that_it_did() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    for is_plain in [true, false] {
        store.put("k", "v").await.unwrap();
        let stamp = store.get("k").await.unwrap().unwrap().stamp();
        // The first request to arrive does nothing, and its answer does not say so.
        let lost = fault("DELETE", 500, "InternalError", Before);
        blocking(move || server.order(lost).unwrap()).await;
        let delete = async || {
            if is_plain {
                return store.delete("k").await;
            }
            let batch = WriteBatch::new().unchanged("k", stamp.clone()).delete("k");
            store.commit(batch).await.map(|_| true)
        };
        let answers = tokio::join!(delete(), delete());
        let answers = [answers.0, answers.1];
        let won = answers.iter().filter(|answer| matches!(answer, Ok(true)));
        assert_eq!(won.count(), 1, "{answers:?}");
        let unknown = answers.iter().filter_map(|answer| answer.as_ref().err());
        let unknown = unknown.filter(|error| error.outcome() == Some(Outcome::Unknown));
        assert_eq!(unknown.count(), 1, "{answers:?}");
        assert!(!store.exists("k").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_without_guards_whose_answer_is_lost_is_done_once_the_key_is_absent() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    for when in [After, Before] {
        store.put("k", "v").await.unwrap();
        blocking(move || {
            server
                .order(fault("DELETE", 500, "InternalError", when))
                .unwrap();
        })
        .await;
        store.commit(WriteBatch::new().delete("k")).await.unwrap();
        assert!(!store.exists("k").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_fails_is_a_conflict_or_judged_anew() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    store.put("k", "v").await.unwrap();
    for (status, code) in [
        (412, "PreconditionFailed"),
        (409, "ConditionalRequestConflict"),
    ] {
        // Nothing has changed, so the guard holds at the next look.
        blocking(move || server.order(fault("PUT", status, code, Before)).unwrap()).await;
        let guarded = WriteBatch::new().present("k").put("k", code);
        store.commit(guarded).await.unwrap();
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), code);
    }
    let error = not_applied(
        store
            .commit(WriteBatch::new().absent("k").put("k", "w"))
            .await,
    );
    assert_eq!(
        (error.kind(), error.guard()),
        (ErrorKind::Conflict, Some(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_tried_again_and_garbage_is_no_answer() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    store.put("k", "v").await.unwrap();
    for code in ["InternalError", "garbage"] {
        blocking(move || server.order(fault("GET", 500, code, Before)).unwrap()).await;
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
        blocking(move || server.order(fault("GET", 500, code, Before)).unwrap()).await;
        assert_eq!(store.count(storage_core::KeyRange::all()).await.unwrap(), 1);
    }
    let always = |method, status, code| S3Fault {
        times: u32::MAX,
        ..fault(method, status, code, Before)
    };
    // Absence is what an object store says, and not what anybody else does.
    blocking(move || server.order(always("GET", 404, "garbage")).unwrap()).await;
    fails(store.get("k").await, ErrorKind::Unavailable);
    fails(store.get("absent").await, ErrorKind::Unavailable);
    blocking(move || server.order(always("GET", 200, "garbage")).unwrap()).await;
    fails(store.get("k").await, ErrorKind::Corrupt);
    fails(
        store.count(storage_core::KeyRange::all()).await,
        ErrorKind::Unavailable,
    );
    fails(
        config_of(&bucket.url("store")).open().await,
        ErrorKind::Invalid,
    );
    blocking(move || server.recover().unwrap()).await;
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_expire_under_way_and_a_clock_that_goes_wrong_are_denied_to_reads_too() {
    let (server, bucket) = server().await;
    let store = config_of(&bucket.url("store")).open().await.unwrap();
    store.put("k", "v").await.unwrap();
    for code in ["ExpiredToken", "RequestTimeTooSkewed"] {
        for _ in 0..2 {
            let ordered = fault("GET", 403, code, Before);
            blocking(move || server.order(ordered).unwrap()).await;
            let error = fails(store.get("k").await, ErrorKind::Denied);
            assert!(error.message().contains(code), "{error}");
            blocking(move || server.order(fault("GET", 403, code, Before)).unwrap()).await;
            let count = store.count(storage_core::KeyRange::all());
            fails(count.await, ErrorKind::Denied);
        }
        assert_eq!(store.get("k").await.unwrap().unwrap().value(), "v");
    }
}
