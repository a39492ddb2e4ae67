//! The cases of stores on disk. Each is a claim that its name makes.

mod damage;
mod disks;
mod golden;
mod moves;
mod processes;
mod refusals;
mod syncs;

use storage_core::{ErrorKind, Maintenance, SeededRandom, Store};

use super::ledger::unless;
use crate::CaseResult;

pub use self::{
    damage::{
        a_file_cut_off_anywhere_is_reported_or_harmless,
        a_flipped_bit_in_any_file_is_reported_or_harmless, a_missing_file_is_reported_or_harmless,
    },
    disks::{
        a_disk_full_of_noise_loses_nothing_that_was_acknowledged,
        a_disk_full_of_what_compresses_loses_nothing_that_was_acknowledged,
        a_disk_without_room_for_a_new_store_is_full, a_read_only_disk_is_denied,
        files_without_permissions_are_denied,
    },
    golden::golden_stores_open_and_hold_what_they_held,
    moves::{
        a_directory_moved_while_it_is_open_loses_nothing,
        a_store_in_the_place_of_one_that_was_moved_is_left_alone,
        a_store_stays_where_it_is_when_the_working_directory_changes,
    },
    processes::{
        a_store_that_another_process_has_open_is_refused_until_it_dies,
        a_store_that_is_open_cannot_be_opened_again,
        the_files_of_an_open_store_hold_what_was_synced,
    },
    refusals::{
        a_creation_that_was_cut_off_is_begun_anew, a_damaged_format_file_is_corrupt,
        a_directory_with_other_files_is_refused_and_left_alone, a_file_is_no_store,
        a_newer_format_is_refused, a_store_of_another_engine_is_refused_by_name,
        a_store_whose_data_is_gone_is_corrupt,
    },
    syncs::a_failed_sync_ends_all_writes,
};

/// Compacts the store, if it offers that. It may say that it is one of `kinds`.
async fn compact_unless(kinds: &[ErrorKind], store: &impl Store) -> CaseResult {
    match store.maintain(Maintenance::Compact).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        compacted => unless(kinds, compacted).map(drop),
    }
}

/// Bytes that nothing compresses.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let random = SeededRandom::new(seed);
    let words = (0..length.div_ceil(8)).flat_map(|_| random.next_u64().to_le_bytes());
    words.take(length).collect()
}
