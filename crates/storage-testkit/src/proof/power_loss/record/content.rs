//! Calls that change the content of files, map it, or could in other ways.

use std::{fs, ops::Range, path::Path};

use nix::libc;

use super::{
    RecordError,
    change::{Change, Source},
    memory::{Buffer, Call, Stopped},
    recorder::{Recorder, Step},
};

type Result<T = Step> = std::result::Result<T, RecordError>;

/// `ioctl` requests that make two files share content.
const SHARING: [u64; 3] = [0x4004_9409, 0x4020_940d, 0xc018_9436];

impl Recorder {
    pub(super) fn begin_content(&mut self, thread: Stopped, call: &Call) -> Result {
        let descriptor = call.number_at(0);
        match call.number {
            libc::SYS_write => {
                let buffer = Buffer::new(call.word(1), call.word(2));
                self.write_from_memory(thread, descriptor, None, vec![buffer])
            }
            libc::SYS_pwrite64 => {
                let buffer = Buffer::new(call.word(1), call.word(2));
                self.write_from_memory(thread, descriptor, Some(call.word(3)), vec![buffer])
            }
            libc::SYS_writev => {
                let buffers = thread.buffers(call.word(1), call.word(2))?;
                self.write_from_memory(thread, descriptor, None, buffers)
            }
            libc::SYS_pwritev | libc::SYS_pwritev2 => {
                let buffers = thread.buffers(call.word(1), call.word(2))?;
                let flags = match call.number {
                    libc::SYS_pwritev2 => call.word(5),
                    _ => 0,
                };
                if flags != 0 && self.node_behind(thread, descriptor).is_some() {
                    return Err(RecordError::unmodelled(
                        "pwritev2",
                        "its flags are not known; write without flags",
                    ));
                }
                // The position of the descriptor is asked for by all ones.
                let offset = Some(call.word(3)).filter(|offset| *offset != u64::MAX);
                self.write_from_memory(thread, descriptor, offset, buffers)
            }
            libc::SYS_copy_file_range => {
                let offset = match call.word(3) {
                    0 => None,
                    address => thread.words(Buffer::new(address, 8))?.first().copied(),
                };
                self.write_from_kernel(thread, call.number_at(2), offset)
            }
            libc::SYS_sendfile => self.write_from_kernel(thread, descriptor, None),
            libc::SYS_truncate => {
                let place = self.place(thread, libc::AT_FDCWD, call.word(0))?;
                let found = place.and_then(|place| fs::metadata(place.path).ok());
                let node = found.and_then(|found| self.node_of(&found));
                let size = call.word(1);
                Ok(node.map_or(Step::Harmless, |node| {
                    Step::Change(Change::Resize { node, size })
                }))
            }
            libc::SYS_ftruncate => {
                let size = call.word(1);
                let node = self.node_behind(thread, descriptor);
                Ok(node.map_or(Step::Harmless, |node| {
                    Step::Change(Change::Resize { node, size })
                }))
            }
            _ => self.allocate(thread, call),
        }
    }

    fn write_from_kernel(&self, thread: Stopped, descriptor: i32, offset: Option<u64>) -> Result {
        let target = self.target(thread, descriptor, offset)?;
        Ok(target.map_or(Step::Harmless, |target| {
            let source = Source::Kernel;
            Step::Change(Change::Write { target, source })
        }))
    }

    fn allocate(&self, thread: Stopped, call: &Call) -> Result {
        let descriptor = call.number_at(0);
        let Some(file) = thread.metadata(descriptor) else {
            return Ok(Step::Harmless);
        };
        let Some(node) = self.node_of(&file) else {
            return Ok(Step::Harmless);
        };
        let keep_size = libc::FALLOC_FL_KEEP_SIZE;
        let zeros = match call.number_at(1) & !keep_size {
            0 => None,
            libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_ZERO_RANGE => Some(Range {
                start: call.word(2),
                end: call.word(2).saturating_add(call.word(3)),
            }),
            _ => {
                return Err(RecordError::unmodelled(
                    "fallocate",
                    "it would move content within a file",
                ));
            }
        };
        Ok(Step::Change(Change::Allocate {
            node,
            descriptor,
            zeros,
            size_before: file.len(),
        }))
    }

    /// Calls that are refused where they concern recorded files.
    pub(super) fn begin_other(&self, thread: Stopped, call: &Call) -> Result {
        match call.number {
            libc::SYS_mmap => self.map(thread, call),
            libc::SYS_mprotect => self.protect(thread, call),
            _ => {
                let is_sharing = SHARING.contains(&(call.word(1) & u64::from(u32::MAX)));
                if is_sharing && self.node_behind(thread, call.number_at(0)).is_some() {
                    return Err(RecordError::unmodelled(
                        "ioctl",
                        "it would make files share their content; copy them instead",
                    ));
                }
                Ok(Step::Harmless)
            }
        }
    }

    fn map(&self, thread: Stopped, call: &Call) -> Result {
        let [protection, kind, descriptor] = [2, 3, 4].map(|index| call.number_at(index));
        let is_shared = matches!(
            kind & libc::MAP_TYPE,
            libc::MAP_SHARED | libc::MAP_SHARED_VALIDATE
        );
        if is_shared
            && protection & libc::PROT_WRITE != 0
            && kind & libc::MAP_ANONYMOUS == 0
            && self.node_behind(thread, descriptor).is_some()
        {
            let path = fs::read_link(thread.descriptor_path(descriptor))?;
            self.refuse_mapping("mmap", &path)?;
        }
        Ok(Step::Harmless)
    }

    /// Memory that maps a file for reading may be made writable later.
    fn protect(&self, thread: Stopped, call: &Call) -> Result {
        if call.number_at(2) & libc::PROT_WRITE == 0 {
            return Ok(Step::Harmless);
        }
        let (start, end) = (call.word(0), call.word(0).saturating_add(call.word(1)));
        let maps = fs::read_to_string(thread.process_path("maps"))?;
        for mapping in maps.lines().filter_map(Mapping::parse) {
            let is_touched = mapping.range.start < end && start < mapping.range.end;
            if is_touched && mapping.is_shared && mapping.path.starts_with(&self.root) {
                self.refuse_mapping("mprotect", mapping.path)?;
            }
        }
        Ok(Step::Harmless)
    }

    fn refuse_mapping(&self, call: &str, path: &Path) -> Result<()> {
        if self.may_be_mapped(path) {
            return Ok(());
        }
        Err(RecordError::unmodelled(
            format!("{call} on {}", path.display()),
            "writes to mapped memory cannot be seen; configure the engine to write its files",
        ))
    }
}

/// A line of `/proc/…/maps`.
struct Mapping<'a> {
    range: Range<u64>,
    is_shared: bool,
    path: &'a Path,
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let is_shared = fields.next()?.ends_with('s');
        let path = line.find('/').and_then(|start| line.get(start..))?;
        Some(Self {
            range: u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?,
            is_shared,
            path: Path::new(path),
        })
    }
}
