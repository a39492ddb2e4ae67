//! The list of the cases of stores on disk, and the macro that makes a test of
//! each.

/// Makes one test for each [case](crate::on_disk::cases) of stores on disk, over
/// the [subject](crate::on_disk::OnDisk) that an expression makes. The
/// expression is evaluated once for each test.
///
/// The tests are named after their cases. For several subjects in one file, put
/// each into a module of its own.
#[macro_export]
macro_rules! on_disk {
    ($subject:expr $(,)?) => {
        $crate::for_each_disk_case!($crate::on_disk, @tests [$subject]);
    };
    (@tests [$subject:expr] $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::on_disk::run(
                    $crate::site!($case),
                    $subject,
                    $crate::on_disk::cases::$case,
                );
            }
        )*
    };
}

/// The [site](crate::on_disk::Site) of the test function of this name in the
/// calling module.
#[macro_export]
#[doc(hidden)]
macro_rules! site {
    ($test:ident) => {
        $crate::on_disk::Site::new(
            concat!(module_path!(), "::", stringify!($test)),
            env!("CARGO_MANIFEST_DIR"),
        )
    };
}

/// Calls a macro with the given arguments and the names of all cases of stores
/// on disk.
#[macro_export]
#[doc(hidden)]
macro_rules! for_each_disk_case {
    ($callback:path, $($arguments:tt)*) => {
        $callback! {
            $($arguments)*
            // refusals
            a_directory_with_other_files_is_refused_and_left_alone
            a_file_is_no_store
            a_newer_format_is_refused
            a_store_of_another_engine_is_refused_by_name
            a_damaged_format_file_is_corrupt
            a_store_whose_data_is_gone_is_corrupt
            a_creation_that_was_cut_off_is_begun_anew
            // processes
            a_store_that_is_open_cannot_be_opened_again
            a_store_that_another_process_has_open_is_refused_until_it_dies
            the_files_of_an_open_store_hold_what_was_synced
            // moves
            a_directory_moved_while_it_is_open_loses_nothing
            a_store_in_the_place_of_one_that_was_moved_is_left_alone
            a_store_stays_where_it_is_when_the_working_directory_changes
            // disks
            a_disk_full_of_noise_loses_nothing_that_was_acknowledged
            a_disk_full_of_what_compresses_loses_nothing_that_was_acknowledged
            a_disk_without_room_for_a_new_store_is_full
            a_read_only_disk_is_denied
            files_without_permissions_are_denied
            // syncs
            a_failed_sync_ends_all_writes
            // damage
            a_flipped_bit_in_any_file_is_reported_or_harmless
            a_file_cut_off_anywhere_is_reported_or_harmless
            a_missing_file_is_reported_or_harmless
            // golden
            golden_stores_open_and_hold_what_they_held
        }
    };
}
