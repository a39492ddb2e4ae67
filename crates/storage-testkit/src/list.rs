//! The list of all cases, and the macro that makes a test of each.

/// Makes one test for each [case](crate::cases), one for random
/// [histories](crate::model) and one for [concurrent](crate::linearizability)
/// ones, over the [subject](crate::Subject) that an expression makes. The expression is evaluated once for each test.
///
/// The tests are named after their cases. For several subjects in one file, put
/// each into a module of its own.
#[macro_export]
macro_rules! conformance {
    ($subject:expr $(,)?) => {
        $crate::for_each_case!($crate::conformance, @tests [$subject]);
    };
    (@tests [$subject:expr] $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::run(stringify!($case), $subject, $crate::cases::$case);
            }
        )*

        #[test]
        fn random_histories_agree_with_an_ordered_map() {
            $crate::model::run(|| $subject, &$crate::model::ModelConfig::from_environment());
        }

        #[test]
        fn concurrent_histories_are_linearizable() {
            let config = $crate::linearizability::LinearizabilityConfig::from_environment();
            $crate::linearizability::run($subject, &config);
        }
    };
}

/// Calls a macro with the given arguments and the names of all cases.
#[macro_export]
macro_rules! for_each_case {
    ($callback:path, $($arguments:tt)*) => {
        $callback! {
            $($arguments)*
            // points
            a_put_entry_is_read_back
            an_absent_key_has_no_entry
            a_second_put_replaces_the_first
            a_deleted_key_is_absent
            deleting_an_absent_key_changes_nothing
            delete_says_whether_the_key_existed
            one_of_many_deleters_is_told_that_the_key_existed
            // keys
            the_empty_key_is_a_key
            an_empty_value_is_a_value
            keys_that_encodings_confuse_are_kept_apart
            deleting_a_key_leaves_its_prefixes_and_extensions
            every_byte_is_a_key
            // limits
            a_key_at_the_limit_is_taken
            a_key_over_the_limit_is_refused
            a_guard_on_a_key_over_the_limit_is_refused
            a_value_at_the_limit_is_taken
            a_value_over_the_limit_is_refused
            a_batch_over_its_operations_limit_is_refused
            a_batch_over_its_bytes_limit_is_refused
            guards_count_as_operations
            // get_many
            get_many_answers_in_the_order_asked
            get_many_answers_a_key_asked_twice_twice
            get_many_of_nothing_is_nothing
            get_many_reads_both_spaces_and_many_keys
            get_many_returns_what_get_returns
            // ranges
            every_kind_of_bound_selects_its_keys
            a_prefix_scan_returns_the_keys_that_begin_with_it
            an_empty_or_inverted_range_holds_nothing
            an_empty_store_has_nothing_to_scan
            a_reverse_scan_is_the_forward_scan_reversed
            a_scan_returns_what_get_returns
            a_count_is_the_length_of_the_scan
            // paging
            pages_of_any_length_cover_the_range_once
            a_page_holds_an_entry_however_few_bytes_it_may
            pages_of_any_size_cover_the_range_once
            the_rest_of_a_page_begins_where_the_page_ended
            a_page_of_no_entries_is_invalid
            a_keys_only_scan_returns_no_values
            a_long_scan_streams_every_entry
            a_page_may_hold_ten_thousand_entries
            // spaces
            user_scans_never_show_system_keys
            system_scans_never_show_user_keys
            the_same_bytes_in_two_spaces_are_two_keys
            a_range_delete_stays_in_its_space
            a_batch_may_change_both_spaces
            // batches
            the_last_mutation_of_a_key_wins
            a_batch_applies_whole
            a_batch_of_many_keys_applies_whole
            a_batch_over_everything_applies_whole_or_not_at_all
            an_empty_batch_is_committed
            a_range_delete_removes_exactly_its_range
            deleting_an_empty_or_inverted_range_changes_nothing
            range_deletes_and_puts_keep_their_order
            // guards
            an_absent_guard_holds_only_for_absent_keys
            a_present_guard_holds_only_for_present_keys
            an_unchanged_guard_holds_only_for_the_entry_read
            a_stale_stamp_conflicts
            a_stamp_from_a_scan_is_that_of_a_get
            a_guard_on_no_stamp_is_invalid
            a_batch_whose_guard_fails_changes_nothing
            a_conflict_names_its_guard
            guards_see_the_state_before_the_batch
            a_batch_of_guards_alone_only_checks
            a_guard_may_look_at_another_key
            an_expired_entry_is_absent_for_guards
            // races
            compare_and_swap_swaps_only_the_expected_value
            concurrent_increments_lose_no_update
            exactly_one_of_many_creators_wins
            guarded_transfers_keep_the_sum
            // expiry
            an_entry_is_there_until_it_expires
            an_entry_is_gone_the_moment_it_expires
            an_entry_put_after_its_expiry_is_absent
            overwriting_clears_the_expiry
            the_last_put_decides_the_expiry
            an_entry_may_expire_at_the_end_of_time
            a_scan_leads_past_expired_entries
            // sequences
            sequences_grow_with_every_commit
            a_sequenced_put_holds_the_sequence_of_its_commit
            sequenced_puts_of_a_batch_share_its_sequence
            sequenced_keys_sort_in_commit_order
            concurrent_sequenced_puts_are_unique
            a_log_never_grows_behind_its_reader
            a_refused_batch_does_not_stop_the_sequence
            sequences_go_on_after_a_reopen
            // snapshots
            a_snapshot_sees_every_answered_commit
            a_snapshot_never_changes
            every_read_of_a_snapshot_agrees
            a_snapshot_knows_its_place_among_the_commits
            a_snapshot_never_shows_half_a_batch
            a_snapshot_lasts_as_long_as_advertised
            a_snapshot_of_a_closed_store_is_closed
            dropping_a_snapshot_disturbs_nobody
            // concurrency
            every_writers_keys_are_there
            a_page_never_shows_half_a_batch
            a_page_never_shows_half_a_range_delete
            reads_never_go_back_in_time
            concurrent_overwrites_end_in_one_of_the_last_values
            // durability
            every_durability_on_offer_is_granted
            a_durability_not_on_offer_is_refused
            the_default_durability_is_the_strongest
            commits_of_different_durability_keep_their_order
            a_linearizable_read_sees_the_last_commit
            a_read_that_may_be_stale_is_answered
            // lifecycle
            a_reopened_store_holds_what_was_committed
            an_expiry_passes_while_the_store_is_closed
            reopening_again_and_again_loses_nothing
            a_closed_store_answers_closed
            closing_twice_is_fine
            closing_finishes_accepted_commits
            a_dropped_commit_takes_effect_whole
            a_dropped_commit_does_not_come_back
            a_dropped_read_disturbs_nobody
            // reports
            the_description_names_the_engine
            the_capabilities_make_sense
            the_clock_is_the_one_passed_in
            stats_and_health_are_answered
            a_check_reads_every_entry
            maintenance_leaves_the_data_alone
        }
    };
}
