//! The suite can fail: for each defect of a store there is a case that reports
//! it, or a model or a concurrent history that does.

mod broken;
mod subject;

use storage_core::{ReadSupport, memory::MemoryBackend};
use storage_testkit::{
    CaseResult, cases,
    linearizability::{self, History, LinearizabilityConfig, Verdict},
    model::{self, ModelConfig},
    verdict,
};

use self::{broken::Defect, subject::Damaged};

/// Checks that a case passes the sound store, and reports one with the defect.
macro_rules! reported {
    ($($claim:ident: $defect:ident by $case:ident;)*) => {
        $(
            #[test]
            fn $claim() {
                verdict(Damaged(None), cases::$case).unwrap();
                verdict(Damaged(Some(Defect::$defect)), cases::$case).unwrap_err();
            }
        )*
    };
}

reported! {
    a_lost_mutation_is_reported: LosesTheLastMutation by a_batch_applies_whole;
    guards_without_effect_are_reported: IgnoresGuards by a_batch_whose_guard_fails_changes_nothing;
    lost_updates_are_reported: IgnoresGuards by concurrent_increments_lose_no_update;
    several_winners_are_reported: IgnoresGuards by exactly_one_of_many_creators_wins;
    an_effect_in_spite_of_a_conflict_is_reported:
        AppliesAndConflicts by a_batch_whose_guard_fails_changes_nothing;
    a_conflict_that_names_the_wrong_guard_is_reported:
        NamesTheFirstGuard by a_conflict_names_its_guard;
    an_untold_outcome_is_reported: HidesTheOutcome by a_batch_whose_guard_fails_changes_nothing;
    late_expiry_is_reported: ExpiresLate by an_entry_is_gone_the_moment_it_expires;
    late_expiry_for_guards_is_reported: ExpiresLate by an_expired_entry_is_absent_for_guards;
    an_entry_skipped_between_pages_is_reported:
        SkipsBetweenPages by pages_of_any_length_cover_the_range_once;
    an_entry_repeated_between_pages_is_reported:
        RepeatsBetweenPages by pages_of_any_length_cover_the_range_once;
    a_reverse_scan_off_by_one_is_reported:
        ReverseLosesOne by a_reverse_scan_is_the_forward_scan_reversed;
    a_scan_that_ends_early_is_reported: EndsScansEarly by a_long_scan_streams_every_entry;
    values_of_a_keys_only_scan_are_reported:
        ReturnsValuesWithKeys by a_keys_only_scan_returns_no_values;
    sorted_answers_are_reported: SortsGetMany by get_many_answers_in_the_order_asked;
    a_snapshot_that_changes_is_reported: SnapshotsAreLive by a_snapshot_never_changes;
    a_snapshot_with_half_a_batch_is_reported:
        TearsBatches by a_snapshot_never_shows_half_a_batch;
    a_page_with_half_a_batch_is_reported: TearsBatches by a_page_never_shows_half_a_batch;
    reads_that_go_back_in_time_are_reported: TearsBatches by reads_never_go_back_in_time;
    system_keys_in_user_scans_are_reported: ShowsSystemKeys by user_scans_never_show_system_keys;
    a_range_delete_of_too_much_is_reported:
        DeletesTheEnd by a_range_delete_removes_exactly_its_range;
    an_empty_value_taken_for_absence_is_reported: DropsEmptyValues by an_empty_value_is_a_value;
    durability_without_a_promise_is_reported:
        GrantsAnyDurability by a_durability_not_on_offer_is_refused;
    a_sequence_that_stands_still_is_reported:
        RepeatsSequences by sequences_grow_with_every_commit;
    a_commit_lost_with_its_future_is_reported: StartsLate by a_dropped_commit_takes_effect_whole;
    answers_after_closing_are_reported: StaysOpen by a_closed_store_answers_closed;
    data_lost_by_closing_is_reported:
        PromisesToKeep by a_reopened_store_holds_what_was_committed;
}

