//! A record of what the tests have proved of each engine, for whoever makes a
//! table of it: a line of JSON for each claim, in the file that an environment
//! variable names.

use std::{
    env,
    fs::File,
    io::{self, Write},
};

use serde_json::{Value, json};
use storage_core::{Capabilities, Durability};

/// The file to append to; nothing is recorded where it is not set.
const RECORD_VARIABLE: &str = "STORAGE_TEST_RECORD";

/// In which Cargo names the crate of the tests it runs. What a stack over an engine shows is not
/// shown of the engine, and nothing but this tells the two apart: the engine has the same name.
const PACKAGE_VARIABLE: &str = "CARGO_PKG_NAME";

/// Takes down that a store of `engine` has passed the test of a claim.
pub(crate) fn passed(engine: &str, claim: &str) {
    append(json!({ "engine": engine, "passed": claim }));
}

/// Takes down what a store of `engine` declares, and has shown to make sense.
pub(crate) fn declared(engine: &str, capabilities: &Capabilities) {
    let Capabilities {
        batch,
        batch_operations_max,
        batch_bytes_max,
        guards,
        range_deletes,
        expiry,
        snapshots,
        scan_order,
        reads,
        crash_order,
        sequence,
        key_bytes_max,
        value_bytes_max,
        ..
    } = capabilities;
    append(json!({
        "engine": engine,
        "declared": {
            "batch": format!("{batch:?}"),
            "batch_operations_max": batch_operations_max,
            "batch_bytes_max": batch_bytes_max,
            "guards": format!("{guards:?}"),
            "range_deletes": format!("{range_deletes:?}"),
            "expiry": format!("{expiry:?}"),
            "snapshots": format!("{snapshots:?}"),
            "scan_order": format!("{scan_order:?}"),
            "reads": format!("{reads:?}"),
            "crash_order": format!("{crash_order:?}"),
            "sequence": format!("{sequence:?}"),
            "key_bytes_max": key_bytes_max,
            "value_bytes_max": value_bytes_max,
        },
    }));
}

/// Takes down how durable a commit became that asked for `asked`.
pub(crate) fn granted(engine: &str, asked: Durability, granted: Durability) {
    append(json!({
        "engine": engine,
        "asked": format!("{asked:?}"),
        "granted": format!("{granted:?}"),
    }));
}

#[expect(
    clippy::print_stderr,
    reason = "a record that is not complete must not pass for one that is"
)]
fn append(mut line: Value) {
    let Some(path) = env::var_os(RECORD_VARIABLE) else {
        return;
    };
    match (line.as_object_mut(), env::var(PACKAGE_VARIABLE)) {
        (Some(fields), Ok(package)) => {
            fields.insert("package".to_owned(), package.into());
        }
        _ => eprintln!("{PACKAGE_VARIABLE} is not set: what is recorded counts for no engine"),
    }
    // One write, so that lines of tests that run at once do not mix.
    let write = || -> io::Result<()> {
        let mut file = File::options().create(true).append(true).open(&path)?;
        file.write_all(format!("{line}\n").as_bytes())
    };
    if let Err(error) = write() {
        eprintln!("cannot record to {}: {error}", path.display());
    }
}
