//! A store in a cluster: several partitions, each on one node or another.

use std::num::NonZeroU16;

use futures_util::future::try_join_all;
use storage_core::{Components, Error, ErrorKind, Outcome, OwnedKey, Result, WriteBatch};
use tokio::time::Instant;

use crate::{
    RedisConfig, RedisCreation, RedisEngine,
    cluster::{partition_of, partition_of_batch},
    connect::Connector,
    open,
    partition::Partition,
};

/// Opens all partitions of a store in a cluster, or makes them.
pub(crate) async fn open_all(
    config: &RedisConfig,
    wanted: NonZeroU16,
    components: &Components,
    deadline: Instant,
) -> Result<Vec<Partition>> {
    let connector = Connector::to_partition(config, 0)?;
    let opened = Partition::open(connector, config, None, components, deadline);
    let (first, header) = opened.await?;
    let found = open::partitions(&first, deadline).await?;
    if found.is_none() && config.creation == RedisCreation::Never {
        return Err(Error::new(
            ErrorKind::Invalid,
            "the store was not made to its end; open it where it may be made",
        ));
    }
    let partitions = found.unwrap_or(wanted);
    let mut config = config.clone();
    if found.is_some() {
        // Nothing of it may be missing.
        config.creation = RedisCreation::Never;
    }
    let others = (1..usize::from(partitions.get())).map(|number| {
        let (config, store) = (&config, header.store.as_str());
        async move {
            let connector = Connector::to_partition(config, number)?;
            let opened = Partition::open(connector, config, Some(store), components, deadline);
            opened.await.map(|(partition, _)| partition)
        }
    });
    let mut all = vec![first];
    // One that is waited for keeps nobody from learning why another cannot be opened.
    all.extend(try_join_all(others).await?);
    if let (None, Some(first)) = (found, all.first()) {
        open::complete(first, partitions, deadline).await?;
    }
    Ok(all)
}

impl RedisEngine {
    /// The partition of all these keys.
    ///
    /// # Errors
    /// `Internal` if it is not there.
    pub(crate) fn partition_of_keys(&self, keys: &[OwnedKey]) -> Result<&Partition> {
        let place = keys
            .first()
            .map_or(0, |key| partition_of(key.as_key(), self.partitions.len()));
        self.partitions.get(place).ok_or_else(nowhere)
    }

    /// The partition of all batches of a group.
    ///
    /// # Errors
    /// `Unsupported`, with nothing applied, if one of them has keys in several.
    pub(crate) fn partition_of_group(&self, group: &[WriteBatch]) -> Result<&Partition> {
        let count = self.partitions.len();
        let mut places = group.iter().map(|batch| partition_of_batch(batch, count));
        let first = places.next().transpose()?.unwrap_or_default();
        for place in places {
            if place? != first {
                return Err(nowhere());
            }
        }
        self.partitions.get(first).ok_or_else(nowhere)
    }
}

fn nowhere() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a call concerns several partitions, or one that there is not",
    )
    .with_outcome(Outcome::NotApplied)
}
