//! The files of a store, seen from outside.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

use crate::{CaseResult, Failure};

/// Everything in a directory, by its path below it. Two trees are equal if no
/// file differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<PathBuf, Node>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File { length: u64, hash: blake3::Hash },
}

impl Tree {
    /// What there is at `root`, which may also be a file, or nothing.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut nodes = BTreeMap::new();
        if fs::symlink_metadata(root).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(Self(nodes));
        }
        for path in all_below(root)? {
            let node = match fs::metadata(&path)? {
                found if found.is_dir() => Node::Directory,
                found => {
                    let mut hasher = blake3::Hasher::new();
                    hasher.update_reader(fs::File::open(&path)?)?;
                    Node::File {
                        length: found.len(),
                        hash: hasher.finalize(),
                    }
                }
            };
            let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
            nodes.insert(name, node);
        }
        Ok(Self(nodes))
    }
}

/// All files and directories of a tree, its root first, in order.
pub(super) fn all_below(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = vec![root.to_owned()];
    if root.is_dir() {
        for entry in fs::read_dir(root)? {
            all.append(&mut all_below(&entry?.path())?);
        }
    }
    all.sort();
    Ok(all)
}

/// All files of a tree.
pub(super) fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = all_below(root)?;
    all.retain(|path| !path.is_dir());
    Ok(all)
}

/// Copies a directory with all that is in it. What was at `to` is gone.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    for path in all_below(from)? {
        let target = to.join(path.strip_prefix(from).unwrap_or(&path));
        if path.is_dir() {
            fs::create_dir_all(target)?;
        } else {
            fs::copy(path, target)?;
        }
    }
    Ok(())
}

/// Copies a directory that is in use, as it is while nothing in it changes.
pub(super) async fn copy_at_rest(from: &Path, to: &Path) -> CaseResult {
    const TRIES: usize = 50;
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..TRIES {
        // A file that is there and gone again is a change like any other.
        let copied = Tree::of(from).and_then(|before| {
            copy(from, to)?;
            Ok(Tree::of(from)? == before)
        });
        match copied {
            Ok(true) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => sleep(PAUSE).await,
        }
    }
    Err(Failure::new(format!(
        "the files of a store that has nothing to do change all the time, in {TRIES} looks at them"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_equal_until_anything_changes() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("empty")).unwrap();
        fs::write(from.join("file"), "content").unwrap();
        let whole = Tree::of(&from).unwrap();
        for change in [
            |to: &Path| fs::remove_dir(to.join("empty")),
            |to: &Path| fs::write(to.join("file"), "Content"),
            |to: &Path| fs::write(to.join("empty/file"), ""),
        ] {
            copy(&from, &to).unwrap();
            assert_eq!(Tree::of(&to).unwrap(), whole);
            change(&to).unwrap();
            assert_ne!(Tree::of(&to).unwrap(), whole);
        }
    }
}