/// The model finds these within a few histories, and says how to replay them.
#[test]
fn random_histories_find_defects_and_say_how() {
    let config = ModelConfig {
        histories: Some(60),
        ..ModelConfig::default()
    };
    model::check(|| Damaged(None), &config).unwrap();
    let found = [
        Defect::LosesTheLastMutation,
        Defect::IgnoresGuards,
        Defect::AppliesAndConflicts,
        Defect::ExpiresLate,
        Defect::SkipsBetweenPages,
        Defect::RepeatsBetweenPages,
        Defect::ReverseLosesOne,
        Defect::SortsGetMany,
        Defect::SnapshotsAreLive,
        Defect::DeletesTheEnd,
        Defect::DropsEmptyValues,
        Defect::RepeatsSequences,
        Defect::PromisesToKeep,
    ];
    for defect in found {
        let failure = model::check(|| Damaged(Some(defect)), &config)
            .expect_err(&format!("{defect:?} goes unnoticed"))
            .to_string();
        assert!(failure.contains("STORAGE_TEST_SEED="), "{failure}");
        assert!(failure.contains("  1. "), "{failure}");
    }
}

/// No case need be at work: it is enough to look at what clients saw.
#[test]
fn concurrent_histories_find_defects_and_show_why() {
    let check = |defect| {
        let config = LinearizabilityConfig {
            histories: 300,
            ..LinearizabilityConfig::default()
        };
        linearizability::check(Damaged(defect), &config)
    };
    check(None).unwrap();
    check(Some(Defect::LagsAsItSays)).unwrap();
    let found = [
        Defect::ServesStaleReads,
        Defect::ShowsHalfBatches,
        Defect::ComparesBeforeItSwaps,
        Defect::ServesOldSnapshots,
        Defect::ForgetsNowAndThen,
        Defect::LosesTheLastMutation,
        Defect::IgnoresGuards,
        Defect::AppliesAndConflicts,
        Defect::SnapshotsAreLive,
        Defect::TearsBatches,
    ];
    for defect in found {
        let failure = check(Some(defect))
            .expect_err(&format!("{defect:?} goes unnoticed"))
            .to_string();
        assert!(failure.contains("STORAGE_TEST_SEED="), "{failure}");
        assert!(failure.contains("<- no order explains this"), "{failure}");
        let lines: Vec<_> = failure
            .lines()
            .filter(|line| line.starts_with('{'))
            .collect();
        let shown = History::from_lines(&lines.join("\n")).unwrap();
        assert!(shown.operations().len() < 20, "{failure}");
        let verdict = linearizability::judge(&shown, ReadSupport::Linearizable);
        assert!(matches!(verdict, Verdict::NotLinearizable(_)), "{failure}");
    }
}

/// Nothing in these histories is wrong, because nothing is in them.
#[test]
fn histories_that_say_nothing_are_no_pass() {
    let config = LinearizabilityConfig {
        histories: 20,
        ..LinearizabilityConfig::default()
    };
    let alone = LinearizabilityConfig {
        clients: 1,
        ..config
    };
    linearizability::check(Damaged(None), &config).unwrap();
    for (defect, config, words) in [
        (
            Some(Defect::AnswersNoCommit),
            config,
            "commits without a guard were applied",
        ),
        (
            Some(Defect::RefusesStamps),
            config,
            "though nobody else was there",
        ),
        (
            Some(Defect::RefusesSomeStamps),
            config,
            "a stamp which no change had outdated",
        ),
        (None, alone, "overlapped in only 0 of 20 histories"),
    ] {
        let failure = linearizability::check(Damaged(defect), &config)
            .expect_err(&format!("{defect:?} goes unnoticed"))
            .to_string();
        assert!(failure.contains(words), "{defect:?}: {failure}");
    }
}

/// A failure that is replayed from its seed is the same failure.
#[test]
fn a_history_replayed_from_its_seed_fails_the_same_way() {
    let check = |seed, histories| -> CaseResult {
        let config = ModelConfig {
            histories: Some(histories),
            seed,
            ..ModelConfig::default()
        };
        model::check(|| Damaged(Some(Defect::DeletesTheEnd)), &config)
    };
    let failure = check(1, 1_000).unwrap_err().to_string();
    let (_, rest) = failure.split_once("STORAGE_TEST_SEED=").unwrap();
    let seed = rest.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(check(seed, 1).unwrap_err().to_string(), failure);
}

/// The store that is damaged.
type Sound = MemoryBackend;
