//! The named cases: each is one claim about every store.
//!
//! A case is an async function of a [`Bench`](crate::Bench). Where the store
//! does not advertise what a case is about, the case checks the refusal.

mod batches;
mod concurrency;
mod durability;
mod expiry;
mod get_many;
mod guards;
mod keys;
mod lifecycle;
mod limits;
mod paging;
mod points;
mod races;
mod ranges;
mod reports;
mod sequences;
mod snapshots;
mod spaces;

pub use self::{
    batches::{
        a_batch_applies_whole, a_batch_of_many_keys_applies_whole,
        a_batch_over_everything_applies_whole_or_not_at_all,
        a_range_delete_removes_exactly_its_range, an_empty_batch_is_committed,
        deleting_an_empty_or_inverted_range_changes_nothing,
        range_deletes_and_puts_keep_their_order, the_last_mutation_of_a_key_wins,
    },
    concurrency::{
        a_page_never_shows_half_a_batch, a_page_never_shows_half_a_range_delete,
        concurrent_overwrites_end_in_one_of_the_last_values, every_writers_keys_are_there,
        reads_never_go_back_in_time,
    },
    durability::{
        a_durability_not_on_offer_is_refused, a_linearizable_read_sees_the_last_commit,
        a_read_that_may_be_stale_is_answered, commits_of_different_durability_keep_their_order,
        every_durability_on_offer_is_granted, the_default_durability_is_the_strongest,
    },
    expiry::{
        a_scan_leads_past_expired_entries, an_entry_is_gone_the_moment_it_expires,
        an_entry_is_there_until_it_expires, an_entry_may_expire_at_the_end_of_time,
        an_entry_put_after_its_expiry_is_absent, overwriting_clears_the_expiry,
        the_last_put_decides_the_expiry,
    },
    get_many::{
        get_many_answers_a_key_asked_twice_twice, get_many_answers_in_the_order_asked,
        get_many_of_nothing_is_nothing, get_many_reads_both_spaces_and_many_keys,
        get_many_returns_what_get_returns,
    },
    guards::{
        a_batch_of_guards_alone_only_checks, a_batch_whose_guard_fails_changes_nothing,
        a_conflict_names_its_guard, a_guard_may_look_at_another_key,
        a_guard_on_no_stamp_is_invalid, a_present_guard_holds_only_for_present_keys,
        a_stale_stamp_conflicts, a_stamp_from_a_scan_is_that_of_a_get,
        an_absent_guard_holds_only_for_absent_keys, an_expired_entry_is_absent_for_guards,
        an_unchanged_guard_holds_only_for_the_entry_read, guards_see_the_state_before_the_batch,
    },
    keys::{
        an_empty_value_is_a_value, deleting_a_key_leaves_its_prefixes_and_extensions,
        every_byte_is_a_key, keys_that_encodings_confuse_are_kept_apart, the_empty_key_is_a_key,
    },
    lifecycle::{
        a_closed_store_answers_closed, a_dropped_commit_does_not_come_back,
        a_dropped_commit_takes_effect_whole, a_dropped_read_disturbs_nobody,
        a_reopened_store_holds_what_was_committed, an_expiry_passes_while_the_store_is_closed,
        closing_finishes_accepted_commits, closing_twice_is_fine,
        reopening_again_and_again_loses_nothing,
    },
    limits::{
        a_batch_over_its_bytes_limit_is_refused, a_batch_over_its_operations_limit_is_refused,
        a_guard_on_a_key_over_the_limit_is_refused, a_key_at_the_limit_is_taken,
        a_key_over_the_limit_is_refused, a_value_at_the_limit_is_taken,
        a_value_over_the_limit_is_refused, guards_count_as_operations,
    },
    paging::{
        a_keys_only_scan_returns_no_values, a_long_scan_streams_every_entry,
        a_page_holds_an_entry_however_few_bytes_it_may, a_page_may_hold_ten_thousand_entries,
        a_page_of_no_entries_is_invalid, pages_of_any_length_cover_the_range_once,
        pages_of_any_size_cover_the_range_once, the_rest_of_a_page_begins_where_the_page_ended,
    },
    points::{
        a_deleted_key_is_absent, a_put_entry_is_read_back, a_second_put_replaces_the_first,
        an_absent_key_has_no_entry, delete_says_whether_the_key_existed,
        deleting_an_absent_key_changes_nothing, one_of_many_deleters_is_told_that_the_key_existed,
    },
    races::{
        compare_and_swap_swaps_only_the_expected_value, concurrent_increments_lose_no_update,
        exactly_one_of_many_creators_wins, guarded_transfers_keep_the_sum,
    },
    ranges::{
        a_count_is_the_length_of_the_scan, a_prefix_scan_returns_the_keys_that_begin_with_it,
        a_reverse_scan_is_the_forward_scan_reversed, a_scan_returns_what_get_returns,
        an_empty_or_inverted_range_holds_nothing, an_empty_store_has_nothing_to_scan,
        every_kind_of_bound_selects_its_keys,
    },
    reports::{
        a_check_reads_every_entry, maintenance_leaves_the_data_alone,
        stats_and_health_are_answered, the_capabilities_make_sense, the_clock_is_the_one_passed_in,
        the_description_names_the_engine,
    },
    sequences::{
        a_log_never_grows_behind_its_reader, a_refused_batch_does_not_stop_the_sequence,
        a_sequenced_put_holds_the_sequence_of_its_commit, concurrent_sequenced_puts_are_unique,
        sequenced_keys_sort_in_commit_order, sequenced_puts_of_a_batch_share_its_sequence,
        sequences_go_on_after_a_reopen, sequences_grow_with_every_commit,
    },
    snapshots::{
        a_snapshot_knows_its_place_among_the_commits, a_snapshot_lasts_as_long_as_advertised,
        a_snapshot_never_changes, a_snapshot_never_shows_half_a_batch,
        a_snapshot_of_a_closed_store_is_closed, a_snapshot_sees_every_answered_commit,
        dropping_a_snapshot_disturbs_nobody, every_read_of_a_snapshot_agrees,
    },
    spaces::{
        a_batch_may_change_both_spaces, a_range_delete_stays_in_its_space,
        system_scans_never_show_user_keys, the_same_bytes_in_two_spaces_are_two_keys,
        user_scans_never_show_system_keys,
    },
};
