//! The suite of stores on disk can fail: for each defect of an engine there is a
//! case that reports it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod defect;
mod engine;
mod file;
mod making;

use std::path::Path;

use storage_core::{Components, Result};
use storage_testkit::on_disk::{Exemption, OnDisk, cases, verdict};

use self::{defect::Defect, engine::MapStore};

/// A small engine that keeps its promises.
mod sound {
    storage_testkit::on_disk!(super::Map(None));
}

/// The small engine with a defect, or without.
struct Map(Option<Defect>);

impl OnDisk for Map {
    type Store = MapStore;
    const ENGINE: &'static str = engine::ENGINE;
    const FORMAT_VERSION: u32 = 1;

    async fn open(&self, directory: &Path, components: Components) -> Result<MapStore> {
        engine::open(directory, Self::FORMAT_VERSION, components, self.0).await
    }
}

/// Checks that a case reports an engine with the defect, in these words.
macro_rules! reported {
    ($($claim:ident: $defect:ident by $case:ident as $words:literal;)*) => {
        $(
            #[test]
            fn $claim() {
                let broken = Map(Some(Defect::$defect));
                let failure = verdict(storage_testkit::site!($claim), broken, cases::$case)
                    .unwrap_err()
                    .to_string();
                assert!(failure.contains($words), "{failure}");
            }
        )*
    };
}

reported! {
    a_file_in_a_foreign_directory_is_reported: Litters
        by a_directory_with_other_files_is_refused_and_left_alone as "changes nothing";
    a_newer_format_that_opens_is_reported: OpensNewerFormats
        by a_newer_format_is_refused as "should be unsupported";
    a_store_made_anew_is_reported: BeginsAnew
        by a_damaged_format_file_is_corrupt as "should be corrupt";
    a_store_that_opens_twice_is_reported: LocksNothing
        by a_store_that_is_open_cannot_be_opened_again as "should be unavailable";
    a_store_that_opens_in_two_processes_is_reported: LocksNothing
        by a_store_that_another_process_has_open_is_refused_until_it_dies
        as "should be unavailable";
    a_lock_that_seems_to_stay_is_reported: NeverSaysLater
        by a_store_that_is_open_cannot_be_opened_again as "never";
    commits_that_die_with_the_process_are_reported: WritesAtTheEnd
        by a_store_that_another_process_has_open_is_refused_until_it_dies as "should be there";
    commits_that_are_in_no_file_are_reported: WritesAtTheEnd
        by the_files_of_an_open_store_hold_what_was_synced as "should be there";
    an_untrue_error_of_a_moved_store_is_reported: KeepsThePath
        by a_directory_moved_while_it_is_open_loses_nothing as "should be one of";
    files_at_the_old_path_are_reported: RemakesThePath
        by a_directory_moved_while_it_is_open_loses_nothing as "made at the old path";
    files_in_the_store_that_took_the_place_are_reported: KeepsThePath
        by a_store_in_the_place_of_one_that_was_moved_is_left_alone as "changed the files";
    a_store_that_goes_where_the_process_goes_is_reported: KeepsThePath
        by a_store_stays_where_it_is_when_the_working_directory_changes
        as "an operation that should succeed failed";
    a_commit_lost_on_a_full_disk_is_reported: SwallowsAFullDisk
        by a_disk_full_of_noise_loses_nothing_that_was_acknowledged
        as "should be there with 100000 bytes, but is absent";
    a_refused_commit_that_shows_up_is_reported: AppliesWhatItRefuses
        by a_disk_full_of_noise_loses_nothing_that_was_acknowledged
        as "should be absent, but has 10 bytes";
    a_full_disk_of_another_kind_is_reported: BlamesItself
        by a_disk_full_of_what_compresses_loses_nothing_that_was_acknowledged
        as "should be one of [Full, Poisoned]";
    a_full_disk_of_another_kind_at_the_creation_is_reported: BlamesItself
        by a_disk_without_room_for_a_new_store_is_full as "should be full";
    a_store_torn_by_a_full_disk_is_reported: WritesInPlace
        by a_disk_full_of_noise_loses_nothing_that_was_acknowledged as "corrupt";
    a_failed_sync_that_is_forgotten_is_reported: ForgetsFailedSyncs
        by a_failed_sync_ends_all_writes as "of a commit whose sync failed";
    a_missing_right_taken_for_damage_is_reported: TakesRefusalForDamage
        by files_without_permissions_are_denied as "should be one of [Denied]";
    damage_that_is_passed_over_is_reported: TakesDamage
        by a_flipped_bit_in_any_file_is_reported_or_harmless as "without a word";
    a_lost_end_that_is_passed_over_is_reported: TakesDamage
        by a_file_cut_off_anywhere_is_reported_or_harmless as "without a word";
    a_lost_file_that_is_passed_over_is_reported: EmptiesWhatIsDamaged
        by a_missing_file_is_reported_or_harmless as "without a word";
    an_earlier_state_in_the_place_of_a_damaged_one_is_reported: FallsBack
        by a_flipped_bit_in_any_file_is_reported_or_harmless as "without a word";
    damage_that_an_open_hides_is_reported: ReportsDamageOnce
        by a_flipped_bit_in_any_file_is_reported_or_harmless as "at the second look";
    a_panic_at_damage_is_reported: PanicsAtDamage
        by a_missing_file_is_reported_or_harmless as "should be one of [Corrupt]";
    a_check_that_finds_nothing_is_reported: ChecksNothing
        by a_missing_file_is_reported_or_harmless as "a check does not find";
    expiries_of_an_old_store_that_are_lost_are_reported: ForgetsExpiries
        by golden_stores_open_and_hold_what_they_held as "should be 7 bytes \"not yet\", expiring Some";
    keys_of_an_old_store_that_are_misread_are_reported: CutsLongKeys
        by golden_stores_open_and_hold_what_they_held as "is absent, should be 39 bytes";
}

