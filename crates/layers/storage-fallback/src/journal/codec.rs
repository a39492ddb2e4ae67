//! Rows of the journal, byte by byte as `docs/formats/fallback.md` has them.

use bytes::{Buf, Bytes};
use storage_core::{Mutation, OwnedKey, Put, Result, Timestamp};

use super::sealed::{damaged, seal, unseal};

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
        let fence = self.fence.to_be_bytes();
        seal(&[&self.journal[..], &self.primary, &fence].concat())
    }

    /// # Errors
    /// `Corrupt` for what [`encode`](Self::encode) has not written, `Unsupported`
    /// for a newer version.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let rest = unseal(bytes)?;
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
    // No batch has more than fit.
    let count = u32::try_from(mutations.len()).unwrap_or(u32::MAX);
    let mut bytes = count.to_be_bytes().to_vec();
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
    seal(&bytes)
}

/// What [`encode`] wrote.
///
/// # Errors
/// `Corrupt` if it did not write this, `Unsupported` for a newer version.
pub(super) fn decode(bytes: &Bytes) -> Result<Vec<Mutation>> {
    let mut rest = bytes.slice_ref(unseal(bytes)?);
    let count = rest.try_get_u32().map_err(|_| damaged())?;
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
    if u32::try_from(mutations.len()) != Ok(count) {
        return Err(damaged());
    }
    Ok(mutations)
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

#[cfg(test)]
mod tests {
    use storage_core::{ErrorKind, WriteBatch};

    use super::{super::sealed::damages, *};

    fn mutations() -> Vec<Mutation> {
        let until = Timestamp::from_unix_milliseconds(1_700_000_000_000);
        let batch = WriteBatch::new()
            .put("a", "one")
            .put_until("", "", until)
            .delete("b");
        batch.into_parts().1
    }

    /// The bytes that version 1 writes, for good.
    const GOLDEN: &[u8] = b"\x01\0\0\0\x03\
        \x01\0\0\0\x01a\0\0\0\x03one\
        \x02\0\0\0\0\0\0\0\0\0\0\x01\x8b\xcf\xe5\x68\0\
        \0\0\0\0\x01b\
        \xd5\xe6\x7d\x80";

    const HEAD: Head = Head {
        journal: [7; 16],
        primary: [9; 16],
        fence: 258,
    };

    #[test]
    fn a_commit_has_the_bytes_of_its_format() {
        assert_eq!(encode(&mutations()), GOLDEN);
        assert_eq!(decode(&Bytes::from_static(GOLDEN)).unwrap(), mutations());
    }

    #[test]
    fn a_head_has_the_bytes_of_its_format() {
        let golden = [
            &[1][..],
            &[7; 16],
            &[9; 16],
            b"\0\0\0\0\0\0\x01\x02",
            b"\xfb\xe7\xa3\xef",
        ]
        .concat();
        assert_eq!(HEAD.encode(), golden);
        assert_eq!(Head::decode(&golden).unwrap(), HEAD);
    }

    #[test]
    fn no_damage_is_taken_for_a_commit_or_a_head() {
        for damaged in damages(GOLDEN) {
            let error = decode(&damaged.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        for damaged in damages(&HEAD.encode()) {
            let error = Head::decode(&damaged).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_commit_is_whole_or_none() {
        // Sealed all right, but not what the count says.
        let content = unseal(GOLDEN).unwrap();
        for count in [0, 2, 4, u8::MAX] {
            let mut content = content.to_vec();
            content[3] = count;
            let error = decode(&seal(&content)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{count}");
        }
    }

    #[test]
    fn a_newer_version_is_not_taken_for_damage() {
        let mut newer = b"\x02anything".to_vec();
        newer.extend_from_slice(&crc32fast::hash(&newer).to_be_bytes());
        let error = decode(&newer.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
