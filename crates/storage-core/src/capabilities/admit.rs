//! Judging requests against capabilities, before anything happens.

use std::ops::Bound;

use super::{
    BatchScope, Capabilities, ReadSupport, ScanOrder, SequenceScope, SnapshotSupport, Support,
};
use crate::{
    Consistency, Direction, Error, ErrorKind, Guard, Key, KeyRange, Mutation, Outcome, OwnedKey,
    ReadOptions, Result, ScanOptions, SnapshotOptions, Space, Timestamp, WriteBatch, WriteOptions,
};

/// A request that can be judged against a store's capabilities.
pub trait Admit {
    /// Judges the request.
    ///
    /// # Errors
    /// `Invalid` for a request that no store could meet, or over a limit;
    /// `Unsupported` for one that this store does not offer.
    fn admit(&self, capabilities: &Capabilities) -> Result<()>;
}

impl Admit for Key<'_> {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        key_length(capabilities, self.space(), self.bytes().len())
            .map_err(|error| error.with_key(*self))
    }
}

impl Admit for KeyRange {
    /// A bound may be as long as a key, and one byte longer: that is the first
    /// key after one of the longest.
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        for bound in [self.start(), self.end()] {
            if let Bound::Included(key) | Bound::Excluded(key) = bound {
                let length = key.len().saturating_sub(1);
                key_length(capabilities, self.space(), length)?;
            }
        }
        Ok(())
    }
}

impl Admit for ReadOptions {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        consistency(capabilities, self.consistency)
    }
}

impl Admit for ScanOptions {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        consistency(capabilities, self.consistency)?;
        if self.entries_max == 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a page must hold at least one entry; set entries_max to 1 or more",
            ));
        }
        if self.direction == Direction::Reverse && capabilities.scan_order == ScanOrder::Unordered {
            return Err(unsupported("scan in reverse"));
        }
        Ok(())
    }
}

impl Admit for SnapshotOptions {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        if capabilities.snapshots == SnapshotSupport::Unsupported {
            return Err(unsupported("take snapshots"));
        }
        Ok(())
    }
}

impl Admit for WriteOptions {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        let (weakest, strongest) = (capabilities.durability_min, capabilities.durability_max);
        let Some(asked) = self.durability else {
            return Ok(());
        };
        if (weakest..=strongest).contains(&asked) {
            return Ok(());
        }
        let offered = if weakest == strongest {
            format!("{weakest:?}")
        } else {
            format!("{weakest:?} to {strongest:?}")
        };
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("this store offers {offered} commits, not {asked:?} ones"),
        )
        .with_outcome(Outcome::NotApplied))
    }
}

impl Admit for WriteBatch {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        batch(self, capabilities).map_err(|error| error.with_outcome(Outcome::NotApplied))
    }
}

impl<A: Admit, B: Admit> Admit for (&A, &B) {
    fn admit(&self, capabilities: &Capabilities) -> Result<()> {
        self.0.admit(capabilities)?;
        self.1.admit(capabilities)
    }
}

fn batch(batch: &WriteBatch, capabilities: &Capabilities) -> Result<()> {
    let operations = batch.guards().len() + batch.mutations().len();
    if operations > capabilities.batch_operations_max {
        return Err(over_limit(
            "batch",
            operations,
            capabilities.batch_operations_max,
            "guards and mutations",
            "split the batch",
        ));
    }
    for guard in batch.guards() {
        admit_guard(guard, capabilities)?;
    }
    let mut size_bytes = 0_usize;
    for mutation in batch.mutations() {
        admit_mutation(mutation, capabilities)?;
        size_bytes = size_bytes.saturating_add(mutation.size_bytes());
    }
    if size_bytes > capabilities.batch_bytes_max {
        return Err(over_limit(
            "batch",
            size_bytes,
            capabilities.batch_bytes_max,
            "bytes",
            "split the batch",
        ));
    }
    if capabilities.batch == BatchScope::Key {
        one_key(batch)?;
    }
    Ok(())
}

