//! Up to where a store's log is known to be durable.
//!
//! A log that a crash left ends in what was never synced, and a loss of power
//! may have torn that in any way. So a record that cannot be read may be a
//! torn end, which is normal, or damage to what was promised to be there. The
//! log alone cannot tell the two apart; a note of how far it was synced can.
//!
//! The note is written after each sync and is not synced itself. So it may be
//! old or missing after a loss of power, and then tells less. It never says
//! more than is so.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    sync::{Mutex, PoisonError},
};

use super::StoreDirectory;
use crate::{Error, Result};

const WATERMARK_FILE: &str = "SYNCED";

/// Two numbers and their checksum. It fits into one sector, so it is not torn.
const BYTES: usize = 20;

/// A place in a store's log: first by `log`, then by `position`, whatever an
/// engine counts by them. Everything up to there is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Which log, where an engine begins new ones; greater for later ones.
    pub log: u64,
    /// How far in that log: bytes, records or commits.
    pub position: u64,
}

/// Keeps the mark of one open store.
#[derive(Debug)]
pub struct Watermark {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    mark: Mark,
}

impl StoreDirectory {
    /// The watermark of this store, and the mark it was left at, if there is
    /// one. A log that ends before the mark is damaged.
    ///
    /// # Errors
    /// `Denied` and `Full` from the operating system.
    pub fn watermark(&self) -> Result<(Watermark, Option<Mark>)> {
        let path = self.path().join(WATERMARK_FILE);
        let failed = |error| Error::io(format!("opening {}", path.display()), error);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mark = decode(&bytes);
        let state = State {
            file,
            mark: mark.unwrap_or_default(),
        };
        let watermark = Watermark {
            state: Mutex::new(state),
        };
        Ok((watermark, mark))
    }
}

impl Watermark {
    /// Takes note that everything up to `mark` is durable: to be called once a
    /// sync has ended, with the place where the log ended before that sync
    /// began. A mark that is behind the present one changes nothing.
    ///
    /// # Errors
    /// `Denied` and `Full` from the operating system. The mark is then as
    /// before, or unknown, and the log as durable as it is.
    pub fn raise(&self, mark: Mark) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if mark > state.mark {
            state
                .write(mark)
                .map_err(|error| Error::io(format!("writing {WATERMARK_FILE}"), error))?;
        }
        Ok(())
    }
}

impl State {
    fn write(&mut self, mark: Mark) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(&encode(mark))?;
        self.mark = mark;
        Ok(())
    }
}

fn encode(mark: Mark) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let (numbers, checksum) = bytes.split_at_mut(BYTES - size_of::<u32>());
    let (log, position) = numbers.split_at_mut(size_of::<u64>());
    log.copy_from_slice(&mark.log.to_be_bytes());
    position.copy_from_slice(&mark.position.to_be_bytes());
    checksum.copy_from_slice(&crc32fast::hash(numbers).to_be_bytes());
    bytes
}

/// The mark in `bytes`; `None` where a loss of power left something else.
fn decode(bytes: &[u8]) -> Option<Mark> {
    let (log, rest) = bytes.split_first_chunk()?;
    let (position, _) = rest.split_first_chunk()?;
    let mark = Mark {
        log: u64::from_be_bytes(*log),
        position: u64::from_be_bytes(*position),
    };
    (encode(mark) == bytes).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(path: &std::path::Path) -> StoreDirectory {
        StoreDirectory::claim(path, "test", 1, |_| Ok(())).unwrap()
    }

    const fn mark(log: u64, position: u64) -> Mark {
        Mark { log, position }
    }

    #[test]
    fn the_file_is_the_documented_one() {
        let bytes = encode(mark(1, 0x0203));
        assert_eq!(
            bytes,
            [
                0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 3, 0x50, 0xff, 0x6c, 0x2e
            ]
        );
        assert_eq!(decode(&bytes), Some(mark(1, 0x0203)));
    }

    #[test]
    fn a_mark_is_kept_and_never_goes_back() {
        let place = tempfile::tempdir().unwrap();
        {
            let directory = directory(place.path());
            let (watermark, before) = directory.watermark().unwrap();
            assert_eq!(before, None);
            watermark.raise(mark(1, 10)).unwrap();
            watermark.raise(mark(2, 5)).unwrap();
            watermark.raise(mark(1, 11)).unwrap();
        }
        let directory = directory(place.path());
        let (_, before) = directory.watermark().unwrap();
        assert_eq!(before, Some(mark(2, 5)));
    }

    #[test]
    fn what_a_loss_of_power_left_of_a_mark_is_no_mark() {
        let bytes = encode(mark(3, 4));
        assert_eq!(decode(&[0; BYTES]), None);
        for length in 0..BYTES {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
            let mut damaged = bytes;
            damaged[length] ^= 1;
            assert_eq!(decode(&damaged), None, "{length}");
        }
    }

    mod fuzzed {
        use storage_testkit::fuzz::decoder;

        use super::*;

        #[test]
        fn a_mark_is_what_would_be_written() {
            decoder([encode(mark(1, 0x0203)).to_vec()], |input| {
                if let Some(mark) = decode(input) {
                    assert_eq!(encode(mark), *input);
                }
            });
        }
    }
}
