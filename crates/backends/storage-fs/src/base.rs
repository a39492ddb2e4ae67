//! The base: the index as of the beginning of a log, in one file.
//!
//! It is the pages of the index as they are in memory, each in a frame. A new
//! base is written beside the old one and renamed when it is durable.
//! `docs/formats/fs.md` gives the bytes.

use std::io::{self, BufReader, BufWriter, Write};

use storage_core::{Error, Result};

use crate::{
    error::{damaged, failed},
    files::{FileName, Folder},
    index::{Index, Page},
    log::{
        frame::{self, Chain, Frames, Next},
        record::StoreTag,
    },
    version::VersionId,
    wire::{Input, as_u64, put_bytes, put_number},
};

const MAGIC: &[u8; 8] = b"fs.base1";
const PREFIX: &str = "base-";

/// How the name of a base ends that is being written.
const UNFINISHED: &str = ".new";

const HEADER: u8 = 4;
const PAGE: u8 = 5;
const DEAD: u8 = 6;

/// How much of a base is read or written at a time.
const BUFFER_BYTES: usize = 1 << 20;

/// The name of the file of base `number`.
pub(crate) fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}

/// The number of the base whose file has this name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix(PREFIX)?.parse().ok()?;
    (self::name(number) == name).then_some(number)
}

/// Whether a file of this name is a base that was not finished.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(UNFINISHED)
        .is_some_and(|name| number_of(name).is_some())
}

/// What a base holds.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) store: StoreTag,
    /// Also the number of the log that follows it.
    pub(crate) number: u64,
    /// The chain of that log behind its header.
    pub(crate) log_chain: Chain,
    /// Versions from here on are later. The files of all others are durable.
    pub(crate) next: VersionId,
    pub(crate) index: Index,
    /// Files that no key refers to, and that may still be there.
    pub(crate) dead: Vec<FileName>,
}

impl Base {
    /// Writes the base, so that it is there whole or not at all, and survives a
    /// loss of power. Gives its length.
    pub(crate) fn write(&self, data: &Folder) -> io::Result<u64> {
        let (name, unfinished) = (name(self.number), name(self.number) + UNFINISHED);
        data.remove(&unfinished)?;
        let file = data.create(&unfinished)?;
        let mut output = BufWriter::with_capacity(BUFFER_BYTES, file);
        let written = self.write_to(&mut output).and_then(|length| {
            let file = output
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            data.rename(&unfinished, &name)?;
            Ok(length)
        });
        match written {
            Ok(length) => data.sync().map(|()| length),
            Err(error) => {
                // The next open removes it otherwise.
                let _ = data.remove(&unfinished);
                Err(error)
            }
        }
    }

    fn write_to(&self, output: &mut impl Write) -> io::Result<u64> {
        let mut writer = FrameWriter {
            output,
            chain: Chain::begin(MAGIC),
            length: as_u64(MAGIC.len()),
            buffer: Vec::new(),
        };
        writer.output.write_all(MAGIC)?;
        writer.frame(HEADER, |payload| {
            payload.extend_from_slice(&self.store.0.to_le_bytes());
            payload.extend_from_slice(&self.number.to_le_bytes());
            payload.extend_from_slice(&self.log_chain.0.to_le_bytes());
            put_number(payload, self.next.0);
            put_number(payload, as_u64(self.index.pages().count()));
        })?;
        for page in self.index.pages() {
            writer.frame(PAGE, |payload| payload.extend_from_slice(page.bytes()))?;
        }
        writer.frame(DEAD, |payload| {
            for name in &self.dead {
                put_bytes(payload, name.text().as_bytes());
            }
        })?;
        Ok(writer.length)
    }

