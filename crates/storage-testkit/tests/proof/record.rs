//! The records of the log: the changes of one commit, whole or not at all.

use bytes::{Buf, BufMut, Bytes};
use storage_core::{OwnedKey, Put, Space, Timestamp, embedded::Change};

use crate::log_engine::Defect;

const LENGTH_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 32;
const ABSENT: u32 = u32::MAX;

/// A record of these changes.
pub(crate) fn encode(changes: &[Change]) -> Vec<u8> {
    let mut body = Vec::new();
    for change in changes {
        let (key, value, expires) = match change {
            Change::Put(put) => (&put.key, Some(&put.value), put.expires),
            Change::Delete(key) => (key, None, None),
            Change::DeleteRange(_) => unreachable!("the adapter resolves range deletes"),
        };
        body.put_u8(u8::from(key.space() == Space::System));
        put_bytes(&mut body, key.bytes());
        match value {
            Some(value) => {
                put_bytes(&mut body, value);
                body.put_u64(expires.map_or(0, Timestamp::as_unix_milliseconds));
            }
            None => body.put_u32(ABSENT),
        }
    }
    let mut record = Vec::with_capacity(LENGTH_BYTES + CHECKSUM_BYTES + body.len());
    record.put_u32(length(&body));
    record.put_slice(blake3::hash(&body).as_bytes());
    record.put_slice(&body);
    record
}

/// The first record of a log, and its length; `None` if it is cut off or
/// damaged.
pub(crate) fn decode(log: &[u8], defect: Option<Defect>) -> Option<(Vec<Change>, usize)> {
    let (mut header, rest) = log.split_at_checked(LENGTH_BYTES + CHECKSUM_BYTES)?;
    let length = usize::try_from(header.get_u32()).ok()?;
    let body = rest.get(..length)?;
    let is_whole = blake3::hash(body).as_bytes() == header;
    (is_whole || defect == Some(Defect::TakesTornRecords))
        .then(|| (changes(body), LENGTH_BYTES + CHECKSUM_BYTES + length))
}

fn changes(mut body: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    while body.has_remaining() {
        let space = if body.get_u8() == 0 {
            Space::User
        } else {
            Space::System
        };
        let length = body.get_u32();
        let key = OwnedKey::in_space(space, take(&mut body, length));
        changes.push(match body.get_u32() {
            ABSENT => Change::Delete(key),
            length => {
                let put = Put::new(key, take(&mut body, length));
                let expires = body.get_u64();
                Change::Put(
                    put.until((expires > 0).then(|| Timestamp::from_unix_milliseconds(expires))),
                )
            }
        });
    }
    changes
}

fn take(body: &mut &[u8], length: u32) -> Bytes {
    body.copy_to_bytes(usize::try_from(length).unwrap_or(usize::MAX))
}

fn put_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    body.put_u32(length(bytes));
    body.put_slice(bytes);
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(ABSENT - 1)
}
