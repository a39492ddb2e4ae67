//! The workspace as data: its crates, what they depend on, and their files.
//!
//! Everything is read once, up front, so that each rule of [`tidy`](crate::tidy) is a function of
//! plain values.

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use walkdir::{DirEntry, WalkDir};

pub(crate) use self::source::{Source, lines_of};

/// The crates of the workspace, as they are on the disk.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// The members, sorted by folder.
    pub(crate) crates: Vec<Crate>,
}

/// One member of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// The name of the package.
    pub(crate) name: String,
    /// The folder below the root of the workspace, separated by `/`.
    pub(crate) folder: String,
    /// What the manifest says the crate is.
    pub(crate) description: String,
    /// The text of the manifest.
    pub(crate) manifest: String,
    /// The features by name, the ones that optional dependencies imply included.
    pub(crate) features: Vec<String>,
    /// The dependencies that are crates of this workspace.
    pub(crate) dependencies: Vec<Dependency>,
    /// Every file of the crate, below the crate's folder.
    pub(crate) files: Vec<String>,
    /// The files that are Rust.
    pub(crate) sources: Vec<Source>,
}

/// A dependency on another crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// The name of the package depended on.
    pub(crate) name: String,
    /// What it is needed for.
    pub(crate) purpose: Purpose,
}

/// What a dependency is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To build the crate.
    Build,
    /// Only for its tests, examples and benchmarks.
    Test,
}

impl Workspace {
    /// Reads the workspace that the current directory is in.
    pub(crate) fn load() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cannot read the workspace")?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let mut crates = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Crate::load(&metadata, &root, package))
            .collect::<Result<Vec<_>>>()?;
        crates.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(Self { root, crates })
    }
}

impl Crate {
    /// The sources that are part of the crate itself, not of its tests or examples.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &Source> {
        let below = format!("{}/src/", self.folder);
        self.sources
            .iter()
            .filter(move |source| source.path().starts_with(&below))
    }

    /// Where the manifest is, below the root of the workspace.
    pub(crate) fn manifest_path(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    fn load(metadata: &Metadata, root: &Path, package: &Package) -> Result<Self> {
        let manifest_path = package.manifest_path.as_std_path();
        let folder = manifest_path
            .parent()
            .context("a manifest is in a folder")?;
        let below = |start: &Path, path: &Path| -> Result<String> {
            let path = path
                .strip_prefix(start)
                .context("a crate outside of the workspace")?;
            Ok(path
                .to_str()
                .context("a path that is not UTF-8")?
                .replace('\\', "/"))
        };
        let mut loaded = Self {
            name: package.name.to_string(),
            folder: below(root, folder)?,
            description: package.description.clone().unwrap_or_default(),
            manifest: read(manifest_path)?,
            features: package.features.keys().cloned().collect(),
            dependencies: workspace_dependencies(metadata, package),
            ..Self::default()
        };
        for entry in WalkDir::new(folder)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(belongs_to_crate)
        {
            let entry = entry.context("cannot list the files of a crate")?;
            if !entry.file_type().is_file() {
                continue;
            }
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs")
            {
                loaded.sources.push(Source::parse(
                    below(root, entry.path())?,
                    read(entry.path())?,
                ));
            }
            loaded.files.push(below(folder, entry.path())?);
        }
        Ok(loaded)
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A crate's files end where another crate, a build folder or a hidden folder begins.
fn belongs_to_crate(entry: &DirEntry) -> bool {
    let is_other_crate = || entry.path().join("Cargo.toml").exists();
    let name = entry.file_name().to_string_lossy();
    entry.depth() == 0
        || !entry.file_type().is_dir()
        || !(name.starts_with('.') || name == "target" || is_other_crate())
}

fn workspace_dependencies(metadata: &Metadata, package: &Package) -> Vec<Dependency> {
    let members = metadata.workspace_packages();
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some())
        .filter(|dependency| members.iter().any(|member| *member.name == dependency.name))
        .map(|dependency| Dependency {
            name: dependency.name.clone(),
            purpose: match dependency.kind {
                DependencyKind::Development => Purpose::Test,
                _ => Purpose::Build,
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_crate_is_loaded_with_its_files_and_without_workspace_dependencies() {
        let workspace = Workspace::load().unwrap();

        let xtask = workspace
            .crates
            .iter()
            .find(|member| member.name == "xtask")
            .unwrap();
        assert_eq!(xtask.folder, "xtask");
        assert!(xtask.files.contains(&"src/main.rs".to_owned()));
        assert!(
            xtask
                .modules()
                .any(|source| source.path() == "xtask/src/workspace/mod.rs")
        );
        assert!(xtask.dependencies.is_empty());
    }
}
