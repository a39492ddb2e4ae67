//! A directory tree: what is in it, how it is edited, and whether another is the same.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

/// The files below a directory.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// The length of each, by its path below the root.
    lengths: BTreeMap<PathBuf, u64>,
}

impl Tree {
    pub(super) fn of(root: &Path) -> Result<Self> {
        let mut lengths = BTreeMap::new();
        for entry in WalkDir::new(root) {
            let entry = entry.context("cannot list a directory")?;
            if entry.file_type().is_file() {
                let path = entry.path().strip_prefix(root)?.to_path_buf();
                lengths.insert(path, entry.metadata()?.len());
            }
        }
        Ok(Self {
            root: root.to_path_buf(),
            lengths,
        })
    }

    pub(super) fn files(&self) -> usize {
        self.lengths.len()
    }

    /// How long the files are, together.
    pub(super) fn bytes(&self) -> u64 {
        self.lengths.values().sum()
    }

    /// Inserts a line somewhere into `percent` of a hundred files, rounded up; answers into how
    /// many. A seed chooses the same files and the same places again.
    pub(super) fn edit(&self, percent: u8, seed: u64) -> Result<usize> {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = (self.files() * usize::from(percent)).div_ceil(100);
        let mut paths: Vec<_> = self.lengths.keys().collect();
        random.shuffle(&mut paths);
        for path in paths.iter().take(count) {
            let path = self.root.join(path);
            let mut content = read(&path)?;
            let at = random.usize(..=content.len());
            let line = format!("// edited: {:016x}\n", random.u64(..));
            content.splice(at..at, line.into_bytes());
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(count)
    }

    /// # Errors
    /// If the other tree has other files, or one of them differs in a byte.
    pub(super) fn ensure_same_as(&self, other: &Path) -> Result<()> {
        let others = Self::of(other)?;
        let paths = || self.lengths.keys();
        ensure!(
            paths().eq(others.lengths.keys()),
            "{} files went in, and {} or others came out",
            self.files(),
            others.files()
        );
        for path in paths() {
            ensure!(
                read(&self.root.join(path))? == read(&other.join(path))?,
                "{} came out changed",
                path.display()
            );
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What a directory takes of the disk, as `du` says; nothing if there is none.
pub(super) fn disk_bytes(directory: &Path) -> Result<u64> {
    const BLOCK_BYTES: u64 = 512;
    let mut blocks = 0;
    if !directory.exists() {
        return Ok(0);
    }
    for entry in WalkDir::new(directory) {
        blocks += entry.context("cannot list the store")?.metadata()?.blocks();
    }
    Ok(blocks * BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let tree = Tree::of(root.path()).unwrap();
        (root, tree)
    }

    #[test]
    fn a_tree_that_differs_in_a_name_or_a_byte_is_not_the_same() {
        let (_root, whole) = tree(&[("a/b", b"1"), ("c", b"")]);
        let same = |files: &[(&str, &[u8])]| whole.ensure_same_as(tree(files).0.path());
        same(&[("a/b", b"1"), ("c", b"")]).unwrap();
        assert!(same(&[("a/b", b"2"), ("c", b"")]).is_err());
        assert!(same(&[("a/b", b"1"), ("d", b"")]).is_err());
        assert!(same(&[("a/b", b"1")]).is_err());
    }

    #[test]
    fn the_same_seed_edits_the_same_files_in_the_same_way() {
        let names: Vec<_> = (0..50).map(|number| format!("{number:02}")).collect();
        let files: Vec<_> = names
            .iter()
            .map(|name| (&**name, &b"content"[..]))
            .collect();
        let [(left, of_left), (right, of_right)] = [tree(&files), tree(&files)];
        assert_eq!(of_left.edit(3, 7).unwrap(), 2);
        assert!(of_left.ensure_same_as(right.path()).is_err());
        of_right.edit(3, 7).unwrap();
        of_left.ensure_same_as(right.path()).unwrap();
        let edited = names
            .iter()
            .filter(|name| read(&left.path().join(name)).unwrap() != b"content");
        assert_eq!(edited.count(), 2);
    }
}
