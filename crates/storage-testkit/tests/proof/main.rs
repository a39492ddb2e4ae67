//! The proofs can fail: for each way to break a sound store they report what
//! kind of fault it is.

#![expect(clippy::unwrap_used, reason = "a panic of the engine is a finding")]
#![expect(
    clippy::indexing_slicing,
    reason = "the log is read by its own lengths"
)]

mod log_engine;
mod record;
mod weakening;

use std::{path::PathBuf, process::ExitCode};

use storage_core::{Components, Result, SharedStore};
use storage_testkit::proof::{FindingKind, Program};

use self::{
    log_engine::{Defect, open},
    weakening::Weakening,
};

fn main() -> ExitCode {
    let program = Program::new("log", opener(None))
        .broken_subject(
            "keeps_buffered_commits_in_memory",
            FindingKind::Lost,
            opener(Some(Defect::KeepsBufferedInMemory)),
        )
        .broken_subject(
            "brings_deleted_keys_back",
            FindingKind::Lost,
            opener(Some(Defect::ForgetsDeletes)),
        )
        .broken_subject(
            "writes_a_batch_in_two_halves",
            FindingKind::Torn,
            opener(Some(Defect::SplitsBatches)),
        )
        .broken_subject(
            "writes_volatile_commits_last",
            FindingKind::Unordered,
            opener(Some(Defect::WritesVolatileLast)),
        )
        .broken_subject(
            "stamps_all_entries_alike",
            FindingKind::GuardsBroken,
            opener(Some(Defect::StampsAlike)),
        )
        .broken_subject(
            "recovers_values_under_other_keys",
            FindingKind::Foreign,
            opener(Some(Defect::ExchangesValues)),
        )
        .broken_subject(
            "forgets_when_entries_expire",
            FindingKind::Foreign,
            opener(Some(Defect::ForgetsExpiries)),
        )
        .broken_subject(
            "has_a_key_that_nobody_wrote",
            FindingKind::Foreign,
            opener(Some(Defect::InventsKey)),
        )
        .broken_subject(
            "cannot_be_opened_again",
            FindingKind::Failed,
            opener(Some(Defect::OpensOnce)),
        )
        .broken_subject(
            "promises_less_than_asked",
            FindingKind::Failed,
            |directory, components| async {
                let store = open(directory, components, None).await?;
                Ok(SharedStore::new(Weakening(store)))
            },
        )
        .broken_subject(
            "stops_answering_at_work",
            FindingKind::Failed,
            opener(Some(Defect::Stalls)),
        );
    broken_by_power_loss(program).run()
}

fn broken_by_power_loss(program: Program) -> Program {
    program
        .subject_broken_by_power_loss("never_syncs", opener(Some(Defect::NeverSyncs)))
        .subject_broken_by_power_loss("syncs_late", opener(Some(Defect::SyncsLate)))
        .subject_broken_by_power_loss(
            "forgets_to_sync_the_directory",
            opener(Some(Defect::ForgetsDirectory)),
        )
        .subject_broken_by_power_loss(
            "moves_a_file_before_it_is_synced",
            opener(Some(Defect::MovesUnsynced)),
        )
        .subject_broken_by_power_loss("takes_torn_records", opener(Some(Defect::TakesTornRecords)))
}

fn opener(
    defect: Option<Defect>,
) -> impl Fn(PathBuf, Components) -> std::pin::Pin<Box<dyn Future<Output = Result<SharedStore>> + Send>>
{
    move |directory, components| Box::pin(open(directory, components, defect))
}
