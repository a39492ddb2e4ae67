//! Changes under way: what a call was about to do when it began, and what came
//! of it when it ended.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

use nix::libc;

use super::{
    RecordError,
    memory::{Buffer, Stopped},
    names::PathEntry,
    recorder::Recorder,
};
use crate::proof::power_loss::event::{FileOperation, Kind, NodeId};

/// What a thread is about to do.
pub(super) enum Change {
    /// It opens a file that may be made or cut to nothing.
    Open { place: PathEntry, opening: Opening },
    /// It opens a new file that has no name.
    OpenNameless,
    /// It writes.
    Write { target: Target, source: Source },
    /// It gives a file a size.
    Resize { node: NodeId, size: u64 },
    /// It allocates room, or turns a range into zeros.
    Allocate {
        node: NodeId,
        descriptor: i32,
        zeros: Option<Range<u64>>,
        size_before: u64,
    },
    /// It makes a directory or a symbolic link.
    Make { place: PathEntry, kind: Kind },
    /// It does what is known already, if it succeeds.
    Names(FileOperation),
}

/// What an open does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It makes one.
    Creates,
    /// It cuts one to nothing.
    Truncates,
}

/// Where a write goes.
pub(super) struct Target {
    pub(super) node: NodeId,
    pub(super) descriptor: i32,
    /// Where it begins; the descriptor's position if nothing is said.
    pub(super) offset: Option<u64>,
    pub(super) flags: i32,
}

/// Where the bytes of a write come from.
pub(super) enum Source {
    Memory(Vec<Buffer>),
    /// The kernel copies them, so they are read back.
    Kernel,
}

impl Recorder {
    /// Records a change that has succeeded.
    pub(super) fn changed(
        &mut self,
        thread: Stopped,
        change: Change,
        result: u64,
    ) -> Result<(), RecordError> {
        match change {
            Change::Open { place, opening } => {
                let descriptor = descriptor(result);
                self.opened(thread, descriptor, place, opening)?;
            }
            Change::OpenNameless => {
                if let Some(file) = thread.metadata(descriptor(result)) {
                    let node = self.new_node(&file);
                    self.push(FileOperation::CreateNameless { node });
                }
            }
            Change::Write { target, source } => self.wrote(thread, &target, &source, result)?,
            Change::Resize { node, size } => self.push(FileOperation::Resize { node, size }),
            Change::Allocate {
                node,
                descriptor,
                zeros,
                size_before,
            } => {
                if let Some(range) = zeros {
                    self.push(FileOperation::Zero { node, range });
                }
                let size = thread.metadata(descriptor).map(|file| file.len());
                if let Some(size) = size.filter(|size| *size != size_before) {
                    self.push(FileOperation::Resize { node, size });
                }
            }
            Change::Make { place, kind } => {
                if let (Some(file), Some(name)) = (place.metadata(), place.name) {
                    let node = self.new_node(&file);
                    self.push(FileOperation::Create { name, node, kind });
                }
            }
            Change::Names(operation) => self.push(operation),
        }
        Ok(())
    }

    fn opened(
        &mut self,
        thread: Stopped,
        descriptor: i32,
        place: PathEntry,
        opening: Opening,
    ) -> Result<(), RecordError> {
        let file = thread.metadata(descriptor).ok_or_else(vanished)?;
        match (opening, place.name) {
            (Opening::Creates, Some(name)) => {
                let node = self.new_node(&file);
                let kind = Kind::File;
                self.push(FileOperation::Create { name, node, kind });
            }
            (Opening::Creates, None) => {}
            (Opening::Truncates, _) => {
                if let Some(node) = self.node_of(&file) {
                    self.push(FileOperation::Resize { node, size: 0 });
                }
            }
        }
        Ok(())
    }

    fn wrote(
        &mut self,
        thread: Stopped,
        target: &Target,
        source: &Source,
        count: u64,
    ) -> Result<(), RecordError> {
        if count == 0 {
            return Ok(());
        }
        let offset = match target.offset {
            Some(offset) => offset,
            // The call left the position at the end of what it wrote, also
            // where it appended.
            None => thread
                .descriptor(target.descriptor)?
                .position
                .saturating_sub(count),
        };
        let bytes = match source {
            Source::Memory(buffers) => thread.bytes(buffers, count)?,
            Source::Kernel => {
                let length = usize::try_from(count).unwrap_or(usize::MAX);
                let mut bytes = vec![0; length];
                File::open(thread.descriptor_path(target.descriptor))?
                    .read_exact_at(&mut bytes, offset)?;
                bytes
            }
        };
        let operation = FileOperation::Write {
            node: target.node,
            offset,
            bytes,
        };
        if target.flags & (libc::O_DSYNC | libc::O_SYNC) == 0 {
            self.push(operation);
        } else {
            self.push_synced(operation);
        }
        Ok(())
    }
}

fn descriptor(result: u64) -> i32 {
    i32::try_from(result).unwrap_or(-1)
}

fn vanished() -> RecordError {
    RecordError::unmodelled(
        "close",
        "a descriptor was closed by another thread while it was being opened",
    )
}
