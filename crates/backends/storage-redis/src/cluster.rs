//! Redis Cluster: how the entries of a store are spread, and which node has what.

use std::num::NonZeroU16;

use deadpool_redis::redis::{
    RedisResult, Value, aio::MultiplexedConnection, cmd, from_redis_value,
};
use serde::Deserialize;
use storage_core::{Error, ErrorKind, Guard, Key, Mutation, Outcome, Result, WriteBatch};

use crate::{RedisHost, session::Login};

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// How a store is spread over a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisCluster {
    /// How many partitions a store that is made has: over so many nodes it can be
    /// spread at most, and so many are asked for each page of a scan. It cannot be
    /// changed later; a store that is there keeps what it has. Default: 16.
    #[serde(default = "partitions")]
    pub partitions: NonZeroU16,
}

const fn partitions() -> NonZeroU16 {
    const PARTITIONS: NonZeroU16 = NonZeroU16::new(16).unwrap();
    PARTITIONS
}

impl Default for RedisCluster {
    fn default() -> Self {
        Self {
            partitions: partitions(),
        }
    }
}

/// The partition of a key, of so many: by what is between the first `{` and the
/// next `}` of it, if that is something, else by all of it.
pub(crate) fn partition_of(key: Key<'_>, partitions: usize) -> usize {
    usize::from(checksum(tag(key.bytes()))) % partitions.max(1)
}

/// The partition of all keys of a batch; the first if there is none.
///
/// # Errors
/// `Unsupported` if they lie in several.
pub(crate) fn partition_of_batch(batch: &WriteBatch, partitions: usize) -> Result<usize> {
    if partitions <= 1 {
        return Ok(0);
    }
    let guarded = batch.guards().iter().map(Guard::key);
    let changed = batch
        .mutations()
        .iter()
        .filter_map(|mutation| match mutation {
            Mutation::Put(put) => Some(&put.key),
            Mutation::Delete(key) => Some(key),
            Mutation::PutSequenced(put) => Some(&put.prefix),
            Mutation::DeleteRange(_) => None,
        });
    let mut found = None;
    for key in guarded.chain(changed) {
        let partition = partition_of(key.as_key(), partitions);
        if *found.get_or_insert(partition) != partition {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the keys of the batch lie in several partitions of the cluster; give those that \
                 belong together a common part in braces, such as {account/7}/balance",
            )
            .with_key(key)
            .with_outcome(Outcome::NotApplied));
        }
    }
    Ok(found.unwrap_or_default())
}

/// The slot of the keys of Redis with this tag.
pub(crate) fn slot_of(tag: &str) -> u16 {
    checksum(tag.as_bytes()) % SLOTS
}

/// Asks a node which one is the master of a slot; none if it is not served.
pub(crate) async fn master(
    mut connection: MultiplexedConnection,
    login: &Login,
    asked: &RedisHost,
    slot: u16,
) -> RedisResult<Option<RedisHost>> {
    login.log_in(&mut connection).await?;
    let mut ask = cmd("CLUSTER");
    ask.arg("SLOTS");
    let ranges: Vec<Vec<Value>> = ask.query_async(&mut connection).await?;
    for range in ranges {
        let mut parts = range.into_iter();
        let (Some(first), Some(last), Some(node)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (first, last): (u16, u16) = (from_redis_value(first)?, from_redis_value(last)?);
        if !(first..=last).contains(&slot) {
            continue;
        }
        let node: Vec<Value> = from_redis_value(node)?;
        let mut node = node.into_iter();
        let name: Option<String> = from_redis_value(node.next().unwrap_or(Value::Nil))?;
        let port: u16 = from_redis_value(node.next().unwrap_or(Value::Nil))?;
        // A node that was never called by a name does not know its own.
        let name = name.filter(|name| !name.is_empty() && name != "?");
        let name = name.unwrap_or_else(|| asked.name().to_owned());
        return Ok(Some(RedisHost::new(name, port)));
    }
    Ok(None)
}

/// What Redis takes of a key to find its slot.
fn tag(key: &[u8]) -> &[u8] {
    let inside = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    };
    inside().unwrap_or(key)
}

/// CRC-16/XMODEM, as [the specification] of Redis Cluster gives it.
///
/// [the specification]: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
fn checksum(bytes: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x1021;
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            let carried = (sum & 0x8000) != 0;
            (sum << 1) ^ if carried { POLYNOMIAL } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(checksum(b"123456789"), 0x31c3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(tag(b"a{b}c{d}"), b"b");
        assert_eq!(tag(b"a{}c"), b"a{}c");
        assert_eq!(tag(b"a{b"), b"a{b");
    }

    #[test]
    fn a_batch_lies_in_one_partition_or_is_unsupported() {
        let tagged = WriteBatch::new()
            .absent("{account/7}/balance")
            .put("{account/7}/log", "v")
            .delete("other/{account/7}");
        let partition = partition_of_batch(&tagged, 16).unwrap();
        assert_eq!(partition, partition_of(Key::user(b"account/7"), 16));
        let apart = (0..20_u8).fold(WriteBatch::new(), |batch, key| batch.put(vec![key], "v"));
        let error = partition_of_batch(&apart, 16).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        assert_eq!(partition_of_batch(&apart, 1).unwrap(), 0);
    }
}
