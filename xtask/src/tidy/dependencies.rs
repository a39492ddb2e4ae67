//! The path of a crate says what it may depend on.
//!
//! Only dependencies within the workspace are judged: shared code moves down into `storage-core`,
//! never sideways.

use super::finding::Finding;
use crate::workspace::{Crate, Dependency, Purpose, Workspace};

/// Where a crate stands among the others, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    Core,
    Testkit,
    /// A backend, layer, model, or part of recovery or cluster.
    Part,
    Facade,
    App,
    /// A benchmark or example at the root.
    Harness,
    Xtask,
}

impl Tier {
    fn of(folder: &str) -> Option<Self> {
        let parts: Vec<_> = folder.split('/').collect();
        match parts.as_slice() {
            ["crates", "storage-core"] => Some(Self::Core),
            ["crates", "storage-testkit"] => Some(Self::Testkit),
            ["crates", "storage"] => Some(Self::Facade),
            [
                "crates",
                "backends" | "layers" | "models" | "recovery" | "cluster",
                _,
            ] => Some(Self::Part),
            ["crates", "apps", _] => Some(Self::App),
            ["benches" | "examples", ..] => Some(Self::Harness),
            ["xtask"] => Some(Self::Xtask),
            _ => None,
        }
    }

    /// What a crate of this tier may depend on.
    fn may_use(self, purpose: Purpose) -> &'static [Self] {
        use Tier::{Core, Facade, Part, Testkit};
        match (self, purpose) {
            (Self::Core, Purpose::Build) | (Self::Xtask, _) => &[],
            (Self::Core, Purpose::Test) => &[Testkit],
            (Self::Testkit, _) | (Self::Part, Purpose::Build) => &[Core],
            (Self::Part, Purpose::Test) => &[Core, Testkit],
            (Self::Facade, _) => &[Core, Testkit, Part],
            (Self::App, Purpose::Build) => &[Facade],
            (Self::App, Purpose::Test) | (Self::Harness, _) => &[Facade, Testkit],
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Core => {
                "storage-core depends on no crate of the workspace; \
                 its tests may use storage-testkit"
            }
            Self::Testkit => "storage-testkit depends on storage-core only",
            Self::Part => {
                "backends, layers, models, recovery and cluster depend on storage-core only; \
                 their tests may use storage-testkit too"
            }
            Self::Facade => "the facade depends on anything but apps, harnesses and xtask",
            Self::App => {
                "apps depend on the facade `storage` only; their tests may use storage-testkit too"
            }
            Self::Harness => {
                "benches and examples depend on the facade `storage` and storage-testkit only"
            }
            Self::Xtask => "xtask depends on no crate of the workspace",
        }
    }
}

/// Finds dependencies that the path of a crate does not allow, and paths that say nothing.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let crates = workspace.crates.iter();
    crates
        .flat_map(|member| {
            let complaints = complaints(workspace, member).into_iter();
            complaints.map(|complaint| Finding::in_file(member.manifest_path(), complaint))
        })
        .collect()
}

fn complaints(workspace: &Workspace, member: &Crate) -> Vec<String> {
    let Crate { name, folder, .. } = member;
    let Some(tier) = Tier::of(folder) else {
        return vec![format!("no dependency rule knows a crate in `{folder}`")];
    };
    let dependencies = member.dependencies.iter();
    dependencies
        .filter(|dependency| !is_allowed(workspace, tier, dependency))
        .map(
            |Dependency {
                 name: target,
                 purpose,
             }| {
                let depends = match purpose {
                    Purpose::Build => "depends",
                    Purpose::Test => "depends for its tests",
                };
                format!("{name} {depends} on {target}, but {}", tier.rule())
            },
        )
        .collect()
}

