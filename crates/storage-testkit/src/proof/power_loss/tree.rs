//! A directory and all below it, as a disk holds it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt, symlink},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    unistd::{Whence, lseek},
};

use super::{
    content::{Content, PAGE_BYTES},
    event::{Kind, Name, NodeId},
};

/// Files and directories and their names. What no name leads to is not seen.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) root: NodeId,
    nodes: BTreeMap<NodeId, Node>,
}

#[derive(Clone, Debug)]
enum Node {
    File(Content),
    Directory(BTreeMap<OsString, NodeId>),
    Symlink(PathBuf),
}

/// How the operating system identifies a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }
}

impl Tree {
    /// Reads the directory at `path`, and says which inode became which node.
    pub(super) fn load(path: &Path) -> io::Result<(Self, BTreeMap<Inode, NodeId>)> {
        let mut tree = Self {
            root: NodeId(0),
            nodes: BTreeMap::new(),
        };
        let mut inodes = BTreeMap::new();
        tree.root = tree.load_node(path, &mut inodes)?;
        Ok((tree, inodes))
    }

    fn load_node(
        &mut self,
        path: &Path,
        inodes: &mut BTreeMap<Inode, NodeId>,
    ) -> io::Result<NodeId> {
        let metadata = path.symlink_metadata()?;
        let inode = Inode::of(&metadata);
        if let Some(known) = inodes.get(&inode) {
            return Ok(*known);
        }
        let id = NodeId(u64::try_from(inodes.len()).unwrap_or(u64::MAX));
        inodes.insert(inode, id);
        let node = if metadata.is_dir() {
            let mut entries = BTreeMap::new();
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                entries.insert(entry.file_name(), self.load_node(&entry.path(), inodes)?);
            }
            Node::Directory(entries)
        } else if metadata.is_symlink() {
            Node::Symlink(fs::read_link(path)?)
        } else if metadata.is_file() {
            Node::File(read_content(&File::open(path)?)?)
        } else {
            return Err(io::Error::other(format!(
                "{} is neither a file nor a directory; a store of such files cannot be recorded",
                path.display()
            )));
        };
        self.nodes.insert(id, node);
        Ok(id)
    }

    /// Writes what the names lead to into `path`, an empty directory.
    pub(super) fn write_to(&self, path: &Path) -> io::Result<()> {
        self.write_entries(self.root, path, &mut BTreeMap::new())
    }

    fn write_entries(
        &self,
        directory: NodeId,
        path: &Path,
        written: &mut BTreeMap<NodeId, PathBuf>,
    ) -> io::Result<()> {
        let Some(Node::Directory(entries)) = self.nodes.get(&directory) else {
            return Ok(());
        };
        for (name, id) in entries {
            let path = path.join(name);
            match self.nodes.get(id) {
                Some(Node::Directory(_)) => {
                    fs::create_dir(&path)?;
                    self.write_entries(*id, &path, written)?;
                }
                Some(Node::Symlink(target)) => symlink(target, &path)?,
                Some(Node::File(content)) => {
                    if let Some(first) = written.get(id) {
                        fs::hard_link(first, &path)?;
                    } else {
                        write_content(content, &path)?;
                        written.insert(*id, path);
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Adds something new, without a name yet.
    pub(super) fn add(&mut self, node: NodeId, kind: &Kind) {
        self.nodes.entry(node).or_insert_with(|| match kind {
            Kind::File => Node::File(Content::default()),
            Kind::Directory => Node::Directory(BTreeMap::new()),
            Kind::Symlink(target) => Node::Symlink(target.clone()),
        });
    }

    /// The content of a file; a file is made if there is none.
    pub(super) fn content(&mut self, node: NodeId) -> Option<&mut Content> {
        let file = self
            .nodes
            .entry(node)
            .or_insert_with(|| Node::File(Content::default()));
        match file {
            Node::File(content) => Some(content),
            Node::Directory(_) | Node::Symlink(_) => None,
        }
    }

    /// Makes a name stand for a node, or for nothing.
    pub(super) fn set(&mut self, name: &Name, node: Option<NodeId>) {
        let Some(Node::Directory(entries)) = self.nodes.get_mut(&name.directory) else {
            return;
        };
        match node {
            Some(node) => entries.insert(name.name.clone(), node),
            None => entries.remove(&name.name),
        };
    }

    /// What is reachable, by path, in words that two trees can be compared by.
    pub(super) fn differences(&self, other: &Self, ignored: impl Fn(&Path) -> bool) -> Vec<String> {
        let (ours, theirs) = (self.paths(), other.paths());
        let paths: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        paths
            .into_iter()
            .filter(|path| !ignored(path))
            .filter_map(|path| match (ours.get(path), theirs.get(path)) {
                (Some(ours), Some(theirs)) => {
                    let is_same = match (ours, theirs) {
                        (Node::File(ours), Node::File(theirs)) => ours == theirs,
                        (Node::Symlink(ours), Node::Symlink(theirs)) => ours == theirs,
                        (Node::Directory(_), Node::Directory(_)) => true,
                        _ => false,
                    };
                    (!is_same).then(|| format!("{} differs", path.display()))
                }
                (Some(_), None) => Some(format!("{} is missing", path.display())),
                (None, _) => Some(format!("{} was not there", path.display())),
            })
            .collect()
    }

    /// The path of each node that a name leads to, for people.
    pub(super) fn paths_of_nodes(&self) -> BTreeMap<NodeId, PathBuf> {
        let mut paths = BTreeMap::new();
        self.walk(self.root, Path::new(""), &mut |path, id, _| {
            paths.insert(id, path.to_owned());
        });
        paths
    }

    fn paths(&self) -> BTreeMap<PathBuf, &Node> {
        let mut paths = BTreeMap::new();
        self.walk(self.root, Path::new(""), &mut |path, _, node| {
            paths.insert(path.to_owned(), node);
        });
        paths
    }

    fn walk<'a>(
        &'a self,
        directory: NodeId,
        path: &Path,
        visit: &mut impl FnMut(&Path, NodeId, &'a Node),
    ) {
        let Some(Node::Directory(entries)) = self.nodes.get(&directory) else {
            return;
        };
        for (name, id) in entries {
            let path = path.join(name);
            if let Some(node) = self.nodes.get(id) {
                visit(&path, *id, node);
            }
            self.walk(*id, &path, visit);
        }
    }
}

/// Reads a file without its holes.
fn read_content(file: &File) -> io::Result<Content> {
    let size = file.metadata()?.len();
    let mut content = Content::default();
    content.extend(size);
    let mut offset = 0;
    while let Some(start) = seek(file, offset, Whence::SeekData)? {
        let end = seek(file, start, Whence::SeekHole)?.unwrap_or(size);
        offset = start;
        while offset < end {
            let mut page = [0; 4096];
            let count = file.read_at(&mut page, offset)?;
            let bytes = page.get(..count).unwrap_or_default();
            if count == 0 {
                return Ok(content);
            }
            if bytes.iter().any(|byte| *byte != 0) {
                content.put(offset, bytes);
            }
            offset = offset.saturating_add(u64::try_from(count).unwrap_or(PAGE_BYTES));
        }
    }
    Ok(content)
}

fn seek(file: &File, offset: u64, whence: Whence) -> io::Result<Option<u64>> {
    match lseek(file, offset.cast_signed(), whence) {
        Ok(found) => Ok(Some(found.cast_unsigned())),
        Err(Errno::ENXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes a file with its holes.
fn write_content(content: &Content, path: &Path) -> io::Result<()> {
    let file = File::create_new(path)?;
    file.set_len(content.size())?;
    for (offset, bytes) in content.runs() {
        file.write_all_at(bytes, offset)?;
    }
    Ok(())
}
