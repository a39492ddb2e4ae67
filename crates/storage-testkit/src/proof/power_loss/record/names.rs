//! Which directory entry a path stands for.

use std::{
    fs::{self, Metadata},
    io,
    path::{Component, Path, PathBuf},
};

use nix::libc;

use super::{RecordError, memory::Stopped, recorder::Recorder};
use crate::proof::power_loss::event::{Name, NodeId};

/// A path that a call was given.
#[derive(Clone, Debug)]
pub(super) struct PathEntry {
    /// The path, absolute and without symbolic links above its last part.
    pub(super) path: PathBuf,
    /// The entry it stands for, if that is in the recorded directory.
    pub(super) name: Option<Name>,
}

impl PathEntry {
    /// What is there, a symbolic link itself if it is one.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        self.path.symlink_metadata().ok()
    }
}

impl Recorder {
    /// The entry that a path in the memory of a thread stands for. Nothing if
    /// the directory that should hold it is not there: the call will fail.
    pub(super) fn place(
        &self,
        thread: Stopped,
        directory: i32,
        address: u64,
    ) -> Result<Option<PathEntry>, RecordError> {
        let given = PathBuf::from(thread.text(address)?);
        let path = absolute(thread, directory, &given)?;
        let (parent, last) = match (path.parent(), path.components().next_back()) {
            (Some(parent), Some(Component::Normal(last))) => (parent, last.to_owned()),
            // The root, or something that ends in `..`: no entry by a name.
            _ => return Ok(Some(PathEntry { path, name: None })),
        };
        let parent = match parent.canonicalize() {
            Ok(parent) => parent,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let path = parent.join(&last);
        if path == self.root {
            return Ok(Some(PathEntry { path, name: None }));
        }
        let name = self
            .node_of(&fs::metadata(&parent)?)
            .filter(|_| parent.starts_with(&self.root))
            .map(|directory| Name {
                directory,
                name: last,
            });
        Ok(Some(PathEntry { path, name }))
    }

    /// The node that an entry stands for now.
    pub(super) fn node_at(&self, place: &PathEntry) -> Option<NodeId> {
        place.metadata().and_then(|found| self.node_of(&found))
    }
}

/// The path as seen from here.
fn absolute(thread: Stopped, directory: i32, given: &Path) -> io::Result<PathBuf> {
    if let Ok(rest) = given.strip_prefix("/proc/self") {
        return Ok(thread.process_path("").join(rest));
    }
    if given.is_absolute() {
        return Ok(given.to_owned());
    }
    let base = if directory == libc::AT_FDCWD {
        thread.process_path("cwd")
    } else {
        thread.descriptor_path(directory)
    };
    Ok(fs::read_link(base)?.join(given))
}
