//! For each thing that a layer does wrong under faults there is a case that
//! reports it, and random histories that do.

use std::future::{Ready, ready};

use storage_testkit::{
    model::ModelConfig,
    storage_core::{
        Components, ErrorKind, Outcome, ReadExt, Result, Retry, StoreExt, memory::MemoryConfig,
    },
    survival::{FaultyMemory, cases, check_histories, verdict},
};

use crate::broken::{Broken, Defect};

/// Puts a layer with a defect, or without, on the store below.
fn on(below: FaultyMemory, defect: Option<Defect>) -> Ready<Result<Broken<FaultyMemory>>> {
    ready(Ok(Broken::new(below, defect)))
}

/// Checks that a case passes the sound layer, and reports one with the defect.
macro_rules! reported {
    ($($claim:ident: $defect:ident by $case:ident;)*) => {
        $(
            #[test]
            fn $claim() {
                let sound = |below, _: Components| on(below, None);
                verdict(&sound, cases::$case).unwrap();
                let broken = |below, _: Components| on(below, Some(Defect::$defect));
                verdict(&broken, cases::$case).unwrap_err();
            }
        )*
    };
}

reported! {
    a_repeated_commit_is_reported:
        RepeatsUnknown by a_commit_of_unknown_outcome_is_not_repeated;
    an_unknown_outcome_turned_into_none_is_reported:
        DeniesUnknown by a_lost_answer_hides_no_change;
    a_late_commit_turned_into_none_is_reported:
        DeniesUnknown by a_late_commit_is_seen_once_it_is_made;
    a_swallowed_scan_error_is_reported:
        SwallowsScanErrors by a_failed_page_ends_a_stream_with_its_error;
    a_stale_answer_after_a_lost_one_is_reported:
        KeepsWhatItRead by a_lost_answer_hides_no_change;
    a_stale_answer_after_a_late_commit_is_reported:
        KeepsWhatItRead by a_late_commit_is_seen_once_it_is_made;
    a_page_that_lost_its_rest_is_reported: DropsTheRest by a_scan_goes_on_where_it_failed;
    absence_in_place_of_an_error_is_reported:
        ReadsNothing by a_failed_read_keeps_what_its_error_says;
    damage_taken_for_absence_is_reported:
        ReadsNothing by a_damaged_value_is_an_error_and_hides_no_other;
    an_error_without_its_source_is_reported:
        RewritesErrors by an_error_of_a_commit_keeps_what_it_says;
    a_lock_held_during_a_stall_is_reported:
        WaitsInLine by a_dropped_commit_that_stalls_is_made_and_blocks_nobody;
    a_close_that_only_pretends_is_reported:
        ClosesOnce by closing_again_after_a_failure_closes;
}

/// Random histories find these, and say how to replay them.
#[test]
fn random_histories_find_layers_that_lie_and_say_how() {
    let config = ModelConfig {
        histories: Some(200),
        ..ModelConfig::default()
    };
    check_histories(&|below, _: Components| on(below, None), &config).unwrap();
    for defect in [
        Defect::RepeatsUnknown,
        Defect::DeniesUnknown,
        Defect::SwallowsScanErrors,
        Defect::KeepsWhatItRead,
        Defect::DropsTheRest,
        Defect::ReadsNothing,
        Defect::RewritesErrors,
        Defect::HidesDamage,
    ] {
        let broken = |below, _: Components| on(below, Some(defect));
        let failure = check_histories(&broken, &config)
            .expect_err(&format!("{defect:?} goes unnoticed"))
            .to_string();
        assert!(failure.contains("STORAGE_TEST_SEED="), "{failure}");
        assert!(failure.contains("  1. "), "{failure}");
    }
}

/// A layer that does not forget what it read shows it for ever, however often the
/// store refuses it: a swap through it ends all the same.
#[tokio::test]
async fn a_swap_over_reads_that_stay_stale_ends() {
    let memory = MemoryConfig::new().open();
    let stale = Broken::new(memory.clone(), Some(Defect::KeepsWhatItRead));
    memory.put("there", "1").await.unwrap();
    for (key, shown) in [("there", Some(&b"1"[..])), ("absent", None)] {
        let read = stale.get(key).await.unwrap();
        assert_eq!(read.as_ref().map(AsRef::as_ref), shown);
        memory.put(key, "2").await.unwrap();
        let swap = stale.compare_and_swap(key, shown, Some("3".into()));
        let error = swap.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        assert!(matches!(error.retry(), Retry::After(_)));
        assert_eq!(*memory.get(key).await.unwrap().unwrap().value(), "2");
    }
}
