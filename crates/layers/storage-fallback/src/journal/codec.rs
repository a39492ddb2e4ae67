//! Rows of the journal, byte by byte as `docs/formats/fallback.md` has them.

use bytes::{Buf, Bytes};
use storage_core::{Error, ErrorKind, Mutation, OwnedKey, Put, Result, Timestamp};

/// The version that is written, and the newest that is read.
const VERSION: u8 = 1;

const DELETE: u8 = 0;
const PUT: u8 = 1;
const PUT_UNTIL: u8 = 2;

/// Who a journal is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) journal: [u8; 16],
    /// The identity of the primary; zeros if it has none.
    pub(crate) primary: [u8; 16],
    /// What the marker is to reach before the primary is written to: the number of
    /// the last commit that was abandoned, 0 if none was.
    pub(crate) fence: u64,
}

impl Head {
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.journal);
        bytes.extend_from_slice(&self.primary);
        bytes.extend_from_slice(&self.fence.to_be_bytes());
        bytes.into()
    }

    /// # Errors
    /// `Corrupt` for what [`encode`](Self::encode) has not written, `Unsupported`
    /// for a newer version.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let rest = versioned(bytes)?;
        let read = || {
            let (journal, rest) = rest.split_first_chunk()?;
            let (primary, fence) = rest.split_first_chunk()?;
            Some(Self {
                journal: *journal,
                primary: *primary,
                fence: u64::from_be_bytes(fence.try_into().ok()?),
            })
        };
        read().ok_or_else(damaged)
    }
}

/// Encodes the puts and deletes of user keys.
pub(super) fn encode(mutations: &[Mutation]) -> Bytes {
    let mut bytes = vec![VERSION];
    for mutation in mutations {
        match mutation {
            Mutation::Delete(key) => {
                bytes.push(DELETE);
                put_slice(&mut bytes, key.bytes());
            }
            Mutation::Put(put) => {
                bytes.push(if put.expires.is_some() {
                    PUT_UNTIL
                } else {
                    PUT
                });
                put_slice(&mut bytes, put.key.bytes());
                put_slice(&mut bytes, &put.value);
                if let Some(expires) = put.expires {
                    bytes.extend_from_slice(&expires.as_unix_milliseconds().to_be_bytes());
                }
            }
            // Neither is ever accepted.
            Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => {}
        }
    }
    bytes.into()
}

/// What [`encode`] wrote.
///
/// # Errors
/// `Corrupt` if it did not write this, `Unsupported` for a newer version.
pub(super) fn decode(bytes: &Bytes) -> Result<Vec<Mutation>> {
    let length = versioned(bytes)?.len();
    let mut rest = bytes.slice(bytes.len() - length..);
    let mut mutations = Vec::new();
    while !rest.is_empty() {
        let tag = rest.get_u8();
        let key = OwnedKey::from(take_slice(&mut rest)?);
        mutations.push(match tag {
            DELETE => Mutation::Delete(key),
            PUT => Put::new(key, take_slice(&mut rest)?).into(),
            PUT_UNTIL => {
                let value = take_slice(&mut rest)?;
                let expires = rest.try_get_u64().map_err(|_| damaged())?;
                let expires = Timestamp::from_unix_milliseconds(expires);
                Put::new(key, value).until(expires).into()
            }
            _ => return Err(damaged()),
        });
    }
    Ok(mutations)
}

fn versioned(bytes: &[u8]) -> Result<&[u8]> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((version, _)) if *version > VERSION => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the standby was written by a newer version of this library (format {version}); \
                 open it with that one"
            ),
        )),
        _ => Err(damaged()),
    }
}

/// Lengths fit: what is longer, no store takes.
fn put_slice(bytes: &mut Vec<u8>, slice: &[u8]) {
    let length = u32::try_from(slice.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(slice);
}

fn take_slice(rest: &mut Bytes) -> Result<Bytes> {
    let length = rest.try_get_u32().map_err(|_| damaged())?;
    let length = usize::try_from(length).map_err(|_| damaged())?;
    if length > rest.len() {
        return Err(damaged());
    }
    Ok(rest.split_to(length))
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "a row of the standby is damaged; what was accepted cannot be written back",
    )
}

#[cfg(test)]
mod tests {
    use storage_core::WriteBatch;

    use super::*;

    fn mutations() -> Vec<Mutation> {
        let until = Timestamp::from_unix_milliseconds(1_700_000_000_000);
        let batch = WriteBatch::new()
            .put("a", "one")
            .put_until("", "", until)
            .delete("b");
        batch.into_parts().1
    }

    /// The bytes that version 1 writes, for good.
    const GOLDEN: &[u8] = b"\x01\
        \x01\0\0\0\x01a\0\0\0\x03one\
        \x02\0\0\0\0\0\0\0\0\0\0\x01\x8b\xcf\xe5\x68\0\
        \0\0\0\0\x01b";

    #[test]
    fn a_commit_has_the_bytes_of_its_format() {
        assert_eq!(encode(&mutations()), GOLDEN);
        assert_eq!(decode(&Bytes::from_static(GOLDEN)).unwrap(), mutations());
    }

    #[test]
    fn a_head_has_the_bytes_of_its_format() {
        let head = Head {
            journal: [7; 16],
            primary: [9; 16],
            fence: 258,
        };
        let golden = [&[1][..], &[7; 16], &[9; 16], b"\0\0\0\0\0\0\x01\x02"].concat();
        assert_eq!(head.encode(), golden);
        assert_eq!(Head::decode(&golden).unwrap(), head);
    }

    #[test]
    fn no_damage_is_taken_for_a_commit_of_the_same_length_or_panics() {
        for length in 0..GOLDEN.len() {
            let cut = Bytes::from_static(&GOLDEN[..length]);
            match decode(&cut) {
                Ok(decoded) => assert!(decoded.len() < 3, "{length}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
        }
        for position in 0..GOLDEN.len() {
            let mut flipped = GOLDEN.to_vec();
            flipped[position] ^= 0xff;
            let _ = decode(&flipped.into());
        }
        let newer = Bytes::from_static(b"\x02");
        assert_eq!(decode(&newer).unwrap_err().kind(), ErrorKind::Unsupported);
        let short = Head::decode(&[1; 20]).unwrap_err();
        assert_eq!(short.kind(), ErrorKind::Corrupt);
    }
}
