//! What can be read of a stopped thread: registers, memory, descriptors.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Metadata},
    io::{self, IoSliceMut},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use nix::{
    libc,
    sys::{
        ptrace,
        uio::{RemoteIoVec, process_vm_readv},
    },
    unistd::Pid,
};

use super::RecordError;

/// A stopped thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped(pub(super) Pid);

/// A system call as a thread makes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: libc::c_long,
    pub(super) arguments: [u64; 6],
}

impl Call {
    /// An argument that the kernel takes for a signed 32-bit number: a
    /// descriptor, flags, a mode.
    pub(super) fn number_at(&self, index: usize) -> i32 {
        let low = self.word(index) & u64::from(u32::MAX);
        u32::try_from(low).unwrap_or_default().cast_signed()
    }

    /// An argument of the width of a register: an address, a size, an offset.
    pub(super) fn word(&self, index: usize) -> u64 {
        self.arguments.get(index).copied().unwrap_or_default()
    }
}

/// A run of bytes in the memory of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    address: u64,
    length: u64,
}

impl Buffer {
    pub(super) const fn new(address: u64, length: u64) -> Self {
        Self { address, length }
    }
}

/// What the kernel says about an open descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    pub(super) position: u64,
    pub(super) flags: i32,
}

impl Stopped {
    pub(super) fn call(self) -> Result<Call, RecordError> {
        let registers = ptrace::getregs(self.0)?;
        Ok(Call {
            number: registers.orig_rax.cast_signed(),
            arguments: [
                registers.rdi,
                registers.rsi,
                registers.rdx,
                registers.r10,
                registers.r8,
                registers.r9,
            ],
        })
    }

    /// What a call that has ended returned; nothing if it failed.
    pub(super) fn result(self) -> Result<Option<u64>, RecordError> {
        let returned = ptrace::getregs(self.0)?.rax;
        Ok((!(-4095..0).contains(&returned.cast_signed())).then_some(returned))
    }

    /// The first `limit` bytes of some buffers.
    pub(super) fn bytes(self, buffers: &[Buffer], limit: u64) -> Result<Vec<u8>, RecordError> {
        let mut rest = limit;
        let mut all = Vec::new();
        for buffer in buffers {
            let length = usize::try_from(buffer.length.min(rest)).unwrap_or(usize::MAX);
            rest = rest.saturating_sub(buffer.length);
            let mut bytes = vec![0; length];
            let mut done = 0;
            while let Some(part) = bytes.get_mut(done..).filter(|part| !part.is_empty()) {
                let remote = RemoteIoVec {
                    base: usize::try_from(buffer.address)
                        .unwrap_or(usize::MAX)
                        .saturating_add(done),
                    len: part.len(),
                };
                match process_vm_readv(self.0, &mut [IoSliceMut::new(part)], &[remote])? {
                    0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    count => done = done.saturating_add(count),
                }
            }
            all.append(&mut bytes);
        }
        Ok(all)
    }

    /// The buffers of an array of `iovec`.
    pub(super) fn buffers(self, address: u64, count: u64) -> Result<Vec<Buffer>, RecordError> {
        let array = Buffer::new(address, count.saturating_mul(16));
        let words = self.words(array)?;
        let (pairs, _) = words.as_chunks::<2>();
        Ok(pairs
            .iter()
            .map(|[address, length]| Buffer::new(*address, *length))
            .collect())
    }

    /// An array of words.
    pub(super) fn words(self, array: Buffer) -> Result<Vec<u64>, RecordError> {
        let bytes = self.bytes(&[array], array.length)?;
        let (words, _) = bytes.as_chunks::<8>();
        Ok(words.iter().map(|word| u64::from_ne_bytes(*word)).collect())
    }

    /// Text that ends with a zero byte.
    pub(super) fn text(self, address: u64) -> Result<OsString, RecordError> {
        const PAGE_BYTES: u64 = 4096;
        let mut text = Vec::new();
        let mut next = address;
        loop {
            // Memory may end where a page does.
            let length = PAGE_BYTES.saturating_sub(next % PAGE_BYTES).min(256);
            let bytes = self.bytes(&[Buffer::new(next, length)], length)?;
            if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(bytes.get(..end).unwrap_or_default());
                return Ok(OsStr::from_bytes(&text).to_owned());
            }
            text.extend(bytes);
            next = next.saturating_add(length);
        }
    }

    /// The path by which the descriptor can be looked at from outside.
    pub(super) fn descriptor_path(self, descriptor: i32) -> PathBuf {
        self.process_path(&format!("fd/{descriptor}"))
    }

    pub(super) fn process_path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0))
    }

    /// The file behind a descriptor; nothing if the descriptor is not open.
    pub(super) fn metadata(self, descriptor: i32) -> Option<Metadata> {
        fs::metadata(self.descriptor_path(descriptor)).ok()
    }

    pub(super) fn descriptor(self, descriptor: i32) -> Result<Descriptor, RecordError> {
        let text = fs::read_to_string(self.process_path(&format!("fdinfo/{descriptor}")))?;
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        let position = field("pos").and_then(|text| text.parse().ok());
        let flags = field("flags").and_then(|text| i32::from_str_radix(text, 8).ok());
        match (position, flags) {
            (Some(position), Some(flags)) => Ok(Descriptor { position, flags }),
            _ => Err(io::Error::other(format!("/proc says of a descriptor: {text}")).into()),
        }
    }
}
