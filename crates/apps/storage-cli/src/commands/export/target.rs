//! The directory that an export writes to, and never out of.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Existing, staged::staged_file};
use crate::failure::{Failure, Result};

/// A directory whose files are written whole or not at all.
#[derive(Debug)]
pub(super) struct Target {
    root: PathBuf,
    /// The last directory that was found to be a real one, or made, so that the
    /// files of one directory ask for it once.
    ready: PathBuf,
}

impl Target {
    /// Prepares the directory at `root`, making it if need be.
    pub(super) fn prepare(root: &Path, existing: Existing) -> Result<Self> {
        fs::create_dir_all(root).map_err(|error| failed(root, &error))?;
        let mut within = fs::read_dir(root).map_err(|error| failed(root, &error))?;
        if existing == Existing::Refuse && within.next().is_some() {
            return Err(
                Failure::usage(format!("the directory {} is not empty", root.display()))
                    .remedy("name another, or add --force to replace files of the same name"),
            );
        }
        Ok(Self {
            root: root.to_owned(),
            ready: PathBuf::new(),
        })
    }

    /// Writes one file. Where there is one already, it is replaced as a whole.
    pub(super) fn write_file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.make_directory(parent)?;
        }
        let path = self.root.join(path);
        self.place(&path, bytes)
            .map_err(|error| failed(&path, &error))
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
            directory.push(name);
            match fs::symlink_metadata(&directory) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => {
                    return Err(Failure::usage(format!(
                        "{} is in the way: the export needs a directory there",
                        directory.display()
                    ))
                    .remedy("remove it, or export to an empty directory"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&directory).map_err(|error| failed(&directory, &error))?;
                }
                Err(error) => return Err(failed(&directory, &error)),
            }
        }
        path.clone_into(&mut self.ready);
        Ok(())
    }

    fn place(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = staged_file(&self.root)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("write {}", path.display()), error)
}
