//! Reads of one source: at once on a free lane, else together with others.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use futures_channel::oneshot;
use tokio::time::Instant;

use super::{
    EngineRead, Limits,
    call::{by, from_now},
    lanes::{Bounds, Lanes},
    partitions::{Partitions, nowhere},
    parts::serve_in_parts,
    queue::{Ticket, Weight},
    read_request::{Entries, Get, LaneWish, ReadRequest, get, get_together},
    runtime::{Runtime, ended},
    source::Source,
};
use crate::{Clock, Consistency, Error, KeyRange, OwnedKey, Page, Result, ScanOptions};

/// Reads of an engine or of a snapshot.
#[derive(Debug)]
pub(super) struct Reads<S> {
    source: Arc<Source<S>>,
    /// Those of each partition.
    lanes: Vec<Arc<Lanes<ReadRequest>>>,
    /// Those for what needs all partitions: if there is one, its lanes.
    lanes_across: Arc<Lanes<ReadRequest>>,
    partitions: Partitions,
    runtime: Runtime,
    keys_at_once_max: NonZeroUsize,
    time_limit: Duration,
}

impl<S: EngineRead> Reads<S> {
    pub(super) fn new(
        source: Arc<Source<S>>,
        at_once: NonZeroUsize,
        partitions: Partitions,
        limits: &Limits,
        runtime: &Runtime,
    ) -> Self {
        let keys_at_once_max = limits.keys_at_once_max;
        let bounds = Bounds {
            lanes: at_once.get(),
            group_max: Weight {
                operations: keys_at_once_max.get(),
                bytes: usize::MAX,
            },
            queue_max: limits.queue_max,
            queue_bytes_max: limits.queue_bytes_max / partitions.count(),
        };
        let new_lanes = || {
            let (source, spawning) = (Arc::clone(&source), runtime.clone());
            let serve = move |group, lane| {
                let Some((gets, lane)) = ReadRequest::served_apart(group, lane) else {
                    return;
                };
                let source = Arc::clone(&source);
                spawning.spawn(async move {
                    let attempt = |gets| get_together(&source, gets, keys_at_once_max);
                    serve_in_parts(gets, attempt).await;
                    drop(lane);
                });
            };
            Arc::new(Lanes::new(bounds, runtime.clone(), serve))
        };
        let count = partitions.count().get();
        let lanes: Vec<_> = (0..count).map(|_| new_lanes()).collect();
        let lanes_across = match &lanes[..] {
            [only] => Arc::clone(only),
            _ => new_lanes(),
        };
        Self {
            lanes,
            lanes_across,
            partitions,
            source,
            runtime: runtime.clone(),
            keys_at_once_max,
            time_limit: limits.time_limit,
        }
    }

    /// The stored entries of `keys`.
    pub(super) async fn get_many(
        &self,
        keys: Vec<OwnedKey>,
        consistency: Option<Consistency>,
    ) -> Result<Entries> {
        if keys.is_empty() {
            return self.source.get().map(|_| Vec::new());
        }
        let deadline = self.deadline();
        let Some(partition) = self.partitions.common(&keys) else {
            return Box::pin(self.get_apart(keys, consistency, deadline)).await;
        };
        let lanes = self.lanes.get(partition).ok_or_else(nowhere)?;
        if let Some(lane) = lanes.try_enter()? {
            let source = Arc::clone(&self.source);
            let keys_at_once_max = self.keys_at_once_max;
            let call = async move {
                let _lane = lane;
                let engine = source.get()?;
                get(&*engine, &keys, consistency, keys_at_once_max, deadline).await
            };
            return self.runtime.run(call).await;
        }
        let get = |answer| {
            ReadRequest::Get(Get {
                keys,
                consistency,
                deadline,
                answer,
            })
        };
        Turn::wait(lanes, get)?.answer().await
    }

    /// The stored entries of `keys` that are in several partitions, which are
    /// asked at once.
    async fn get_apart(
        &self,
        keys: Vec<OwnedKey>,
        consistency: Option<Consistency>,
        deadline: Instant,
    ) -> Result<Entries> {
        let mut turns = Vec::new();
        for (lanes, places) in self.lanes.iter().zip(self.partitions.places(&keys)) {
            let own = places.iter().filter_map(|place| keys.get(*place));
            let own: Vec<_> = own.cloned().collect();
            if own.is_empty() {
                continue;
            }
            let get = |answer| {
                ReadRequest::Get(Get {
                    keys: own,
                    consistency,
                    deadline,
                    answer,
                })
            };
            turns.push((places, Turn::wait(lanes, get)?));
        }
        let mut entries = vec![None; keys.len()];
        for (places, turn) in turns {
            for (place, found) in places.into_iter().zip(turn.answer().await?) {
                if let Some(entry) = entries.get_mut(place) {
                    *entry = found;
                }
            }
        }
        Ok(entries)
    }

    /// One page of the live entries in `range`.
    pub(super) async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        clock: &Clock,
    ) -> Result<Page> {
        if range.is_empty() {
            return self.source.get().map(|_| Page::default());
        }
        let deadline = self.deadline();
        let lanes = &self.lanes_across;
        let lane = if let Some(lane) = lanes.try_enter()? {
            lane
        } else {
            let wish = |answer| ReadRequest::Lane(LaneWish { deadline, answer });
            Turn::wait(lanes, wish)?.answer().await?
        };
        // Not before there is a lane: what expires meanwhile is not returned.
        let now = clock.now();
        let source = Arc::clone(&self.source);
        let (range, options) = (range.clone(), options.clone());
        let call = async move {
            let _lane = lane;
            let engine = source.get()?;
            by(deadline, async {
                engine.scan(&range, &options, now, deadline).await
            })
            .await
        };
        self.runtime.run(call).await
    }

    /// Accepts no more reads.
    pub(super) fn refuse(&self) {
        self.all_lanes().for_each(|lanes| lanes.refuse());
    }

    /// Waits, once reads are refused, until the accepted ones have ended.
    pub(super) async fn drained(&self) {
        for lanes in self.all_lanes() {
            lanes.drained().await;
        }
    }

    /// Gives the source free; reads are answered `why` from now on.
    pub(super) fn end(&self, why: fn() -> Error) {
        self.source.end(why);
    }

    fn all_lanes(&self) -> impl Iterator<Item = &Arc<Lanes<ReadRequest>>> {
        self.lanes.iter().chain([&self.lanes_across])
    }

    fn deadline(&self) -> Instant {
        from_now(self.time_limit)
    }
}

/// The place of a read in a queue, until the read has its answer. Dropping it
/// leaves the queue.
struct Turn<'a, T> {
    lanes: &'a Lanes<ReadRequest>,
    ticket: Ticket,
    receiver: oneshot::Receiver<Result<T>>,
}

impl<'a, T> Turn<'a, T> {
    /// Has a read wait in the queue for a lane, if need be.
    ///
    /// # Errors
    /// As [`Lanes::enqueue`].
    fn wait(
        lanes: &'a Arc<Lanes<ReadRequest>>,
        request: impl FnOnce(oneshot::Sender<Result<T>>) -> ReadRequest,
    ) -> Result<Self> {
        let (answer, receiver) = oneshot::channel();
        Ok(Self {
            ticket: lanes.enqueue(request(answer))?,
            lanes,
            receiver,
        })
    }

    async fn answer(mut self) -> Result<T> {
        let answer = (&mut self.receiver).await;
        answer.unwrap_or_else(|_| Err(ended()))
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.lanes.withdraw(self.ticket);
    }
}
