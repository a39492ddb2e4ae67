//! Where Garage is: where `cargo xtask test --with garage` has cargo install it.

use std::process::Command;

use crate::servers::{ServerError, ServerResult, place::cache};

/// By its version; `cargo xtask` has the same.
const ROOT: &str = "storage-tests/garage-2.5.0";

pub(super) fn garage() -> ServerResult<Command> {
    let program = cache(ROOT).map(|root| root.join("bin/garage"));
    match program.filter(|program| program.is_file()) {
        Some(program) => {
            let mut command = Command::new(program);
            command.env("RUST_LOG", "garage=warn");
            Ok(command)
        }
        None => Err(ServerError::Missing {
            program: "garage, which `cargo xtask test --with garage` installs",
            packages: &[],
        }),
    }
}
