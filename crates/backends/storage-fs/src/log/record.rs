//! What the frames of a log hold: its header, commits, and how far value files
//! are durable.

use std::io;

use super::frame::{self, Chain};
use crate::{
    version::{Version, VersionId},
    wire::{Input, put_bytes, put_number},
};

/// What every log begins with.
pub(crate) const MAGIC: &[u8; 8] = b"fs.log.1";

const HEADER: u8 = 1;
const COMMIT: u8 = 2;
const SETTLED: u8 = 3;
const CLOSED: u8 = 7;

const DELETE: u8 = 0;
const PUT: u8 = 1;
const PUT_WITH_CONTENT: u8 = 2;

/// Tells the files of one store from those of all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreTag(pub(crate) u64);

/// The first record of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHeader {
    pub(crate) store: StoreTag,
    pub(crate) number: u64,
    /// Where the log before it ended.
    pub(crate) previous_end: u64,
    /// The chain of the log before it.
    pub(crate) previous_chain: Chain,
}

impl LogHeader {
    /// The header as a frame, and the chain behind it.
    pub(crate) fn sealed(&self) -> io::Result<(Vec<u8>, Chain)> {
        let mut frame = Vec::new();
        frame::begin(&mut frame);
        frame.push(HEADER);
        frame.extend_from_slice(&self.store.0.to_le_bytes());
        frame.extend_from_slice(&self.number.to_le_bytes());
        frame.extend_from_slice(&self.previous_end.to_le_bytes());
        frame.extend_from_slice(&self.previous_chain.0.to_le_bytes());
        let chain = frame::end(&mut frame, Chain::begin(MAGIC))?;
        Ok((frame, chain))
    }

    /// The header that a frame holds.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut input = Input::new(payload);
        if input.byte()? != HEADER {
            return None;
        }
        let header = Self {
            store: StoreTag(u64::from_le_bytes(input.array()?)),
            number: u64::from_le_bytes(input.array()?),
            previous_end: u64::from_le_bytes(input.array()?),
            previous_chain: Chain(u32::from_le_bytes(input.array()?)),
        };
        input.is_empty().then_some(header)
    }
}

/// Begins the frame of a commit in `buffer`; its changes are appended.
pub(crate) fn begin_commit(buffer: &mut Vec<u8>) {
    frame::begin(buffer);
    buffer.push(COMMIT);
}

/// Appends that a key is removed.
pub(crate) fn put_delete(buffer: &mut Vec<u8>, key: &[u8]) {
    buffer.push(DELETE);
    put_bytes(buffer, key);
}

/// Appends that a key has a new version, and perhaps what its file holds.
pub(crate) fn put_put(buffer: &mut Vec<u8>, key: &[u8], version: &Version, content: Option<&[u8]>) {
    buffer.push(match content {
        None => PUT,
        Some(_) => PUT_WITH_CONTENT,
    });
    put_bytes(buffer, key);
    version.put(buffer);
    buffer.extend_from_slice(content.unwrap_or_default());
}

/// Writes the frame that says that the files of all versions before `below` are
/// durable.
pub(crate) fn begin_settled(buffer: &mut Vec<u8>, below: VersionId) {
    frame::begin(buffer);
    buffer.push(SETTLED);
    put_number(buffer, below.0);
}

/// Writes the frame that says that everything before it is durable, and that no
/// file waits to be removed.
pub(crate) fn begin_closed(buffer: &mut Vec<u8>) {
    frame::begin(buffer);
    buffer.push(CLOSED);
}

/// A record behind the header.
#[derive(Debug)]
pub(crate) enum Record<'a> {
    Commit(Changes<'a>),
    Settled(VersionId),
    Closed,
}

impl<'a> Record<'a> {
    /// The record that a frame holds. What a commit consists of is looked at
    /// when it is asked for.
    pub(crate) fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut input = Input::new(payload);
        match input.byte()? {
            COMMIT => Some(Self::Commit(Changes(input))),
            SETTLED => {
                let below = VersionId(input.number()?);
                input.is_empty().then_some(Self::Settled(below))
            }
            CLOSED => input.is_empty().then_some(Self::Closed),
            _ => None,
        }
    }
}

/// The changes of a commit, each `None` if it is not one, after which there are
/// no more.
#[derive(Debug)]
pub(crate) struct Changes<'a>(Input<'a>);

/// One change of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoggedChange<'a> {
    Delete {
        key: &'a [u8],
    },
    Put {
        key: &'a [u8],
        version: Version,
        /// What its file holds, if the log has it.
        content: Option<&'a [u8]>,
    },
}

