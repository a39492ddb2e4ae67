//! Batches of fjall's journal that a loss of power tore.
//!
//! A disk writes the sectors of a batch in any order. fjall drops a last batch
//! whose end is missing, but refuses to open a journal with a batch whose end is
//! there and whose middle is not, although nothing of either was ever durable.
//! After a crash such a batch, and what follows it, is cut off here before fjall
//! looks. `docs/decisions/0012-fjall-torn-batches.md` gives the reasoning.

use std::{
    fs::{self, File},
    hash::Hasher,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use storage_core::{Error, Result};
use twox_hash::XxHash3_64;

use crate::journal::newest_journal;

/// What fjall writes before the fields of each kind of record.
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

/// How a value is stored. The checksum is of the stored form.
const UNCOMPRESSED: u8 = 0;
const LZ4: u8 = 1;

/// The last bytes of a batch.
const TRAILER: [u8; 4] = *b"FJL\x03";

/// What the files are called that hold what was cut off, before the number of
/// the journal and the place in it.
const CUT_FILE: &str = "CUT-";

/// Cuts the newest journal in `data` off where fjall would refuse it, and sets
/// what is cut off aside in `store`. All earlier journals were synced before it
/// was begun.
///
/// # Errors
/// What the operating system reports; `Corrupt` if there is no journal.
pub(crate) fn cut_off_torn_batch(store: &Path, data: &Path) -> Result<()> {
    let journal = newest_journal(data)?;
    let path = data.join(format!("{journal}.jnl"));
    let cut = || {
        let file = File::options().read(true).write(true).open(&path)?;
        if let Some(end) = refused_batch(BufReader::new(&file))? {
            set_aside(
                &file,
                end,
                &store.join(format!("{CUT_FILE}{journal}-{end}")),
            )?;
            File::open(store)?.sync_all()?;
            file.set_len(end)?;
            file.sync_all()?;
        }
        Ok(())
    };
    cut().map_err(|error| Error::io(format!("recovering {}", path.display()), error))
}

/// What was cut off so far and set aside in `store`.
///
/// # Errors
/// What the operating system reports.
pub(crate) fn cut_off(store: &Path) -> Result<Vec<PathBuf>> {
    let list = || {
        let names = fs::read_dir(store)?.map(|entry| Ok(entry?.path()));
        names.collect::<io::Result<Vec<_>>>()
    };
    let mut files =
        list().map_err(|error| Error::io(format!("looking into {}", store.display()), error))?;
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(CUT_FILE))
    });
    Ok(files)
}

/// Copies a journal from `start` on, without the room that was never written.
fn set_aside(mut journal: &File, start: u64, to: &Path) -> io::Result<()> {
    let from_start = |mut journal: &File| journal.seek(SeekFrom::Start(start));
    from_start(journal)?;
    let written = written_bytes(BufReader::new(journal))?;
    from_start(journal)?;
    let mut copy = File::options().append(true).create(true).open(to)?;
    io::copy(&mut (&mut journal).take(written), &mut copy)?;
    copy.sync_all()
}

/// How many bytes there are before nothing but zeros follows.
fn written_bytes(mut input: impl Read) -> io::Result<u64> {
    let (mut position, mut written) = (0, 0);
    let mut chunk = [0; 8 << 10];
    loop {
        let length = input.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else {
            return Ok(written);
        };
        if let Some(last) = read.iter().rposition(|byte| *byte != 0) {
            written = position + u64::try_from(last + 1).unwrap_or(u64::MAX);
        }
        position += u64::try_from(length).unwrap_or(u64::MAX);
    }
}