    /// Reads base `number`, and gives its length too.
    ///
    /// # Errors
    /// `Corrupt` if it is not what was written.
    pub(crate) fn read(data: &Folder, number: u64) -> Result<(Self, u64)> {
        let name = name(number);
        let reading = |error| failed("reading", &name, error);
        let file = data.read(&name).map_err(reading)?;
        let length = file.metadata().map_err(reading)?.len();
        let input = BufReader::with_capacity(BUFFER_BYTES, file);
        let frames = Frames::new(input, MAGIC, length).map_err(reading)?;
        let mut reader = Reader {
            frames: frames.ok_or_else(|| damaged(&name, "does not begin as a base does"))?,
            name: &name,
        };
        let base = reader.base()?;
        if base.number == number {
            Ok((base, length))
        } else {
            Err(damaged(&name, format!("is base {}", base.number)))
        }
    }
}

struct FrameWriter<'a, W> {
    output: &'a mut W,
    chain: Chain,
    length: u64,
    buffer: Vec<u8>,
}

impl<W: Write> FrameWriter<'_, W> {
    fn frame(&mut self, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        frame::begin(&mut self.buffer);
        self.buffer.push(tag);
        fill(&mut self.buffer);
        self.chain = frame::end(&mut self.buffer, self.chain)?;
        self.length += as_u64(self.buffer.len());
        self.output.write_all(&self.buffer)
    }
}

struct Reader<'a, R> {
    frames: Frames<R>,
    name: &'a str,
}

impl<R: io::Read> Reader<'_, R> {
    fn base(&mut self) -> Result<Base> {
        let (mut base, pages) = self.frame(header)?;
        for _ in 0..pages {
            let index = &mut base.index;
            self.frame(|payload| {
                let (PAGE, bytes) = payload.split_first().map(|(tag, rest)| (*tag, rest))? else {
                    return None;
                };
                let (page, first, totals) = Page::parse(bytes)?;
                index.push(page, first, &totals)
            })?;
        }
        base.dead = self.frame(dead)?;
        let (end, _) = self.frames.tail();
        match self.frames.next() {
            Ok(Next::End) => Ok(base),
            Ok(_) => Err(damaged(self.name, format!("goes on behind byte {end}"))),
            Err(error) => Err(failed("reading", self.name, error)),
        }
    }

    /// What `parse` makes of the next frame.
    fn frame<T>(&mut self, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T> {
        let (begin, _) = self.frames.tail();
        let broken = || -> Error { damaged(self.name, format!("is damaged at byte {begin}")) };
        match self.frames.next() {
            Ok(Next::Frame(payload)) => parse(&payload).ok_or_else(broken),
            Ok(Next::End | Next::Broken) => Err(broken()),
            Err(error) => Err(failed("reading", self.name, error)),
        }
    }
}

/// What the first frame says, and how many pages follow.
fn header(payload: &[u8]) -> Option<(Base, u64)> {
    let mut input = Input::new(payload);
    if input.byte()? != HEADER {
        return None;
    }
    let base = Base {
        store: StoreTag(u64::from_le_bytes(input.array()?)),
        number: u64::from_le_bytes(input.array()?),
        log_chain: Chain(u32::from_le_bytes(input.array()?)),
        next: VersionId(input.number()?),
        index: Index::default(),
        dead: Vec::new(),
    };
    let pages = input.number()?;
    input.is_empty().then_some((base, pages))
}

