//! How entries are kept in sled's tree.
//!
//! A row's key is the flat key, its value the envelope. An envelope that is too
//! large for one row is cut into pieces: the row then holds where they are and
//! the envelope's head, and the pieces are rows of their own, which no scan of
//! either space sees. Row and pieces change in one batch.
//! `docs/formats/sled.md` gives it byte by byte.

use bytes::BufMut;
use sled::{Db, IVec};
use storage_core::{
    Entry, Error, ErrorKind, Put, Result, Timestamp,
    embedded::{envelope, flat_key},
};

use crate::error::from_sled;

/// The longest envelope that is kept in one row. A page holds up to twenty
/// rows, or a few more, and must take less than a quarter of a segment.
const WHOLE_BYTES_MAX: usize = 16 << 10;

/// The length of every piece but the last.
const PIECE_BYTES: usize = WHOLE_BYTES_MAX;

/// The first byte of pieces' keys; flat keys begin with less.
pub(crate) const PIECES: u8 = 2;

/// The first byte of a row whose envelope is in pieces; envelopes begin with
/// less.
const IN_PIECES: u8 = 2;

/// How many bytes of the envelope a row keeps that is in pieces: enough to tell
/// when it expires.
const HEAD_BYTES: usize = envelope::OVERHEAD_BYTES_MAX;

/// The length of a row that is in pieces.
const IN_PIECES_BYTES: usize = 1 + size_of::<u64>() + size_of::<u32>() + HEAD_BYTES;

/// A row to be written or, without a value, removed.
pub(crate) type Row = (IVec, Option<IVec>);

/// Where the pieces of an envelope are, and how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    number: u64,
    count: u32,
    head: [u8; HEAD_BYTES],
}

impl Pieces {
    /// What a stored row says of pieces, if it is in pieces.
    pub(crate) fn of(stored: &[u8]) -> Result<Option<Self>> {
        let Some((&IN_PIECES, rest)) = stored.split_first() else {
            return Ok(None);
        };
        let read = || {
            let (number, rest) = rest.split_first_chunk()?;
            let (count, rest) = rest.split_first_chunk()?;
            Some(Self {
                number: u64::from_be_bytes(*number),
                count: u32::from_be_bytes(*count),
                head: rest.try_into().ok()?,
            })
        };
        let pieces =
            read().ok_or_else(|| corrupt("the row of a large value has another length"))?;
        Ok(Some(pieces))
    }

    fn row(&self) -> IVec {
        let mut row = Vec::with_capacity(IN_PIECES_BYTES);
        row.put_u8(IN_PIECES);
        row.put_u64(self.number);
        row.put_u32(self.count);
        row.put_slice(&self.head);
        row.into()
    }

    fn keys(self) -> impl Iterator<Item = IVec> {
        (0..self.count).map(move |index| piece_key(self.number, index))
    }

    /// The rows that remove the pieces.
    pub(crate) fn removed(self) -> impl Iterator<Item = Row> {
        self.keys().map(|key| (key, None))
    }

    /// The entry, put together. No commit may take place meanwhile.
    pub(crate) fn entry(self, db: &Db) -> Result<Entry> {
        let mut whole = Vec::new();
        for key in self.keys() {
            let piece = db.get(key).map_err(from_sled)?;
            let piece = piece.ok_or_else(|| corrupt("a piece of a large value is missing"))?;
            whole.extend_from_slice(&piece);
        }
        if !whole.starts_with(&self.head) {
            return Err(corrupt("the pieces of a large value are not its own"));
        }
        envelope::open(whole.into())
    }

    /// When the entry expires.
    pub(crate) fn expires(self) -> Result<Option<Timestamp>> {
        envelope::expires(&self.head)
    }
}

/// Writes rows, and numbers those that are in pieces.
#[derive(Debug)]
pub(crate) struct RowWriter {
    /// The number of the next large value. No pieces have this one or a greater
    /// one.
    next: u64,
}

impl RowWriter {
    /// Goes on where the pieces in `db` end.
    pub(crate) fn recover(db: &Db) -> Result<Self> {
        let last = db.range([PIECES]..).next_back();
        let next = match last.transpose().map_err(from_sled)? {
            None => 0,
            Some((key, _)) => number_of(&key)?.saturating_add(1),
        };
        Ok(Self { next })
    }

    /// Whether any large value was ever numbered and may be there.
    pub(crate) const fn has_numbered(&self) -> bool {
        self.next > 0
    }

    /// The rows of a put.
    pub(crate) fn rows(&mut self, put: &Put, rows: &mut Vec<Row>) {
        let key = IVec::from(flat_key::flat(put.key.as_key()));
        let whole = envelope::seal(&put.value, put.expires);
        if whole.len() <= WHOLE_BYTES_MAX {
            rows.push((key, Some(IVec::from(&*whole))));
            return;
        }
        let mut pieces = Pieces {
            number: self.next,
            count: 0,
            head: [0; HEAD_BYTES],
        };
        self.next += 1;
        for (index, piece) in (0..).zip(whole.chunks(PIECE_BYTES)) {
            rows.push((piece_key(pieces.number, index), Some(piece.into())));
            pieces.count = index + 1;
        }
        for (to, from) in pieces.head.iter_mut().zip(whole.iter()) {
            *to = *from;
        }
        rows.push((key, Some(pieces.row())));
    }
}

fn piece_key(number: u64, index: u32) -> IVec {
    let mut key = [0; 1 + size_of::<u64>() + size_of::<u32>()];
    let mut rest = key.as_mut_slice();
    rest.put_u8(PIECES);
    rest.put_u64(number);
    rest.put_u32(index);
    IVec::from(&key)
}

fn number_of(piece_key: &[u8]) -> Result<u64> {
    let number = piece_key.get(1..).and_then(<[u8]>::first_chunk);
    let number = number.ok_or_else(|| corrupt("the key of a piece has another length"))?;
    Ok(u64::from_be_bytes(*number))
}

fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("{what}; restore the store from a backup"),
    )
}