fn is_allowed(workspace: &Workspace, tier: Tier, dependency: &Dependency) -> bool {
    workspace
        .crates
        .iter()
        .find(|member| member.name == dependency.name)
        .and_then(|member| Tier::of(&member.folder))
        .is_some_and(|target| tier.may_use(dependency.purpose).contains(&target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{printed, workspace};

    const FOLDERS: &[&str] = &[
        "crates/storage",
        "crates/storage-core",
        "crates/storage-testkit",
        "crates/backends/storage-fjall",
        "crates/backends/storage-pg",
        "crates/layers/storage-cache",
        "crates/apps/storage-cli",
        "benches",
        "xtask",
    ];

    /// What is found when the crate in `folder` depends on one other crate.
    fn found(folder: &str, name: &str, purpose: Purpose) -> Vec<String> {
        let crates = FOLDERS.iter().map(|member| Crate {
            name: member.rsplit('/').next().unwrap().to_owned(),
            folder: (*member).to_owned(),
            dependencies: if *member == folder {
                vec![Dependency {
                    name: name.to_owned(),
                    purpose,
                }]
            } else {
                vec![]
            },
            ..Crate::default()
        });
        printed(&check(&workspace(crates)))
    }

    #[test]
    fn a_backend_that_depends_on_another_backend_is_reported() {
        assert_eq!(
            found(
                "crates/backends/storage-fjall",
                "storage-pg",
                Purpose::Build
            ),
            [
                "crates/backends/storage-fjall/Cargo.toml: storage-fjall depends on storage-pg, but backends, layers, \
              models, recovery and cluster depend on storage-core only; their tests may use storage-testkit too"
            ]
        );
    }

    #[test]
    fn a_layer_that_depends_on_a_backend_for_its_tests_is_reported() {
        assert_eq!(
            found(
                "crates/layers/storage-cache",
                "storage-fjall",
                Purpose::Test
            )
            .len(),
            1
        );
    }

    #[test]
    fn a_backend_may_use_the_testkit_for_its_tests_only() {
        let folder = "crates/backends/storage-fjall";

        assert!(found(folder, "storage-testkit", Purpose::Test).is_empty());
        assert_eq!(found(folder, "storage-testkit", Purpose::Build).len(), 1);
    }

    #[test]
    fn core_depends_on_nobody_but_the_testkit_for_its_tests() {
        let folder = "crates/storage-core";

        assert!(found(folder, "storage-testkit", Purpose::Test).is_empty());
        for name in [
            "storage",
            "storage-testkit",
            "storage-fjall",
            "storage-cache",
            "xtask",
        ] {
            assert_eq!(found(folder, name, Purpose::Build).len(), 1, "{name}");
        }
    }

    #[test]
    fn the_testkit_depends_on_core_only() {
        let folder = "crates/storage-testkit";

        assert!(found(folder, "storage-core", Purpose::Build).is_empty());
        assert_eq!(found(folder, "storage-fjall", Purpose::Test).len(), 1);
    }

    #[test]
    fn an_app_knows_the_facade_only() {
        let folder = "crates/apps/storage-cli";

        assert!(found(folder, "storage", Purpose::Build).is_empty());
        assert!(found(folder, "storage-testkit", Purpose::Test).is_empty());
        assert_eq!(found(folder, "storage-core", Purpose::Build).len(), 1);
        assert_eq!(found(folder, "storage-testkit", Purpose::Build).len(), 1);
    }

    #[test]
    fn the_facade_knows_every_part_but_no_app() {
        for name in ["storage-core", "storage-fjall", "storage-cache"] {
            assert!(
                found("crates/storage", name, Purpose::Build).is_empty(),
                "{name}"
            );
        }
        for name in ["storage-cli", "xtask"] {
            assert_eq!(
                found("crates/storage", name, Purpose::Build).len(),
                1,
                "{name}"
            );
        }
    }

    #[test]
    fn benches_use_the_facade_and_the_testkit() {
        assert!(found("benches", "storage", Purpose::Build).is_empty());
        assert!(found("benches", "storage-testkit", Purpose::Build).is_empty());
        assert_eq!(found("benches", "storage-fjall", Purpose::Build).len(), 1);
    }

    #[test]
    fn xtask_depends_on_no_crate_of_the_workspace() {
        assert_eq!(found("xtask", "storage-core", Purpose::Test).len(), 1);
    }

    #[test]
    fn a_crate_where_no_rule_reaches_is_reported() {
        let stray = Crate {
            folder: "crates/stray".to_owned(),
            ..Crate::default()
        };

        assert_eq!(
            printed(&check(&workspace([stray]))),
            ["crates/stray/Cargo.toml: no dependency rule knows a crate in `crates/stray`"]
        );
    }
}
