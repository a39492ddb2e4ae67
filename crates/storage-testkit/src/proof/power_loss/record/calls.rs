//! What each system call means.

use std::fs;

use nix::libc::{self, c_long};

use super::{
    RecordError,
    change::{Change, Opening, Source, Target},
    memory::{Buffer, Call, Stopped},
    names::PathEntry,
    recorder::{Recorder, Step},
};
use crate::proof::power_loss::event::{FileOperation, Kind, Scope};

type Result<T = Step> = std::result::Result<T, RecordError>;

/// Whether a call may change files, so that no other such call may run beside
/// it.
pub(super) const fn is_change(number: c_long) -> bool {
    !matches!(
        number,
        libc::SYS_fsync
            | libc::SYS_fdatasync
            | libc::SYS_syncfs
            | libc::SYS_sync
            | libc::SYS_mmap
            | libc::SYS_mprotect
            | libc::SYS_ioctl
    )
}

impl Recorder {
    /// Looks at a call that a thread is about to make.
    pub(super) fn begin(&mut self, thread: Stopped, call: &Call) -> Result {
        let here = libc::AT_FDCWD;
        match call.number {
            libc::SYS_open => self.open(thread, here, call.word(0), call.number_at(1)),
            libc::SYS_openat => {
                self.open(thread, call.number_at(0), call.word(1), call.number_at(2))
            }
            libc::SYS_openat2 => {
                let how = thread.words(Buffer::new(call.word(2), 8))?;
                let low = how.first().copied().unwrap_or_default() & u64::from(u32::MAX);
                let flags = u32::try_from(low).unwrap_or_default().cast_signed();
                self.open(thread, call.number_at(0), call.word(1), flags)
            }
            libc::SYS_creat => {
                let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
                self.open(thread, here, call.word(0), flags)
            }
            libc::SYS_write
            | libc::SYS_pwrite64
            | libc::SYS_writev
            | libc::SYS_pwritev
            | libc::SYS_pwritev2
            | libc::SYS_copy_file_range
            | libc::SYS_sendfile
            | libc::SYS_truncate
            | libc::SYS_ftruncate
            | libc::SYS_fallocate => self.begin_content(thread, call),
            libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_syncfs | libc::SYS_sync => {
                Ok(self.begin_sync(thread, call))
            }
            libc::SYS_exit_group => Ok(Step::Exit),
            libc::SYS_mmap | libc::SYS_mprotect | libc::SYS_ioctl => self.begin_other(thread, call),
            _ => self.begin_names(thread, call),
        }
    }

    fn begin_sync(&mut self, thread: Stopped, call: &Call) -> Step {
        let scope = match call.number {
            libc::SYS_sync => Some(Scope::All),
            libc::SYS_syncfs => thread
                .metadata(call.number_at(0))
                .filter(|file| self.shares_file_system(file))
                .map(|_| Scope::All),
            _ => self.node_behind(thread, call.number_at(0)).map(Scope::Node),
        };
        scope.map_or(Step::Harmless, |scope| Step::Sync(self.sync_begins(scope)))
    }

    fn open(&self, thread: Stopped, directory: i32, path: u64, flags: i32) -> Result {
        let is_nameless = flags & libc::O_TMPFILE == libc::O_TMPFILE;
        if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 && !is_nameless {
            return Ok(Step::Harmless);
        }
        let Some(place) = self.place(thread, directory, path)? else {
            return Ok(Step::Harmless);
        };
        if is_nameless {
            let is_inside = self.node_at(&place).is_some();
            return Ok(if is_inside {
                Step::Change(Change::OpenNameless)
            } else {
                Step::Harmless
            });
        }
        let opening = match (place.metadata(), &place.name) {
            (None, None) => return Ok(Step::Harmless),
            (None, Some(_)) => Opening::Creates,
            (Some(found), Some(_)) if found.is_symlink() && fs::metadata(&place.path).is_err() => {
                return Err(RecordError::unmodelled(
                    "open",
                    "it would make a file through a symbolic link; open the file by its own path",
                ));
            }
            (Some(_), _) if flags & libc::O_TRUNC == 0 => return Ok(Step::Harmless),
            (Some(_), _) => Opening::Truncates,
        };
        Ok(Step::Change(Change::Open { place, opening }))
    }

