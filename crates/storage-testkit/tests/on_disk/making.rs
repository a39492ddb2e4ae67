//! How a golden store is made: by the case that opens it, in a process that is
//! told to.

use std::{
    env, fs,
    process::{Command, Output},
};

use storage_testkit::on_disk::{Site, cases, verdict};

use crate::Map;

/// Where the process below makes its store.
const CRATE_VARIABLE: &str = "STORAGE_TEST_CRATE";

/// What the runs below do; by itself it says nothing.
#[test]
fn a_store_is_made_for_another_crate() {
    let Ok(directory) = env::var(CRATE_VARIABLE) else {
        return;
    };
    let site = Site::new("on_disk::golden", directory.leak());
    verdict(
        site,
        Map(None),
        cases::golden_stores_open_and_hold_what_they_held,
    )
    .unwrap();
}

#[test]
fn a_golden_store_is_made_once_and_then_opened() {
    let place = tempfile::tempdir().unwrap();
    let run = |is_to_make| {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "making::a_store_is_made_for_another_crate"])
            .env(CRATE_VARIABLE, place.path());
        if is_to_make {
            command.env("STORAGE_MAKE_GOLDEN", "1");
        }
        let Output { status, stdout, .. } = command.output().unwrap();
        (status.success(), String::from_utf8(stdout).unwrap())
    };
    assert!(!run(false).0, "there is none yet");
    assert!(run(true).0);
    let golden = place.path().join("tests/golden");
    assert_eq!(
        fs::read_to_string(golden.join("v1.empty")).unwrap(),
        "data/spare\n"
    );
    // As Git brings it back.
    fs::remove_dir(golden.join("v1/data/spare")).unwrap();
    assert!(run(false).0);
    let (is_made, said) = run(true);
    assert!(!is_made && said.contains("is there already"), "{said}");
}
