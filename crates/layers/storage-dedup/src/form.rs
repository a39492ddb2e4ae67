//! What stands in the row of a key in place of its value.
//!
//! `docs/formats/dedup.md` is the specification.

use bytes::Bytes;
use storage_core::{Error, ErrorKind, Result};

use crate::{
    hash::{ChunkHash, as_usize},
    layer::NAME,
};

/// How much longer the row is than a value that stands in it.
pub(crate) const OVERHEAD_BYTES: usize = 1;

/// The value itself follows.
const INLINE: u8 = 0x00;

/// Pieces follow. No bit is that of the other tag.
const PIECES: u8 = 0xFF;

const PIECE_BYTES: usize = ChunkHash::BYTES + size_of::<u32>();

/// A chunk, as a row refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) hash: ChunkHash,
    /// How long the chunk is.
    pub(crate) length: u32,
}

/// What a row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The value.
    Inline(Bytes),
    /// The chunks that it is made of, in its order.
    Pieces(Vec<Piece>),
}

impl Form {
    /// Reads a row.
    ///
    /// # Errors
    /// `Corrupt` if it is none, or is of a value of more than `value_bytes_max`.
    pub(crate) fn decode(stored: &Bytes, value_bytes_max: usize) -> Result<Self> {
        match stored.split_first() {
            Some((&INLINE, _)) => Ok(Self::Inline(stored.slice(OVERHEAD_BYTES..))),
            Some((&PIECES, rest)) => decode_pieces(rest, value_bytes_max).map(Self::Pieces),
            Some((tag, _)) => Err(corrupt(format!(
                "its first byte is {tag:#04x}, which means nothing"
            ))),
            None => Err(corrupt("it is empty")),
        }
    }

    /// How long the value claims to be.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Inline(value) => value.len(),
            Self::Pieces(pieces) => pieces.iter().map(|piece| as_usize(piece.length)).sum(),
        }
    }

    /// The chunks that the row refers to, some perhaps several times.
    pub(crate) fn pieces(&self) -> &[Piece] {
        match self {
            Self::Inline(_) => &[],
            Self::Pieces(pieces) => pieces,
        }
    }
}

/// The row of a value that stands in it.
pub(crate) fn inline(value: &[u8]) -> Bytes {
    let mut stored = Vec::with_capacity(OVERHEAD_BYTES + value.len());
    stored.push(INLINE);
    stored.extend_from_slice(value);
    stored.into()
}

/// The row of a value that is made of these chunks.
pub(crate) fn referring(pieces: impl ExactSizeIterator<Item = Piece>) -> Bytes {
    let mut stored = Vec::with_capacity(referring_bytes(pieces.len()));
    stored.push(PIECES);
    for piece in pieces {
        stored.extend_from_slice(&piece.hash.0);
        stored.extend_from_slice(&piece.length.to_be_bytes());
    }
    stored.into()
}

/// How long the row of so many chunks is.
pub(crate) const fn referring_bytes(pieces: usize) -> usize {
    pieces.saturating_mul(PIECE_BYTES).saturating_add(1)
}

fn decode_pieces(rest: &[u8], value_bytes_max: usize) -> Result<Vec<Piece>> {
    let (whole, cut_off) = rest.as_chunks::<PIECE_BYTES>();
    if whole.is_empty() || !cut_off.is_empty() {
        return Err(corrupt("it is cut off"));
    }
    let mut length = 0_u64;
    let mut pieces = Vec::with_capacity(whole.len());
    for piece in whole {
        let Some((hash, rest)) = ChunkHash::split(piece) else {
            return Err(corrupt("it is cut off"));
        };
        let bytes = rest.try_into().map_or(0, u32::from_be_bytes);
        if bytes == 0 {
            return Err(corrupt("it refers to a chunk of no bytes"));
        }
        length += u64::from(bytes);
        pieces.push(Piece {
            hash,
            length: bytes,
        });
    }
    if usize::try_from(length).is_ok_and(|length| length <= value_bytes_max) {
        return Ok(pieces);
    }
    Err(corrupt(format!(
        "it claims to be {length} bytes, and no value has more than {value_bytes_max}"
    )))
}

/// The error of a row that cannot be read.
pub(crate) fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("a stored value cannot be put together: {what}; restore it from a backup"),
    )
    .with_layer(NAME)
}

/// What is wrong where a chunk is missing.
pub(crate) fn missing(hash: ChunkHash) -> Error {
    corrupt(format_args!("the chunk {hash} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1 << 20;

    fn piece(number: u8, length: u32) -> Piece {
        Piece {
            hash: ChunkHash([number; 32]),
            length,
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        for value in [&b""[..], b"\x00", b"value"] {
            let read = Form::decode(&inline(value), MAX).unwrap();
            assert_eq!(read, Form::Inline(Bytes::copy_from_slice(value)));
        }
        let pieces = vec![piece(1, 5), piece(2, 7), piece(1, 5)];
        let row = referring(pieces.iter().copied());
        assert_eq!(row.len(), referring_bytes(3));
        let read = Form::decode(&row, MAX).unwrap();
        assert_eq!((read.length(), read.pieces()), (17, &*pieces));
    }

    #[test]
    fn rows_that_were_not_written_are_corrupt() {
        let row = referring([piece(1, 5), piece(2, 7)].into_iter());
        for length in (0..row.len()).filter(|length| *length != referring_bytes(1)) {
            assert!(Form::decode(&row.slice(..length), MAX).is_err(), "{length}");
        }
        for tag in 1..u8::MAX {
            let mut other = row.to_vec();
            other[0] = tag;
            assert!(Form::decode(&other.into(), MAX).is_err(), "{tag}");
        }
        let nothing = referring([piece(1, 0)].into_iter());
        assert!(Form::decode(&nothing, MAX).is_err());
    }

    #[test]
    fn a_value_that_claims_to_be_huge_is_corrupt() {
        let row = referring((0..100).map(|number| piece(number, u32::MAX)));
        let error = Form::decode(&row, MAX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("429496729500"), "{error}");
    }
}