/// The small engine, with a reason for not telling damage from a crash.
struct Excused(Defect);

impl OnDisk for Excused {
    type Store = MapStore;
    const ENGINE: &'static str = engine::ENGINE;
    const FORMAT_VERSION: u32 = 1;

    async fn open(&self, directory: &Path, components: Components) -> Result<MapStore> {
        engine::open(directory, Self::FORMAT_VERSION, components, Some(self.0)).await
    }

    fn exemptions(&self) -> &[Exemption] {
        &[Exemption {
            file: "/map",
            reason: "it is written in place, and a crash may leave any part of it",
        }]
    }
}

#[test]
fn an_exemption_allows_an_earlier_state() {
    let site = storage_testkit::site!(an_exemption_allows_an_earlier_state);
    let excused = Excused(Defect::FallsBack);
    verdict(
        site,
        excused,
        cases::a_flipped_bit_in_any_file_is_reported_or_harmless,
    )
    .unwrap();
}

#[test]
fn an_exemption_allows_no_state_that_never_was() {
    let site = storage_testkit::site!(an_exemption_allows_no_state_that_never_was);
    let excused = Excused(Defect::TakesDamage);
    let failure = verdict(
        site,
        excused,
        cases::a_flipped_bit_in_any_file_is_reported_or_harmless,
    )
    .unwrap_err()
    .to_string();
    assert!(failure.contains("without a word"), "{failure}");
}

/// The small engine, after a change of its format.
struct Changed;

impl OnDisk for Changed {
    type Store = MapStore;
    const ENGINE: &'static str = engine::ENGINE;
    const FORMAT_VERSION: u32 = 2;

    async fn open(&self, directory: &Path, components: Components) -> Result<MapStore> {
        engine::open(directory, Self::FORMAT_VERSION, components, None).await
    }
}

#[test]
fn a_format_without_a_golden_store_is_reported() {
    let failure = verdict(
        storage_testkit::site!(a_format_without_a_golden_store_is_reported),
        Changed,
        cases::golden_stores_open_and_hold_what_they_held,
    )
    .unwrap_err()
    .to_string();
    assert!(failure.contains("no store of format 2"), "{failure}");
    assert!(failure.contains("STORAGE_MAKE_GOLDEN=1"), "{failure}");
}