fn admit_guard(guard: &Guard, capabilities: &Capabilities) -> Result<()> {
    guard.key().as_key().admit(capabilities)?;
    if capabilities.guards == Support::Unsupported {
        return Err(unsupported("judge guards"));
    }
    match guard {
        Guard::Unchanged(key, stamp) if stamp.is_none() => Err(Error::new(
            ErrorKind::Invalid,
            "a keys-only scan returns no stamp to guard on; read the entry first",
        )
        .with_key(key)),
        _ => Ok(()),
    }
}

fn admit_mutation(mutation: &Mutation, capabilities: &Capabilities) -> Result<()> {
    match mutation {
        Mutation::Put(put) => {
            put.key.as_key().admit(capabilities)?;
            value(&put.key, put.value.len(), put.expires, capabilities)
        }
        Mutation::PutSequenced(put) => {
            if capabilities.sequence == SequenceScope::Unsupported {
                return Err(unsupported("number its commits"));
            }
            key_length(capabilities, put.prefix.space(), put.key_bytes())
                .map_err(|error| error.with_key(&put.prefix))?;
            value(&put.prefix, put.value.len(), put.expires, capabilities)
        }
        Mutation::Delete(key) => key.as_key().admit(capabilities),
        Mutation::DeleteRange(_) if capabilities.range_deletes == Support::Unsupported => {
            Err(unsupported("delete ranges"))
        }
        Mutation::DeleteRange(range) => range.admit(capabilities),
    }
}

fn value(
    key: &OwnedKey,
    length: usize,
    expires: Option<Timestamp>,
    capabilities: &Capabilities,
) -> Result<()> {
    if length > capabilities.value_bytes_max {
        return Err(over_limit(
            "value",
            length,
            capabilities.value_bytes_max,
            "bytes",
            "split it over several keys",
        )
        .with_key(key));
    }
    if expires.is_some() && capabilities.expiry == Support::Unsupported {
        return Err(unsupported("expire entries"));
    }
    Ok(())
}

/// Checks that everything in a batch is about the same key.
fn one_key(batch: &WriteBatch) -> Result<()> {
    let mut keys = batch
        .guards()
        .iter()
        .map(|guard| guard.key().as_key())
        .chain(
            batch
                .mutations()
                .iter()
                .filter_map(|mutation| match mutation {
                    Mutation::Put(put) => Some(put.key.as_key()),
                    Mutation::Delete(key) => Some(key.as_key()),
                    Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => None,
                }),
        );
    let first = keys.next();
    let several = batch.mutations().len() > 1
        && batch.mutations().iter().any(|mutation| {
            matches!(
                mutation,
                Mutation::PutSequenced(_) | Mutation::DeleteRange(_)
            )
        });
    if several || keys.any(|key| Some(key) != first) {
        return Err(unsupported("change several keys in one batch"));
    }
    Ok(())
}

fn consistency(capabilities: &Capabilities, asked: Option<Consistency>) -> Result<()> {
    match (asked, capabilities.reads) {
        (Some(Consistency::Linearizable), ReadSupport::Eventual) => {
            Err(unsupported("give linearizable reads"))
        }
        _ => Ok(()),
    }
}

fn key_length(capabilities: &Capabilities, space: Space, length: usize) -> Result<()> {
    let limit = capabilities.key_bytes_max_in(space);
    if length > limit {
        return Err(over_limit(
            "key",
            length,
            limit,
            "bytes",
            "use a shorter key",
        ));
    }
    Ok(())
}

fn over_limit(what: &str, actual: usize, limit: usize, unit: &str, remedy: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("the {what} has {actual} {unit}, this store takes {limit}; {remedy}"),
    )
}

fn unsupported(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("this store does not {what}; its capabilities say so"),
    )
}
