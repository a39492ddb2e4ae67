//! Where moto is: in an environment of Python that `cargo xtask test` makes.

use std::{env, process::Command};

use crate::servers::{ServerError, ServerResult, place::cache};

/// The environment, by the version of what is in it; `xtask` has the same.
const ENVIRONMENT: &str = "storage-tests/moto-5.2.5";

/// The Python that knows moto.
///
/// # Errors
/// [`ServerError::Missing`] if nobody has installed it.
pub(super) fn python() -> ServerResult<Command> {
    let python = cache(ENVIRONMENT).map(|environment| environment.join("venv/bin/python"));
    match python.filter(|python| python.is_file()) {
        Some(python) => {
            let mut command = Command::new(python);
            for (name, _) in env::vars_os() {
                let name_bytes = name.as_encoded_bytes();
                if ["AWS_", "MOTO_", "PYTHON"]
                    .iter()
                    .any(|start| name_bytes.starts_with(start.as_bytes()))
                {
                    command.env_remove(name);
                }
            }
            Ok(command)
        }
        None => Err(ServerError::Missing {
            program: "moto, which `cargo xtask test --engines object` installs",
            packages: &["python3-venv"],
        }),
    }
}
