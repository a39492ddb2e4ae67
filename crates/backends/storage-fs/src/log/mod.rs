//! The log: every commit since the base, in order. A commit has happened once
//! its record is in the log.
//!
//! A log is appended to until a compaction begins the next one; it says where
//! the one before it ended, so several make one sequence.
//! `docs/formats/fs.md` gives the bytes.

pub(crate) mod frame;
pub(crate) mod record;

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use storage_core::Mark;

use self::{
    frame::Chain,
    record::{LogHeader, MAGIC, StoreTag},
};
use crate::wire::as_u64;

const PREFIX: &str = "log-";

/// The name of the file of log `number`.
pub(crate) fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}

/// The number of the log whose file has this name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix(PREFIX)?.parse().ok()?;
    (self::name(number) == name).then_some(number)
}

/// A log that is appended to.
#[derive(Debug)]
pub(crate) struct Log {
    file: Arc<File>,
    store: StoreTag,
    number: u64,
    end: u64,
    chain: Chain,
}

/// Why a record is not in the log.
#[derive(Debug)]
pub(crate) struct AppendError {
    pub(crate) error: io::Error,
    /// Whether the log is as it was before. Otherwise nobody knows what is in it.
    pub(crate) is_undone: bool,
}

impl Log {
    /// The log in `file`, which ends at `end`.
    pub(crate) const fn new(
        file: Arc<File>,
        store: StoreTag,
        number: u64,
        (end, chain): (u64, Chain),
    ) -> Self {
        Self {
            file,
            store,
            number,
            end,
            chain,
        }
    }

    /// Begins the first log of a store in `file`.
    pub(crate) fn first(file: Arc<File>, store: StoreTag) -> io::Result<Self> {
        let header = LogHeader {
            store,
            number: 1,
            previous_end: 0,
            previous_chain: Chain::default(),
        };
        Self::begin(file, header)
    }

    /// Begins the log after this one in `file`.
    pub(crate) fn next(&self, file: Arc<File>) -> io::Result<Self> {
        let header = LogHeader {
            store: self.store,
            number: self.number + 1,
            previous_end: self.end,
            previous_chain: self.chain,
        };
        Self::begin(file, header)
    }

    fn begin(file: Arc<File>, header: LogHeader) -> io::Result<Self> {
        let (frame, chain) = header.sealed()?;
        let bytes = [MAGIC, &*frame].concat();
        file.write_all_at(&bytes, 0)?;
        let tail = (as_u64(bytes.len()), chain);
        Ok(Self::new(file, header.store, header.number, tail))
    }

    pub(crate) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(crate) const fn store(&self) -> StoreTag {
        self.store
    }

    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    pub(crate) const fn chain(&self) -> Chain {
        self.chain
    }

    /// Where the log ends.
    pub(crate) const fn mark(&self) -> Mark {
        Mark {
            log: self.number,
            position: self.end,
        }
    }

    /// Appends a frame, whose header is filled in.
    pub(crate) fn append(&mut self, frame: &mut [u8]) -> Result<(), AppendError> {
        let chain = frame::end(frame, self.chain).map_err(|error| AppendError {
            error,
            is_undone: true,
        })?;
        self.file
            .write_all_at(frame, self.end)
            .map_err(|error| AppendError {
                error,
                // What was written of it would be in the way of the next.
                is_undone: self.file.set_len(self.end).is_ok(),
            })?;
        self.end += as_u64(frame.len());
        self.chain = chain;
        Ok(())
    }
}
