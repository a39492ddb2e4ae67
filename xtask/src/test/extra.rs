//! Servers that are tested with where somebody asks for it: an engine is proved without them.

use std::process::Command;

use clap::ValueEnum;

use super::TestArgs;
use crate::install::Requirement;
use crate::tool;

/// A server by the name that `--with` knows it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Extra {
    /// A Garage of three nodes, which takes ten minutes and more to build.
    Garage,
    /// An Azurite, which takes Node and much of npm.
    Azurite,
}

impl Extra {
    /// What it takes to run it.
    pub(super) fn requirements(self) -> &'static [Requirement] {
        match self {
            Self::Garage => GARAGE,
            Self::Azurite => AZURITE,
        }
    }

    /// The tests that have it.
    pub(super) fn cargo_test(self, args: &TestArgs) -> Command {
        let (package, target) = match self {
            Self::Garage => ("storage-object", "garage"),
            Self::Azurite => ("storage-object", "azure"),
        };
        let mut command = tool::cargo();
        command.args(["test", "--no-fail-fast", "--all-features"]);
        command.args(["--package", package, "--test", target]);
        super::finish(&mut command, args);
        command
    }
}

// Its libsodium is built by `make`.
const GARAGE: &[Requirement] = &[Requirement::make(), Requirement::garage()];
const AZURITE: &[Requirement] = &[
    Requirement::node(),
    Requirement::npm(),
    Requirement::azurite(),
];

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Command as Xtask;

    #[test]
    fn what_is_asked_for_has_a_run_of_its_own() {
        let parsed = Xtask::try_parse_from([
            "xtask",
            "test",
            "--with",
            "garage,azurite",
            "--filter",
            "scan",
        ]);
        let Xtask::Test(args) = parsed.unwrap() else {
            unreachable!()
        };
        let lines: Vec<_> = args
            .with
            .iter()
            .map(|extra| tool::command_line(&extra.cargo_test(&args)))
            .collect();
        assert_eq!(lines.len(), 2);
        for (line, target) in lines.iter().zip(["garage", "azure"]) {
            let end = format!("--package storage-object --test {target} -- scan");
            assert!(line.ends_with(&end), "{line}");
        }
    }
}
