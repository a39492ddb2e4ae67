//! The store's own files, which no command may take for data or write over.

use std::path::{Component, Path, PathBuf, absolute};

use storage::StoreUrl;

use crate::failure::{Failure, Result};

/// Where a store keeps its files, if it does.
#[derive(Debug)]
pub(crate) struct OwnFiles {
    location: Option<PathBuf>,
}

impl OwnFiles {
    /// Those of the store at `url`, which need not be there yet.
    pub(crate) fn of(url: &StoreUrl) -> Self {
        Self {
            location: url.directory().map(resolved),
        }
    }

    /// Refuses a source that they are in, or that is among them: it would change
    /// while it is read.
    pub(crate) fn refuse_in_source(&self, root: &Path) -> Result<()> {
        if self.hold(&resolved(root)) {
            return Err(Failure::usage(format!(
                "{} is in the directory of the store itself",
                root.display()
            ))
            .remedy("name a directory or a file elsewhere; to copy a store, use `storage copy`"));
        }
        match &self.location {
            Some(location) if location.starts_with(resolved(root)) => Err(Failure::usage(format!(
                "the store itself is in the tree, at {}",
                location.display()
            ))
            .remedy("name a directory that does not hold the store, or keep the store elsewhere")),
            _ => Ok(()),
        }
    }

    /// Refuses a place to write to that is among them.
    pub(crate) fn refuse_as_target(&self, target: &Path) -> Result<()> {
        if !self.hold(&resolved(target)) {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} is in the directory of the store itself",
            target.display()
        ))
        .remedy("name another place; what is written there would damage the store"))
    }

    /// Whether a resolved path is where they are.
    pub(crate) fn are_at(&self, path: &Path) -> bool {
        self.location.as_deref() == Some(path)
    }

    /// Whether a resolved path is among them.
    pub(crate) fn hold(&self, path: &Path) -> bool {
        self.location
            .as_ref()
            .is_some_and(|location| path.starts_with(location))
    }
}

/// Where a path leads, though its end may not be there yet.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = path
        .ancestors()
        .find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let Some((ancestor, mut resolved)) = there else {
        return path;
    };
    // What is not there cannot be a symbolic link, so `..` is what it says.
    for part in path
        .strip_prefix(ancestor)
        .unwrap_or(Path::new(""))
        .components()
    {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            part => resolved.push(part),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_among_the_files_however_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("store");
        std::fs::create_dir(&store).unwrap();
        std::os::unix::fs::symlink("store", directory.path().join("link")).unwrap();
        let url = format!("fjall:{}", store.display());
        let own = OwnFiles::of(&url.parse().unwrap());
        for inside in [
            "store",
            "store/new/er",
            "link",
            "new/../store",
            "link/../store/x",
        ] {
            let target = directory.path().join(inside);
            assert!(own.refuse_as_target(&target).is_err(), "{inside}");
        }
        for outside in ["", "stores", "new", "store/../new"] {
            let target = directory.path().join(outside);
            assert!(own.refuse_as_target(&target).is_ok(), "{outside}");
        }
        assert!(own.refuse_in_source(directory.path()).is_err());
        assert!(own.refuse_in_source(&store.join("data")).is_err());
        assert!(own.refuse_in_source(&directory.path().join("new")).is_ok());
    }

    #[test]
    fn a_store_in_memory_has_no_files() {
        let own = OwnFiles::of(&StoreUrl::Memory);
        assert!(own.refuse_as_target(Path::new("memory")).is_ok());
        assert!(own.refuse_in_source(Path::new("/")).is_ok());
    }
}
