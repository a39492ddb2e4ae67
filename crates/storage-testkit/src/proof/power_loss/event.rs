//! What a recording holds: what the store asked of the file system, in order.

use std::{ffi::OsString, ops::Range, path::PathBuf};

/// A file or directory, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(pub(super) u64);

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) directory: NodeId,
    pub(super) name: OsString,
}

/// Something that happened, at the place in the order at which it counts.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// What the recorded process wrote on its standard output, when it began to
    /// write it.
    Mark(Vec<u8>),
    /// An operation, when it was seen to have ended.
    Operation(FileOperation),
    /// A sync began. It covers the operations before it.
    SyncBegins { sync: usize, scope: Scope },
    /// The sync ended: what it covers is durable.
    SyncEnds { sync: usize },
}

/// What a sync makes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The content of a file, or the entries of a directory.
    Node(NodeId),
    /// One operation, of the event with this index: a write through a
    /// descriptor opened with `O_SYNC` or `O_DSYNC`.
    Event(usize),
    /// Everything.
    All,
}

/// A change of files or directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileOperation {
    /// A write, which may make the file longer.
    Write {
        node: NodeId,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// A new size: a truncation, or room that was allocated.
    Resize { node: NodeId, size: u64 },
    /// A range was turned into zeros.
    Zero { node: NodeId, range: Range<u64> },
    /// A new file without a name. It is there from now on, whatever is lost;
    /// nobody sees it until it gets a name.
    CreateNameless { node: NodeId },
    /// A name for something new.
    Create {
        name: Name,
        node: NodeId,
        kind: Kind,
    },
    /// One more name for something old.
    Link { name: Name, node: NodeId },
    /// A name was removed.
    Unlink { name: Name, node: NodeId },
    /// A name was moved, over the name that was there.
    Rename {
        from: Name,
        to: Name,
        node: NodeId,
        kind: Kind,
    },
    /// Two names were exchanged.
    Exchange {
        from: Name,
        to: Name,
        nodes: [NodeId; 2],
    },
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// A symbolic link and where it points.
    Symlink(PathBuf),
}

impl FileOperation {
    /// The node whose sync makes this operation durable.
    ///
    /// An operation on names belongs to the directory that holds the name; a
    /// rename belongs to the directory that it moves the name into.
    pub(super) const fn governor(&self) -> NodeId {
        match self {
            Self::Write { node, .. }
            | Self::Resize { node, .. }
            | Self::Zero { node, .. }
            | Self::CreateNameless { node } => *node,
            Self::Create { name, .. } | Self::Link { name, .. } | Self::Unlink { name, .. } => {
                name.directory
            }
            Self::Rename { to, .. } | Self::Exchange { to, .. } => to.directory,
        }
    }

    /// Whether it changes names, not content.
    pub(super) const fn is_of_names(&self) -> bool {
        !matches!(
            self,
            Self::Write { .. }
                | Self::Resize { .. }
                | Self::Zero { .. }
                | Self::CreateNameless { .. }
        )
    }

    /// Whether this operation on names can only have taken effect if `earlier`
    /// did: they touch the same name or the same node, or both move
    /// directories, which could otherwise end up within each other.
    pub(super) fn depends_on(&self, earlier: &Self) -> bool {
        let moves_directory = |operation: &Self| {
            matches!(
                operation,
                Self::Rename {
                    kind: Kind::Directory,
                    ..
                } | Self::Exchange { .. }
            )
        };
        if moves_directory(self) && moves_directory(earlier) {
            return true;
        }
        let (names, nodes) = self.touches();
        let (earlier_names, earlier_nodes) = earlier.touches();
        names.iter().any(|name| earlier_names.contains(name))
            || nodes.iter().any(|node| earlier_nodes.contains(node))
    }

    /// The names and the nodes that an operation on names is about.
    fn touches(&self) -> (Vec<&Name>, Vec<NodeId>) {
        match self {
            Self::Write { .. }
            | Self::Resize { .. }
            | Self::Zero { .. }
            | Self::CreateNameless { .. } => (vec![], vec![]),
            Self::Create { name, node, .. }
            | Self::Link { name, node }
            | Self::Unlink { name, node } => (vec![name], vec![*node]),
            Self::Rename { from, to, node, .. } => (vec![from, to], vec![*node]),
            Self::Exchange { from, to, nodes } => (vec![from, to], nodes.to_vec()),
        }
    }
}
