//! The variables that say how many histories, and which: what is not a number is
//! refused, and never passed over.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    process::{Command, Output},
};

use storage_testkit::{linearizability::LinearizabilityConfig, model::ModelConfig};

/// What each run below does; by itself it says nothing.
#[test]
fn both_configurations_are_read() {
    let (model, concurrent) = (
        ModelConfig::from_environment(),
        LinearizabilityConfig::from_environment(),
    );
    report(&format!("{model:?} {concurrent:?}"));
}

#[expect(
    clippy::print_stdout,
    reason = "the tests below read what this one prints"
)]
fn report(configurations: &str) {
    println!("{configurations}");
}

/// The test above, in a process where one variable is set.
fn read_with(variable: &str, text: &str) -> (bool, String) {
    let Output { status, stdout, .. } = Command::new(env::current_exe().unwrap())
        .args(["both_configurations_are_read", "--exact", "--show-output"])
        .env(variable, text)
        .output()
        .unwrap();
    (status.success(), String::from_utf8(stdout).unwrap())
}

#[test]
fn text_that_is_no_number_is_named_with_its_variable() {
    for variable in [
        "STORAGE_LINEARIZABILITY_HISTORIES",
        "STORAGE_MODEL_HISTORIES",
        "STORAGE_TEST_SEED",
    ] {
        for text in ["1_000", "many", "", "-1"] {
            let (passed, shown) = read_with(variable, text);
            assert!(!passed, "{variable}={text} is passed over:\n{shown}");
            let named = format!("{variable} is `{text}`, which is not a number");
            assert!(shown.contains(&named), "{shown}");
        }
    }
}

#[test]
fn numbers_are_taken() {
    for (variable, field) in [
        ("STORAGE_LINEARIZABILITY_HISTORIES", "histories: 77"),
        ("STORAGE_MODEL_HISTORIES", "histories: Some(77)"),
        ("STORAGE_TEST_SEED", "seed: 77"),
    ] {
        let (passed, shown) = read_with(variable, "77");
        assert!(passed && shown.contains(field), "{shown}");
    }
    assert!(read_with("STORAGE_TEST_SEED", "random").0);
}
