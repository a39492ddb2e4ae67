//! What a loss of power does to one operation.

use std::{collections::BTreeMap, fmt};

use super::{
    content::{length, pieces},
    event::{Event, FileOperation, Kind},
    tree::Tree,
};

/// The bytes that a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: u64 = 512;

/// What becomes of an operation that was not durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    Kept,
    Lost,
    /// Of a write only these sectors reached the disk, and only this size.
    Torn {
        /// For each sector that the write touches, whether it was written.
        sectors: Vec<bool>,
        /// The size of the file was recorded as if the write had ended here.
        size: Option<u64>,
    },
}

impl Loss {
    /// The size without the data: what is new in the file reads as zeros.
    pub(super) fn without_data(operation: &FileOperation) -> Self {
        match operation {
            FileOperation::Write { offset, bytes, .. } => Self::Torn {
                sectors: vec![false; pieces(*offset, bytes, SECTOR_BYTES).count()],
                size: Some(offset.saturating_add(length(bytes))),
            },
            _ => Self::Kept,
        }
    }

    /// The data without the size.
    pub(super) fn without_size(operation: &FileOperation) -> Self {
        match operation {
            FileOperation::Write { offset, bytes, .. } => Self::Torn {
                sectors: vec![true; pieces(*offset, bytes, SECTOR_BYTES).count()],
                size: None,
            },
            _ => Self::Lost,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Lost => f.write_str("lost"),
            Self::Torn { sectors, size } => {
                let kept = sectors.iter().filter(|sector| **sector).count();
                write!(f, "torn: {kept} of {} sectors kept, ", sectors.len())?;
                match size {
                    Some(size) => write!(f, "size up to {size} kept"),
                    None => f.write_str("size lost"),
                }
            }
        }
    }
}

/// What the disk holds after `events`, of which some suffered a loss; the
/// others took full effect.
pub(super) fn after(base: &Tree, events: &[Event], losses: &BTreeMap<usize, Loss>) -> Tree {
    let mut tree = base.clone();
    for (index, event) in events.iter().enumerate() {
        if let Event::Operation(operation) = event {
            apply(
                &mut tree,
                operation,
                losses.get(&index).unwrap_or(&Loss::Kept),
            );
        }
    }
    tree
}

fn apply(tree: &mut Tree, operation: &FileOperation, loss: &Loss) {
    match (operation, loss) {
        // Something new exists even if its name is lost; then nobody sees it.
        (FileOperation::Create { node, kind, .. }, Loss::Lost) => tree.add(*node, kind),
        (FileOperation::CreateNameless { node }, _) => tree.add(*node, &Kind::File),
        (_, Loss::Lost) => {}
        (
            FileOperation::Write {
                node,
                offset,
                bytes,
            },
            loss,
        ) => write(tree, *node, *offset, bytes, loss),
        (FileOperation::Resize { node, size }, _) => {
            if let Some(content) = tree.content(*node) {
                content.resize(*size);
            }
        }
        (FileOperation::Zero { node, range }, _) => {
            if let Some(content) = tree.content(*node) {
                content.zero(range.clone());
            }
        }
        (FileOperation::Create { name, node, kind }, _) => {
            tree.add(*node, kind);
            tree.set(name, Some(*node));
        }
        (FileOperation::Link { name, node }, _) => tree.set(name, Some(*node)),
        (FileOperation::Unlink { name, .. }, _) => tree.set(name, None),
        (FileOperation::Rename { from, to, node, .. }, _) => {
            tree.set(from, None);
            tree.set(to, Some(*node));
        }
        (FileOperation::Exchange { from, to, nodes }, _) => {
            let [first, second] = nodes;
            tree.set(from, Some(*second));
            tree.set(to, Some(*first));
        }
    }
}

fn write(tree: &mut Tree, node: super::event::NodeId, offset: u64, bytes: &[u8], loss: &Loss) {
    let Some(content) = tree.content(node) else {
        return;
    };
    let Loss::Torn { sectors, size } = loss else {
        content.put(offset, bytes);
        content.extend(offset.saturating_add(length(bytes)));
        return;
    };
    let written = pieces(offset, bytes, SECTOR_BYTES).zip(sectors);
    for ((offset, piece), is_kept) in written {
        if *is_kept {
            content.put(offset, piece);
        }
    }
    if let Some(size) = size {
        content.extend(*size);
    }
}
