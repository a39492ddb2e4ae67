//! Certifies a store that keeps its files in a directory of its own: what it
//! makes of directories that are not its own, of a second process, of disks
//! that fill, of files that are damaged, and of stores that earlier versions
//! left.
//!
//! [`on_disk!`](crate::on_disk!) makes one test of each [case](cases) over a
//! [subject](OnDisk). It goes beside [`conformance!`](crate::conformance!),
//! which asks what every store must do; `docs/guides/certify-your-engine.md`
//! shows the lines.
//!
//! The suite takes for granted that the directory is claimed by
//! [`StoreDirectory`](storage_core::StoreDirectory).
//!
//! Some cases go on in a process of their own, where they may mount a small
//! file system, give up root's rights, have system calls fail, or die. They start the program that they
//! are in again, with the name of their test, so a test makes
//! one [verdict] at most. Mounting takes Linux and `unshare` of util-linux.

pub mod cases;

mod calls;
mod damage;
mod disk;
mod enclosure;
mod golden_content;
mod ledger;
mod list;
mod scene;
mod site;
mod subject;
mod tree;

use storage_core::Store;

use self::enclosure::Enclosed;
pub use self::{
    calls::{Call, fail_calls},
    disk::Disk,
    scene::Scene,
    site::Site,
    subject::{Exemption, OnDisk},
};
use crate::{CaseResult, child, runner};

/// Runs the case of the test at `site`, and panics if the store fails it. Tests
/// of engines that `STORAGE_TEST_ENGINES` leaves out say so and end.
///
/// # Panics
/// If the store fails the case.
pub fn run<S: OnDisk>(site: Site, subject: S, case: impl AsyncFnOnce(&Scene<S>) -> CaseResult) {
    if runner::is_chosen(S::ENGINE, site.case()) {
        // Not every engine has files: the record keeps these claims apart.
        let claim = format!("on disk: {}", site.case());
        runner::report(S::ENGINE, &claim, verdict(site, subject, case));
    }
}

/// What a case says of a store, without panicking. In a process that the case
/// itself started, this does not return.
pub fn verdict<S: OnDisk>(
    site: Site,
    subject: S,
    case: impl AsyncFnOnce(&Scene<S>) -> CaseResult,
) -> CaseResult {
    let enclosed = Enclosed::of_this_process();
    if let Some(enclosed) = &enclosed {
        child::end_with_the_parent();
        // Before the runtime has threads, which would keep what is given up.
        if let Err(failure) = enclosed.settle() {
            enclosure::conclude(Err(failure));
        }
    }
    let is_enclosed = enclosed.is_some();
    let answer = runner::drive(runner::in_time(async {
        let scene = Scene::new(site, subject, enclosed)?;
        case(&scene).await
    }));
    if is_enclosed {
        enclosure::conclude(answer);
    }
    answer
}

/// Closes `store` and drops it, so that it can be opened again.
async fn close(store: impl Store) -> CaseResult {
    store.close().await?;
    Ok(())
}
