//! `cargo xtask ci`: everything that must hold before a change is merged, except the tests.
//!
//! Every step runs, even after another failed, so that one run tells all there is to fix.

mod steps;
mod summary;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use self::summary::{Outcome, Row, Summary};
use crate::install;
use crate::workspace::Workspace;

/// Runs every step and prints how each one ended.
pub(crate) fn run() -> Result<ExitCode> {
    install::missing(&install::needed_to_build(&[]))?;
    let workspace = Workspace::load()?;
    let mut rows = Vec::new();
    for step in steps::all(&workspace) {
        println!("--- {}", step.name());
        let started = Instant::now();
        let outcome = match step.run() {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                eprintln!("error: {error:#}");
                Outcome::Failed
            }
        };
        rows.push(Row {
            name: step.name().to_owned(),
            outcome,
            took: started.elapsed(),
        });
    }
    let summary = Summary { rows };
    print!("\n{summary}");
    Ok(if summary.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