impl<'a> Changes<'a> {
    /// How many bytes there are behind what was read.
    pub(crate) const fn left(&self) -> usize {
        self.0.rest().len()
    }

    fn read(&mut self) -> Option<LoggedChange<'a>> {
        let input = &mut self.0;
        let kind = input.byte()?;
        let key = input.bytes()?;
        if kind == DELETE {
            return Some(LoggedChange::Delete { key });
        }
        let version = Version::read(input)?;
        let content = match kind {
            PUT => None,
            PUT_WITH_CONTENT => Some(input.take(version.file()?.bytes)?),
            _ => return None,
        };
        Some(LoggedChange::Put {
            key,
            version,
            content,
        })
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Option<LoggedChange<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let change = self.read();
        if change.is_none() {
            self.0 = Input::new(&[]);
        }
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Codec,
        version::{Content, FileContent},
    };

    const HEADER: LogHeader = LogHeader {
        store: StoreTag(0x0807_0605_0403_0201),
        number: 3,
        previous_end: 0x0102,
        previous_chain: Chain(0x0403_0201),
    };

    fn version(id: u64) -> Version {
        Version {
            id: VersionId(id),
            expires: None,
            content: Content::File(FileContent {
                codec: Codec::None,
                bytes: 2,
                checksum: 0,
                value_bytes: 2,
            }),
        }
    }

    fn commit() -> Vec<u8> {
        let mut frame = Vec::new();
        begin_commit(&mut frame);
        put_delete(&mut frame, b"\x01d");
        put_put(&mut frame, b"\x01p", &version(1), None);
        put_put(&mut frame, b"\x01c", &version(2), Some(b"hi"));
        frame.split_off(frame::HEADER_BYTES)
    }

    fn changes(payload: &[u8]) -> Option<Vec<LoggedChange<'_>>> {
        match Record::parse(payload)? {
            Record::Commit(changes) => changes.collect(),
            Record::Settled(_) | Record::Closed => None,
        }
    }

    #[test]
    fn the_stored_forms_are_the_documented_ones() {
        let (frame, chain) = HEADER.sealed().unwrap();
        let payload = [
            1, 1, 2, 3, 4, 5, 6, 7, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4,
        ];
        assert_eq!(frame[frame::HEADER_BYTES..], payload);
        assert_eq!(frame[4..8], chain.0.to_le_bytes());
        assert_eq!(LogHeader::parse(&payload), Some(HEADER));
        assert_eq!(
            commit(),
            [
                2, 0, 2, 1, b'd', 1, 2, 1, b'p', 0, 1, 2, 0, 0, 0, 0, 2, 2, 1, b'c', 0, 2, 2, 0, 0,
                0, 0, b'h', b'i'
            ]
        );
        let mut settled = Vec::new();
        begin_settled(&mut settled, VersionId(300));
        assert_eq!(settled[frame::HEADER_BYTES..], [3, 0xAC, 2]);
        let mut closed = Vec::new();
        begin_closed(&mut closed);
        assert_eq!(closed[frame::HEADER_BYTES..], [7]);
    }

    #[test]
    fn a_commit_is_read_as_it_was_written() {
        let commit = commit();
        let expected = [
            LoggedChange::Delete { key: b"\x01d" },
            LoggedChange::Put {
                key: b"\x01p",
                version: version(1),
                content: None,
            },
            LoggedChange::Put {
                key: b"\x01c",
                version: version(2),
                content: Some(b"hi"),
            },
        ];
        assert_eq!(changes(&commit).unwrap(), expected);
    }

    #[test]
    fn what_is_no_record_is_not_taken_for_one_and_harms_nobody() {
        let commit = commit();
        let ends = [1, 5, 16, commit.len()];
        for length in 0..commit.len() {
            let is_whole = ends.contains(&length);
            assert_eq!(changes(&commit[..length]).is_some(), is_whole, "{length}");
        }
        let random = storage_core::SeededRandom::new(9);
        for round in 0..20_000 {
            let mut damaged = commit.clone();
            for _ in 0..=round % 3 {
                let place = usize::try_from(random.next_u64()).unwrap() % damaged.len();
                damaged[place] = random.next_u64().to_le_bytes()[0];
            }
            let _ = changes(&damaged);
            let _ = LogHeader::parse(&damaged);
        }
        for payload in [
            &b""[..],
            b"\x04",
            b"\x03",
            b"\x03\x01\x01",
            b"\x01",
            b"\x07\x00",
        ] {
            assert!(Record::parse(payload).is_none(), "{payload:?}");
            assert!(LogHeader::parse(payload).is_none(), "{payload:?}");
        }
    }
}