fn dead(payload: &[u8]) -> Option<Vec<FileName>> {
    let mut input = Input::new(payload);
    if input.byte()? != DEAD {
        return None;
    }
    let mut names = Vec::new();
    while !input.is_empty() {
        names.push(FileName::parse(str::from_utf8(input.bytes()?).ok()?)?);
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::{Content, Version};
    use storage_core::{ErrorKind, SeededRandom};
    use tempfile::{TempDir, tempdir};

    fn sample() -> Base {
        let mut index = Index::default();
        for number in 0..300 {
            let version = Version {
                id: VersionId(number),
                expires: None,
                content: Content::Empty,
            };
            index.put(format!("\x01key/{number:03}").as_bytes(), &version);
        }
        Base {
            store: StoreTag(5),
            number: 3,
            log_chain: Chain(7),
            next: VersionId(300),
            index,
            dead: vec![FileName::parse("9.gone").unwrap()],
        }
    }

    fn written() -> (TempDir, Folder, Vec<u8>) {
        let directory = tempdir().unwrap();
        let data = Folder::open(directory.path()).unwrap();
        let length = sample().write(&data).unwrap();
        let bytes = std::fs::read(directory.path().join("base-3")).unwrap();
        assert_eq!(as_u64(bytes.len()), length);
        (directory, data, bytes)
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        let mut base = sample();
        base.index = Index::default();
        let version = Version {
            id: VersionId(7),
            expires: None,
            content: Content::Empty,
        };
        base.index.put(b"\x01ab", &version);
        base.index.put(b"\x01ac", &version);
        let mut bytes = Vec::new();
        base.write_to(&mut bytes).unwrap();
        let (magic, frames) = bytes.split_at(8);
        assert_eq!(magic, b"fs.base1");
        let payloads: [&[u8]; 3] = [
            b"\x04\x05\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x07\0\0\0\xAC\x02\x01",
            b"\x05\0\x03\x01ab\x04\x07\x02\x01c\x04\x07",
            b"\x06\x069.gone",
        ];
        let mut rest = frames;
        for payload in payloads {
            let (header, behind) = rest.split_at(frame::HEADER_BYTES);
            let (found, behind) = behind.split_at(payload.len());
            assert_eq!(found, payload);
            assert_eq!(usize::from(header[0]), payload.len());
            rest = behind;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_base_is_read_as_it_was_written() {
        let (_directory, data, bytes) = written();
        let (base, length) = Base::read(&data, 3).unwrap();
        let sample = sample();
        assert_eq!(length, as_u64(bytes.len()));
        assert_eq!((base.store, base.number), (sample.store, 3));
        assert_eq!((base.log_chain, base.next), (sample.log_chain, sample.next));
        assert_eq!(base.dead, sample.dead);
        assert_eq!(base.index.totals(), sample.index.totals());
        let pages = |index: &Index| -> Vec<Vec<u8>> {
            index.pages().map(|page| page.bytes().to_vec()).collect()
        };
        assert_eq!(pages(&base.index), pages(&sample.index));
    }

    #[test]
    fn a_base_with_any_byte_changed_cut_or_added_is_corrupt_and_says_where() {
        let (directory, data, whole) = written();
        let path = directory.path().join("base-3");
        let is_corrupt = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = Base::read(&data, 3).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.message().contains("data/base-3"), "{error}");
        };
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << (place % 8);
            is_corrupt(&damaged);
            is_corrupt(&whole[..place]);
        }
        is_corrupt(&[&whole[..], &[0]].concat());
        std::fs::rename(&path, directory.path().join("base-4")).unwrap();
        std::fs::write(directory.path().join("base-4"), &whole).unwrap();
        assert_eq!(Base::read(&data, 4).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn noise_is_no_base() {
        let (directory, data, _) = written();
        let random = SeededRandom::new(4);
        for length in 0..500 {
            let noise = (0..length).map(|_| random.next_u64().to_le_bytes()[0]);
            let bytes: Vec<u8> = MAGIC.iter().copied().chain(noise).collect();
            std::fs::write(directory.path().join("base-3"), bytes).unwrap();
            assert!(Base::read(&data, 3).is_err());
        }
        // Neither is what is no base within whole frames.
        for payload in [&b""[..], b"\x04", b"\x05", b"\x06\x01a", b"\x06\x03"] {
            assert!(header(payload).is_none());
            assert!(dead(payload).is_none(), "{payload:?}");
        }
    }

    #[test]
    fn names_of_bases_are_told_from_others() {
        assert_eq!(number_of("base-12"), Some(12));
        assert!(is_unfinished("base-12.new"));
        for other in ["base-", "base-012", "base-x", "log-1", "base-1.new"] {
            assert_eq!(number_of(other), None);
        }
        assert!(!is_unfinished("base-x.new") && !is_unfinished("base-1"));
    }
}
