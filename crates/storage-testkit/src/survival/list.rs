//! The list of the cases of survival, and the macro that makes a test of each.

/// Makes one test for each [case](crate::survival::cases) of survival, and one
/// of random histories with random faults, over the layers that an expression
/// puts on a [faulty store](crate::survival::FaultyMemory). The expression is a
/// closure, see [`Layered`](crate::survival::Layered), and is evaluated once for
/// each test.
///
/// The tests are named after their cases. For several layers in one file, put
/// each into a module of its own.
#[macro_export]
macro_rules! survives_faults {
    ($layered:expr $(,)?) => {
        $crate::for_each_fault_case!($crate::survives_faults, @tests [$layered]);
    };
    (@tests [$layered:expr] $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::survival::run(
                    stringify!($case),
                    &$layered,
                    $crate::survival::cases::$case,
                );
            }
        )*

        #[test]
        fn random_faults_lead_to_no_state_that_the_answers_rule_out() {
            $crate::survival::run_histories(
                &$layered,
                &$crate::model::ModelConfig::from_environment(),
            );
        }
    };
}

/// Calls a macro with the given arguments and the names of all cases of
/// survival.
#[macro_export]
#[doc(hidden)]
macro_rules! for_each_fault_case {
    ($callback:path, $($arguments:tt)*) => {
        $callback! {
            $($arguments)*
            // commits
            a_refused_commit_is_reported_as_not_applied
            an_error_of_a_commit_keeps_what_it_says
            a_lost_answer_hides_no_change
            a_lost_request_shows_no_change
            a_commit_of_unknown_outcome_is_not_repeated
            a_late_commit_is_seen_once_it_is_made
            guards_see_what_an_unknown_commit_left
            // reads
            a_failed_read_keeps_what_its_error_says
            a_damaged_value_is_an_error_and_hides_no_other
            a_scan_goes_on_where_it_failed
            a_failed_page_ends_a_stream_with_its_error
            a_snapshot_stays_the_same_through_faults
            // stalls
            a_dropped_commit_that_stalls_is_made_and_blocks_nobody
            a_stalled_read_delays_no_other
            closing_finishes_a_stalled_commit
            a_late_answer_is_the_right_one
            // other calls
            failed_inspections_keep_what_their_errors_say
            closing_again_after_a_failure_closes
        }
    };
}