    fn begin_names(&self, thread: Stopped, call: &Call) -> Result {
        let here = libc::AT_FDCWD;
        let (fd, word) = (|index| call.number_at(index), |index| call.word(index));
        match call.number {
            libc::SYS_rename => self.rename(thread, [(here, word(0)), (here, word(1))], 0),
            libc::SYS_renameat => self.rename(thread, [(fd(0), word(1)), (fd(2), word(3))], 0),
            libc::SYS_renameat2 => {
                let flags = u32::try_from(word(4)).unwrap_or(u32::MAX);
                self.rename(thread, [(fd(0), word(1)), (fd(2), word(3))], flags)
            }
            libc::SYS_unlink | libc::SYS_rmdir => self.unlink(thread, here, word(0)),
            libc::SYS_unlinkat => self.unlink(thread, fd(0), word(1)),
            libc::SYS_mkdir => self.make(thread, here, word(0), Kind::Directory),
            libc::SYS_mkdirat => self.make(thread, fd(0), word(1), Kind::Directory),
            libc::SYS_symlink => {
                let kind = Kind::Symlink(thread.text(word(0))?.into());
                self.make(thread, here, word(1), kind)
            }
            libc::SYS_symlinkat => {
                let kind = Kind::Symlink(thread.text(word(0))?.into());
                self.make(thread, fd(1), word(2), kind)
            }
            libc::SYS_link => self.link(thread, [(here, word(0)), (here, word(1))]),
            libc::SYS_linkat => self.link(thread, [(fd(0), word(1)), (fd(2), word(3))]),
            number => Err(unknown(number)),
        }
    }

    fn rename(&self, thread: Stopped, paths: [(i32, u64); 2], flags: u32) -> Result {
        let [from, to] = paths;
        let from = self.place(thread, from.0, from.1)?;
        let to = self.place(thread, to.0, to.1)?;
        let (Some(from), Some(to)) = (from, to) else {
            return Ok(Step::Harmless);
        };
        let Some(found) = from.metadata() else {
            return Ok(Step::Harmless);
        };
        if [&from, &to].iter().any(|place| place.path == self.root) {
            return Err(RecordError::unmodelled(
                "rename",
                "it would move the recorded directory itself",
            ));
        }
        let (from, to, target) = match (&from.name, &to.name) {
            (None, None) => return Ok(Step::Harmless),
            (Some(from), Some(name)) => (from.clone(), name.clone(), self.node_at(&to)),
            _ => {
                return Err(RecordError::unmodelled(
                    "rename",
                    "it would move a file into or out of the recorded directory",
                ));
            }
        };
        let node = self.node_of(&found).ok_or_else(stranger)?;
        if flags & libc::RENAME_EXCHANGE != 0 {
            let nodes = [node, target.ok_or_else(stranger)?];
            return Ok(names(FileOperation::Exchange { from, to, nodes }));
        }
        if flags & !libc::RENAME_NOREPLACE != 0 {
            return Err(RecordError::unmodelled(
                "renameat2",
                "its flags are not known",
            ));
        }
        if target == Some(node) {
            // Two names of one file: nothing happens.
            return Ok(Step::Harmless);
        }
        let kind = if found.is_dir() {
            Kind::Directory
        } else {
            Kind::File
        };
        Ok(names(FileOperation::Rename {
            from,
            to,
            node,
            kind,
        }))
    }

    fn unlink(&self, thread: Stopped, directory: i32, path: u64) -> Result {
        let Some(place) = self.place(thread, directory, path)? else {
            return Ok(Step::Harmless);
        };
        let node = self.node_at(&place);
        Ok(match (place.name, node) {
            (Some(name), Some(node)) => names(FileOperation::Unlink { name, node }),
            _ => Step::Harmless,
        })
    }

