//! What a loss of power does to one operation.

use std::{collections::BTreeMap, fmt};

use super::{
    content::{length, pieces},
    event::{Event, Kind, Operation},
    tree::Tree,
};

/// The bytes that a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: u64 = 512;

/// What becomes of an operation that was not durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
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

impl Fate {
    /// The size without the data: what is new in the file reads as zeros.
    pub(super) fn without_data(operation: &Operation) -> Self {
        match operation {
            Operation::Write { offset, bytes, .. } => Self::Torn {
                sectors: vec![false; pieces(*offset, bytes, SECTOR_BYTES).count()],
                size: Some(offset.saturating_add(length(bytes))),
            },
            _ => Self::Kept,
        }
    }

    /// The data without the size.
    pub(super) fn without_size(operation: &Operation) -> Self {
        match operation {
            Operation::Write { offset, bytes, .. } => Self::Torn {
                sectors: vec![true; pieces(*offset, bytes, SECTOR_BYTES).count()],
                size: None,
            },
            _ => Self::Lost,
        }
    }
}

impl fmt::Display for Fate {
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

/// What the disk holds after `events`, of which some suffered a fate; the
/// others took full effect.
pub(super) fn after(base: &Tree, events: &[Event], fates: &BTreeMap<usize, Fate>) -> Tree {
    let mut tree = base.clone();
    for (index, event) in events.iter().enumerate() {
        if let Event::Operation(operation) = event {
            apply(
                &mut tree,
                operation,
                fates.get(&index).unwrap_or(&Fate::Kept),
            );
        }
    }
    tree
}

fn apply(tree: &mut Tree, operation: &Operation, fate: &Fate) {
    match (operation, fate) {
        // Something new exists even if its name is lost; then nobody sees it.
        (Operation::Create { node, kind, .. }, Fate::Lost) => tree.add(*node, kind),
        (Operation::CreateNameless { node }, _) => tree.add(*node, &Kind::File),
        (_, Fate::Lost) => {}
        (
            Operation::Write {
                node,
                offset,
                bytes,
            },
            fate,
        ) => write(tree, *node, *offset, bytes, fate),
        (Operation::Resize { node, size }, _) => {
            if let Some(content) = tree.content(*node) {
                content.resize(*size);
            }
        }
        (Operation::Zero { node, range }, _) => {
            if let Some(content) = tree.content(*node) {
                content.zero(range.clone());
            }
        }
        (Operation::Create { name, node, kind }, _) => {
            tree.add(*node, kind);
            tree.set(name, Some(*node));
        }
        (Operation::Link { name, node }, _) => tree.set(name, Some(*node)),
        (Operation::Unlink { name, .. }, _) => tree.set(name, None),
        (Operation::Rename { from, to, node, .. }, _) => {
            tree.set(from, None);
            tree.set(to, Some(*node));
        }
        (Operation::Exchange { from, to, nodes }, _) => {
            let [first, second] = nodes;
            tree.set(from, Some(*second));
            tree.set(to, Some(*first));
        }
    }
}

fn write(tree: &mut Tree, node: super::event::NodeId, offset: u64, bytes: &[u8], fate: &Fate) {
    let Some(content) = tree.content(node) else {
        return;
    };
    let Fate::Torn { sectors, size } = fate else {
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
