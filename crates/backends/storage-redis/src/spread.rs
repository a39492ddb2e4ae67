//! A store in a cluster: several partitions, which are asked at once.

use std::{num::NonZeroU16, sync::Arc};

use futures_util::future::join_all;
use storage_core::{
    Committed, Components, Durability, Entry, Error, ErrorKind, Outcome, OwnedKey, Result, Retry,
    Timestamp, WriteBatch,
};
use tokio::time::Instant;

use crate::{
    RedisConfig, RedisCreation, RedisEngine,
    cluster::{partition_of, partition_of_batch},
    connect::Connector,
    open,
    partition::Partition,
    read,
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
    for other in join_all(others).await {
        all.push(other?);
    }
    if let (None, Some(first)) = (found, all.first()) {
        open::complete(first, partitions, deadline).await?;
    }
    Ok(all)
}

impl RedisEngine {
    /// The entries of keys that lie in several partitions.
    pub(crate) async fn get_apart(
        &self,
        keys: &[OwnedKey],
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        let count = self.partitions.len();
        let places = self.places(keys, |key| Some(partition_of(key.as_key(), count)));
        let parts = self.partitions.iter().zip(&places);
        let calls =
            parts
                .filter(|(_, places)| !places.is_empty())
                .map(|(partition, places)| async move {
                    let keys: Vec<_> = places
                        .iter()
                        .filter_map(|place| keys.get(*place).cloned())
                        .collect();
                    (places, read::get_many(partition, &keys, deadline).await)
                });
        let mut entries = vec![None; keys.len()];
        for (places, found) in join_all(calls).await {
            for (place, found) in places.iter().zip(found?) {
                if let Some(entry) = entries.get_mut(*place) {
                    *entry = found;
                }
            }
        }
        Ok(entries)
    }

    /// Commits to several partitions at once: what goes to one of them is a group
    /// there, and answered by it.
    pub(crate) async fn commit_apart(
        &self,
        group: &[WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Vec<Result<Committed>> {
        let count = self.partitions.len();
        let mut partitions = Vec::with_capacity(group.len());
        let mut answers: Vec<Option<Result<Committed>>> = Vec::with_capacity(group.len());
        for batch in group {
            let partition = partition_of_batch(batch, count);
            partitions.push((partitions.len(), partition.as_ref().ok().copied()));
            answers.push(partition.err().map(Err));
        }
        let places = self.places(&partitions, |(_, partition)| *partition);
        let parts = self.partitions.iter().zip(&places);
        let calls =
            parts
                .filter(|(_, places)| !places.is_empty())
                .map(|(partition, places)| async move {
                    let members: Vec<_> = places
                        .iter()
                        .filter_map(|place| group.get(*place))
                        .collect();
                    let committing = partition
                        .committer
                        .commit(&members, durability, now, deadline);
                    (places, committing.await)
                });
        for (places, answered) in join_all(calls).await {
            match answered {
                Ok(answered) => {
                    for (place, answer) in places.iter().zip(answered) {
                        if let Some(slot) = answers.get_mut(*place) {
                            // Numbers of one partition say nothing of the others.
                            *slot = Some(answer.map(|_| Committed::new(None, durability)));
                        }
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for place in places {
                        if let Some(slot) = answers.get_mut(*place) {
                            *slot = Some(Err(of_partition(&error)));
                        }
                    }
                }
            }
        }
        let answer = |answer: Option<_>| answer.unwrap_or_else(|| Err(unanswered()));
        answers.into_iter().map(answer).collect()
    }

    /// The places of some keys or batches, by partition.
    fn places<T>(&self, of: &[T], partition: impl Fn(&T) -> Option<usize>) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); self.partitions.len()];
        for (place, one) in of.iter().enumerate() {
            if let Some(places) = partition(one).and_then(|partition| places.get_mut(partition)) {
                places.push(place);
            }
        }
        places
    }
}

/// What each member of a group is answered whose partition has failed.
fn of_partition(error: &Arc<Error>) -> Error {
    let made = Error::new(error.kind(), error.message().to_owned());
    let made = match error.retry() {
        Retry::After(delay) => made.with_retry_after(delay),
        Retry::Never => made,
    };
    made.with_outcome(error.outcome().unwrap_or(Outcome::Unknown))
        .with_source(Arc::clone(error))
}

fn unanswered() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a partition has not answered for each of its commits",
    )
    .with_outcome(Outcome::Unknown)
}