    fn make(&self, thread: Stopped, directory: i32, path: u64, kind: Kind) -> Result {
        Ok(match self.place(thread, directory, path)? {
            Some(place) if place.name.is_some() => Step::Change(Change::Make { place, kind }),
            _ => Step::Harmless,
        })
    }

    fn link(&self, thread: Stopped, paths: [(i32, u64); 2]) -> Result {
        let [from, to] = paths;
        let Some(PathEntry {
            name: Some(name), ..
        }) = self.place(thread, to.0, to.1)?
        else {
            return Ok(Step::Harmless);
        };
        let node = if thread.text(from.1)?.is_empty() {
            self.node_behind(thread, from.0)
        } else {
            let from = self.place(thread, from.0, from.1)?;
            from.and_then(|from| {
                // `/proc/self/fd/N` stands for the file that it leads to.
                let found = if from.path.starts_with("/proc") {
                    fs::metadata(&from.path).ok()
                } else {
                    from.metadata()
                };
                found.and_then(|found| self.node_of(&found))
            })
        };
        match node {
            Some(node) => Ok(names(FileOperation::Link { name, node })),
            None => Err(RecordError::unmodelled(
                "link",
                "it would give a file from elsewhere a name in the recorded directory",
            )),
        }
    }

    /// Where a write through a descriptor goes, if it goes to a recorded file.
    pub(super) fn target(
        &self,
        thread: Stopped,
        descriptor: i32,
        offset: Option<u64>,
    ) -> Result<Option<Target>> {
        let Some(file) = thread.metadata(descriptor).filter(fs::Metadata::is_file) else {
            return Ok(None);
        };
        let Some(node) = self.node_of(&file) else {
            return Ok(None);
        };
        let flags = thread.descriptor(descriptor)?.flags;
        // Linux appends whatever offset is given.
        let offset = match offset {
            Some(_) if flags & libc::O_APPEND != 0 => Some(file.len()),
            offset => offset,
        };
        Ok(Some(Target {
            node,
            descriptor,
            offset,
            flags,
        }))
    }

    pub(super) fn write_from_memory(
        &mut self,
        thread: Stopped,
        descriptor: i32,
        offset: Option<u64>,
        buffers: Vec<Buffer>,
    ) -> Result {
        if thread
            .metadata(descriptor)
            .is_some_and(|file| self.is_output(&file))
        {
            let text = thread.bytes(&buffers, u64::MAX)?;
            self.mark(text);
            return Ok(Step::Harmless);
        }
        let target = self.target(thread, descriptor, offset)?;
        Ok(target.map_or(Step::Harmless, |target| {
            let source = Source::Memory(buffers);
            Step::Change(Change::Write { target, source })
        }))
    }
}

fn names(operation: FileOperation) -> Step {
    Step::Change(Change::Names(operation))
}

fn stranger() -> RecordError {
    RecordError::unmodelled(
        "rename",
        "the file came into the recorded directory unseen, perhaps by another process",
    )
}

fn unknown(number: c_long) -> RecordError {
    const WRITES_BEHIND: &str = "its writes cannot be seen; configure the engine to do without it";
    const UNKNOWN: &str = "it may change files, and the recorder does not know how";
    match number {
        libc::SYS_io_uring_setup => RecordError::unmodelled("io_uring_setup", WRITES_BEHIND),
        libc::SYS_io_setup => RecordError::unmodelled("io_setup", WRITES_BEHIND),
        libc::SYS_execve => RecordError::unmodelled("execve", "only one program can be recorded"),
        libc::SYS_fork | libc::SYS_vfork => {
            RecordError::unmodelled("fork", "only one process can be recorded")
        }
        libc::SYS_splice => RecordError::unmodelled("splice", UNKNOWN),
        libc::SYS_mknod | libc::SYS_mknodat => RecordError::unmodelled("mknod", UNKNOWN),
        number => RecordError::unmodelled(format!("system call {number}"), UNKNOWN),
    }
}