/// Where the first batch begins that fjall refuses, if it comes to one.
fn refused_batch(journal: impl Read) -> io::Result<Option<u64>> {
    let mut records = Records {
        input: journal,
        position: 0,
        hasher: XxHash3_64::new(),
    };
    loop {
        let start = records.position;
        match records.batch() {
            Ok(Batch::Whole) => {}
            Ok(Batch::Refused) => return Ok(Some(start)),
            Ok(Batch::Dropped) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// What fjall makes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    Whole,
    /// It is cut off, with all that follows it.
    Dropped,
    /// The database does not open.
    Refused,
}

struct Records<R> {
    input: R,
    position: u64,
    /// Of the records of a batch between its first and its last.
    hasher: XxHash3_64,
}

impl<R: Read> Records<R> {
    fn batch(&mut self) -> io::Result<Batch> {
        if self.take::<1>()? != [START] {
            return Ok(Batch::Dropped);
        }
        let mut left = u32::from_le_bytes(self.take()?);
        let _sequence: [u8; 8] = self.take()?;
        self.hasher = XxHash3_64::new();
        loop {
            let [tag] = self.take()?;
            match tag {
                ITEM | CLEAR => {
                    self.hasher.write(&[tag]);
                    let batch = match tag {
                        ITEM => self.item()?,
                        _ => self.hashed::<8>().map(|_| Batch::Whole)?,
                    };
                    match (batch, left.checked_sub(1)) {
                        (Batch::Whole, Some(fewer)) => left = fewer,
                        (Batch::Whole, None) => return Ok(Batch::Refused),
                        (torn, _) => return Ok(torn),
                    }
                }
                END => return self.end(left),
                _ => return Ok(Batch::Dropped),
            }
        }
    }

    fn item(&mut self) -> io::Result<Batch> {
        let [kind, compression] = self.hashed()?;
        if !matches!(kind, 0 | 1 | 2 | 4) || !matches!(compression, UNCOMPRESSED | LZ4) {
            return Ok(Batch::Dropped);
        }
        let _keyspace: [u8; 8] = self.hashed()?;
        let key_bytes = u16::from_le_bytes(self.hashed()?);
        let value_bytes = u32::from_le_bytes(self.hashed()?);
        let stored_bytes = u32::from_le_bytes(self.hashed()?);
        if compression == UNCOMPRESSED && value_bytes != stored_bytes {
            return Ok(Batch::Refused);
        }
        let length = u64::from(key_bytes).saturating_add(stored_bytes.into());
        let mut body = Vec::new();
        let found = (&mut self.input).take(length).read_to_end(&mut body)?;
        if u64::try_from(found).ok() != Some(length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position = self.position.saturating_add(length);
        self.hasher.write(&body);
        Ok(Batch::Whole)
    }

    fn end(&mut self, left: u32) -> io::Result<Batch> {
        let checksum = u64::from_le_bytes(self.take()?);
        if self.take()? != TRAILER {
            return Ok(Batch::Dropped);
        }
        if left == 0 && checksum == self.hasher.finish() {
            Ok(Batch::Whole)
        } else {
            Ok(Batch::Refused)
        }
    }

    fn hashed<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = self.take()?;
        self.hasher.write(&bytes);
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        let length = u64::try_from(N).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(length);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &[u8], value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        let mut bytes = vec![ITEM, 0, UNCOMPRESSED];
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(u16::try_from(key.len()).unwrap().to_le_bytes());
        bytes.extend([length, length].concat());
        bytes.extend([key, value].concat());
        bytes
    }

    fn batch(items: &[Vec<u8>]) -> Vec<u8> {
        let body = items.concat();
        let mut bytes = vec![START];
        bytes.extend(u32::try_from(items.len()).unwrap().to_le_bytes());
        bytes.extend(7_u64.to_le_bytes());
        bytes.extend(&body);
        bytes.push(END);
        bytes.extend(XxHash3_64::oneshot(&body).to_le_bytes());
        bytes.extend(TRAILER);
        bytes
    }

    #[test]
    fn whole_batches_and_the_room_after_them_stay() {
        let mut journal = batch(&[item(b"a", b"1"), item(b"b", b"")]);
        journal.extend(batch(&[item(b"c", &[0; 3000])]));
        assert_eq!(refused_batch(journal.as_slice()).unwrap(), None);
        journal.extend([0; 1000]);
        assert_eq!(refused_batch(journal.as_slice()).unwrap(), None);
    }

    #[test]
    fn a_batch_that_is_not_what_was_written_is_cut_off_or_left_to_fjall() {
        let first = batch(&[item(b"a", b"1")]);
        let second = batch(&[item(b"b", b"22"), item(b"c", b"3")]);
        let whole = [first.as_slice(), &second].concat();
        let begins = u64::try_from(first.len()).unwrap();
        let mut refused = 0;
        for place in first.len()..whole.len() {
            let mut torn = whole.clone();
            torn[place] ^= 0xff;
            if let Some(end) = refused_batch(torn.as_slice()).unwrap() {
                assert_eq!(end, begins);
                refused += 1;
            }
        }
        assert!(refused > second.len() / 4, "{refused}");
    }

    #[test]
    fn a_batch_whose_value_was_lost_is_refused() {
        let mut journal = batch(&[item(b"key", &[1; 100])]);
        let last = journal.len() - 20;
        journal[last..last + 5].fill(0);
        assert_eq!(refused_batch(journal.as_slice()).unwrap(), Some(0));
    }
}
