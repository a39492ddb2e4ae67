//! The steps of `cargo xtask ci`, in order.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::tidy::{self, TidyArgs};
use crate::tool;
use crate::workspace::Workspace;

/// Something to check.
#[derive(Debug)]
pub(super) struct Step {
    name: String,
    work: Work,
}

#[derive(Debug)]
enum Work {
    /// The parts of the toolchain that other steps use are there.
    Components,
    /// `Cargo.lock` says what the manifests need.
    Lock,
    /// The rules of the house.
    Tidy,
    /// A cargo command with these arguments and, for some, an environment variable.
    Cargo {
        arguments: Vec<String>,
        variable: Option<(&'static str, &'static str)>,
    },
}

impl Step {
    fn new(name: impl Into<String>, work: Work) -> Self {
        Self {
            name: name.into(),
            work,
        }
    }

    fn cargo(name: impl Into<String>, arguments: &str) -> Self {
        let arguments = arguments.split(' ').map(str::to_owned).collect();
        Self::new(
            name,
            Work::Cargo {
                arguments,
                variable: None,
            },
        )
    }

    /// What the step is called in the summary.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Does the step's work to its end.
    pub(super) fn run(&self) -> Result<()> {
        match &self.work {
            Work::Components => install_components(),
            Work::Lock => tool::run(
                tool::cargo()
                    .args(["tree", "--workspace", "--locked"])
                    .stdout(Stdio::null()),
            ),
            Work::Tidy => tidy::run(&TidyArgs::default()),
            Work::Cargo {
                arguments,
                variable,
            } => {
                let mut command = tool::cargo();
                tool::run(command.args(arguments).envs(*variable))
            }
        }
    }
}

/// Every step for this workspace.
pub(super) fn all(workspace: &Workspace) -> Vec<Step> {
    let mut steps = vec![
        Step::new("components", Work::Components),
        Step::new("lock", Work::Lock),
        Step::cargo("fmt", "fmt --all --check"),
        Step::new("tidy", Work::Tidy),
        Step::cargo(
            "clippy",
            "clippy --workspace --all-targets --all-features -- -D warnings",
        ),
    ];
    steps.extend(feature_steps(workspace));
    steps.push(Step::new(
        "docs",
        Work::Cargo {
            arguments: ["doc", "--workspace", "--no-deps", "--all-features"]
                .map(str::to_owned)
                .into(),
            variable: Some(("RUSTDOCFLAGS", "-D warnings")),
        },
    ));
    steps
}

/// Each crate with features builds without any and with each one alone.
///
/// Clippy rather than `check`, because it can refuse warnings without rebuilding every dependency:
/// an import that only another feature uses is how a feature that does not stand alone shows first.
fn feature_steps(workspace: &Workspace) -> Vec<Step> {
    let mut steps = Vec::new();
    for member in workspace
        .crates
        .iter()
        .filter(|member| !member.features.is_empty())
    {
        let name = &member.name;
        let none = format!("clippy -p {name} --no-deps --no-default-features -- -D warnings");
        steps.push(Step::cargo(format!("{name} without features"), &none));
        for feature in &member.features {
            let alone = format!(
                "clippy -p {name} --no-deps --no-default-features --features {feature} -- -D warnings"
            );
            steps.push(Step::cargo(format!("{name} with {feature}"), &alone));
        }
    }
    steps
}

/// Adds the formatter and the linter to the toolchain if they are missing.
fn install_components() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !tool::succeeds(tool::cargo().args([subcommand, "--version"])) {
            let mut rustup = Command::new("rustup");
            tool::run(rustup.args(["component", "add", component])).with_context(|| {
                format!(
                    "`cargo {subcommand}` is missing: install it with \
                     `rustup component add {component}`"
                )
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Crate;

    #[test]
    fn a_crate_is_built_without_features_and_with_each_one_alone() {
        let member = |name: &str, features: &[&str]| Crate {
            name: name.to_owned(),
            features: features
                .iter()
                .map(|feature| (*feature).to_owned())
                .collect(),
            ..Crate::default()
        };
        let workspace = Workspace {
            root: "/".into(),
            crates: vec![
                member("plain", &[]),
                member("storage", &["default", "fjall"]),
            ],
        };

        let steps = feature_steps(&workspace);

        let names: Vec<_> = steps.iter().map(Step::name).collect();
        assert_eq!(
            names,
            [
                "storage without features",
                "storage with default",
                "storage with fjall"
            ]
        );
    }

    #[test]
    fn a_step_whose_command_fails_is_an_error() {
        let step = Step::cargo("nonsense", "no-such-subcommand");

        assert!(step.run().is_err());
    }
}
