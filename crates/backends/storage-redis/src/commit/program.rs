//! A group of batches, as the arguments of the script that commits them.
//!
//! Each member says how many guards and how many ranges it has, and how many
//! arguments its mutations are; then come its guards, three arguments each, and
//! its mutations, each a letter and what belongs to it.

use deadpool_redis::redis::Cmd;
use storage_core::{Guard, Mutation, OwnedKey, Timestamp, WriteBatch, embedded::flat_key};

use crate::scan::bounds;

/// Adds a group to a call.
pub(super) fn add(call: &mut Cmd, group: &[&WriteBatch]) {
    call.arg(group.len());
    for batch in group {
        let is_range = |mutation: &&Mutation| matches!(mutation, Mutation::DeleteRange(_));
        let ranges = batch.mutations().iter().filter(is_range).count();
        let length: usize = batch.mutations().iter().map(arguments).sum();
        call.arg(batch.guards().len()).arg(ranges).arg(length);
        for guard in batch.guards() {
            add_guard(call, guard);
        }
        for mutation in batch.mutations() {
            add_mutation(call, mutation);
        }
    }
}

/// How many arguments a mutation is.
fn arguments(mutation: &Mutation) -> usize {
    match mutation {
        Mutation::Put(put) => 3 + usize::from(put.expires.is_some()),
        Mutation::PutSequenced(put) => 4 + usize::from(put.expires.is_some()),
        Mutation::Delete(_) => 2,
        Mutation::DeleteRange(_) => 3,
    }
}

fn add_guard(call: &mut Cmd, guard: &Guard) {
    let (kind, version) = match guard {
        Guard::Absent(_) => ("a", None),
        Guard::Present(_) => ("p", None),
        // No version is that of a stamp which another engine has made.
        Guard::Unchanged(_, stamp) => ("u", stamp.version()),
    };
    let version = version.map(u64::to_be_bytes);
    call.arg(kind);
    add_key(call, guard.key());
    call.arg(version.as_ref().map_or(&b""[..], |version| version));
}

fn add_mutation(call: &mut Cmd, mutation: &Mutation) {
    match mutation {
        Mutation::Put(put) => {
            call.arg(if put.expires.is_some() { "E" } else { "P" });
            add_key(call, &put.key);
            add_expiry(call, put.expires);
            call.arg(&put.value[..]);
        }
        Mutation::PutSequenced(put) => {
            call.arg(if put.expires.is_some() { "T" } else { "S" });
            add_key(call, &put.prefix);
            call.arg(&put.suffix[..]);
            add_expiry(call, put.expires);
            call.arg(&put.value[..]);
        }
        Mutation::Delete(key) => {
            call.arg("D");
            add_key(call, key);
        }
        Mutation::DeleteRange(range) => {
            let (start, end) = bounds(range);
            call.arg("R").arg(start).arg(end);
        }
    }
}

fn add_key(call: &mut Cmd, key: &OwnedKey) {
    flat_key::with_flat(key.as_key(), |flat| {
        call.arg(flat);
    });
}

fn add_expiry(call: &mut Cmd, expires: Option<Timestamp>) {
    if let Some(expires) = expires {
        call.arg(&expires.as_unix_milliseconds().to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use deadpool_redis::redis::{Arg, Cmd};
    use storage_core::{KeyRange, Stamp};

    use super::*;

    fn arguments_of(group: &[&WriteBatch]) -> Vec<Vec<u8>> {
        let mut call = Cmd::new();
        add(&mut call, group);
        let arguments = call.args_iter();
        arguments
            .map(|argument| match argument {
                Arg::Simple(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn each_member_says_how_many_arguments_it_has() {
        let until = Timestamp::from_unix_milliseconds(258);
        let first = WriteBatch::new()
            .unchanged("g", Stamp::of_version(3))
            .put("k", "v")
            .put_until("e", "v", until)
            .put_sequenced("p", "s", "v")
            .delete("d")
            .delete_range(KeyRange::between("a".."b"));
        let second = WriteBatch::new();
        let found = arguments_of(&[&first, &second]);
        let expected: Vec<&[u8]> = vec![
            b"2",
            b"1",
            b"1",
            b"16",
            b"u",
            b"\x01g",
            b"\0\0\0\0\0\0\0\x03",
            b"P",
            b"\x01k",
            b"v",
            b"E",
            b"\x01e",
            b"\0\0\0\0\0\0\x01\x02",
            b"v",
            b"S",
            b"\x01p",
            b"s",
            b"v",
            b"D",
            b"\x01d",
            b"R",
            b"[\x01a",
            b"(\x01b",
            b"0",
            b"0",
            b"0",
        ];
        assert_eq!(found, expected);
    }
}
