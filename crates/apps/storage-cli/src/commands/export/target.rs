//! The directory that an export writes to, and never out of.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    mem,
    path::{Path, PathBuf},
};

use storage::durable;
use tempfile::{NamedTempFile, TempDir};

use super::{
    Existing,
    staged::{staged_file, staging_directory},
};
use crate::failure::{Failure, Result};

/// How many files are written before they are synced and named. A file system
/// that syncs one of them has then written most of the others.
const STAGED_FILES_MAX: usize = 128;

/// A directory whose files are written whole or not at all, also if power is
/// lost, and all of them once [`finish`](Target::finish) has answered.
#[derive(Debug)]
pub(super) struct Target {
    root: PathBuf,
    /// The last directory that was found to be a real one, or made, so that the
    /// files of one directory ask for it once.
    ready: PathBuf,
    /// Files without their names, and where they belong.
    staged: Vec<(NamedTempFile, PathBuf)>,
    /// Where they are for now. It comes after them, so that it goes after them.
    staging: TempDir,
    /// Directories whose names are not synced.
    changed: BTreeSet<PathBuf>,
}

impl Target {
    /// Refuses a root that is or lies in something else than a directory, or is
    /// in use, without making anything.
    pub(super) fn check(root: &Path, existing: Existing) -> Result<()> {
        let nearest = root
            .ancestors()
            .find(|path| path.symlink_metadata().is_ok());
        if let Some(nearest) = nearest
            && !nearest.is_dir()
        {
            return Err(
                Failure::usage(format!("{} is no directory", nearest.display())).remedy(
                    "name a directory; for JSON Lines, a file that ends in .jsonl, or --format jsonl",
                ),
            );
        }
        let is_used = fs::read_dir(root).is_ok_and(|mut within| within.next().is_some());
        if existing == Existing::Refuse && is_used {
            return Err(
                Failure::usage(format!("the directory {} is not empty", root.display()))
                    .remedy("name another, or add --force to replace files of the same name"),
            );
        }
        Ok(())
    }

    /// Prepares the directory at `root`, making it if need be.
    pub(super) fn prepare(root: &Path) -> Result<Self> {
        durable::create_directory(root).map_err(|error| failed(root, &error))?;
        let staging = staging_directory(root).map_err(|error| failed(root, &error))?;
        Ok(Self {
            root: root.to_owned(),
            ready: PathBuf::new(),
            staged: Vec::new(),
            staging,
            changed: BTreeSet::from([root.to_owned()]),
        })
    }

    /// Names the files that are left. All of them survive a loss of power now.
    pub(super) fn finish(mut self) -> Result<()> {
        self.name_staged()?;
        self.staging
            .close()
            .map_err(|error| failed(&self.root, &error))?;
        sync_directory(&self.root)?;
        let root = self.root.canonicalize();
        let parent = root.as_deref().ok().and_then(Path::parent);
        parent.map_or(Ok(()), sync_directory)
    }

    /// Writes one file. Where there is one already, it is replaced as a whole.
    pub(super) fn write_file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.make_directory(parent)?;
        }
        let path = self.root.join(path);
        let staged = self.stage(bytes).map_err(|error| failed(&path, &error))?;
        self.staged.push((staged, path));
        if self.staged.len() >= STAGED_FILES_MAX {
            self.name_staged()?;
        }
        Ok(())
    }

    /// Makes one directory and those above it.
    ///
    /// # Errors
    /// If one of them is there and is something else, such as a symbolic link,
    /// which might lead out of the target.
    pub(super) fn make_directory(&mut self, path: &Path) -> Result<()> {
        if path == self.ready {
            return Ok(());
        }
        let mut directory = self.root.clone();
        for name in path {
            let parent = directory.clone();
            directory.push(name);
            match fs::symlink_metadata(&directory) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => {
                    return Err(in_the_way(&directory, "a directory"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&directory).map_err(|error| failed(&directory, &error))?;
                    self.changed.insert(parent);
                }
                Err(error) => return Err(failed(&directory, &error)),
            }
        }
        path.clone_into(&mut self.ready);
        Ok(())
    }

    fn stage(&self, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = staged_file(self.staging.path())?;
        file.as_file_mut().write_all(bytes)?;
        Ok(file)
    }

    /// Makes the staged files survive a loss of power, then gives them their
    /// names, then makes the names survive it.
    fn name_staged(&mut self) -> Result<()> {
        for (file, path) in &self.staged {
            let synced = file.as_file().sync_all();
            synced.map_err(|error| failed(path, &error))?;
        }
        for (file, path) in mem::take(&mut self.staged) {
            file.persist(&path)
                .map_err(|error| match error.error.kind() {
                    io::ErrorKind::IsADirectory => in_the_way(&path, "a file"),
                    _ => failed(&path, &error.error),
                })?;
            self.changed.extend(path.parent().map(Path::to_owned));
        }
        mem::take(&mut self.changed)
            .iter()
            .try_for_each(|directory| sync_directory(directory))
    }
}

/// Makes the names in a directory survive a loss of power.
fn sync_directory(path: &Path) -> Result<()> {
    durable::sync_directory(path).map_err(|error| failed(path, &error))
}

fn in_the_way(path: &Path, needed: &str) -> Failure {
    Failure::usage(format!(
        "{} is in the way: the export needs {needed} there",
        path.display()
    ))
    .remedy("remove it, or export to an empty directory")
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("write {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(root).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_export_staged_is_in_one_place_and_removed_by_the_next() {
        let place = tempfile::tempdir().unwrap();
        let mut killed = Target::prepare(place.path()).unwrap();
        for name in ["a", "b", "c/d"] {
            killed.write_file(Path::new(name), b"1").unwrap();
        }
        // Whoever is killed tidies nothing up.
        mem::forget(killed);
        assert_eq!(
            names(place.path()).len(),
            2,
            "the directories c and staging"
        );

        let mut next = Target::prepare(place.path()).unwrap();
        assert_eq!(names(next.staging.path()), [""; 0].map(PathBuf::from));
        next.write_file(Path::new("a"), b"2").unwrap();
        next.finish().unwrap();
        assert_eq!(names(place.path()), ["a", "c"].map(PathBuf::from));
    }

    #[test]
    fn an_export_that_fails_leaves_nothing_staged() {
        let place = tempfile::tempdir().unwrap();
        let mut target = Target::prepare(place.path()).unwrap();
        target.write_file(Path::new("a"), b"1").unwrap();
        drop(target);
        assert_eq!(names(place.path()), [""; 0].map(PathBuf::from));
    }
}
