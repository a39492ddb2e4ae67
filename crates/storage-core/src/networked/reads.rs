//! Reads of one source: at once on a free lane, else together with others.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use futures_channel::oneshot;
use tokio::time::Instant;

use super::{
    EngineRead, Limits,
    call::{by, from_now},
    lanes::{Bounds, Lanes},
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
    lanes: Arc<Lanes<ReadRequest>>,
    runtime: Runtime,
    keys_at_once_max: NonZeroUsize,
    time_limit: Duration,
}

impl<S: EngineRead> Reads<S> {
    pub(super) fn new(
        source: Arc<Source<S>>,
        lanes: NonZeroUsize,
        limits: &Limits,
        runtime: &Runtime,
    ) -> Self {
        let keys_at_once_max = limits.keys_at_once_max;
        let bounds = Bounds {
            lanes: lanes.get(),
            group_max: Weight {
                operations: keys_at_once_max.get(),
                bytes: usize::MAX,
            },
            queue_max: limits.queue_max,
            queue_bytes_max: limits.queue_bytes_max,
        };
        let serve = {
            let (source, runtime) = (Arc::clone(&source), runtime.clone());
            move |group, lane| {
                let Some((gets, lane)) = ReadRequest::served_apart(group, lane) else {
                    return;
                };
                let source = Arc::clone(&source);
                runtime.spawn(async move {
                    let attempt = |gets| get_together(&source, gets, keys_at_once_max);
                    serve_in_parts(gets, attempt).await;
                    drop(lane);
                });
            }
        };
        Self {
            lanes: Arc::new(Lanes::new(bounds, runtime.clone(), serve)),
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
        if let Some(lane) = self.lanes.try_enter()? {
            let source = Arc::clone(&self.source);
            let keys_at_once_max = self.keys_at_once_max;
            let call = async move {
                let _lane = lane;
                let engine = source.get()?;
                get(&*engine, &keys, consistency, keys_at_once_max, deadline).await
            };
            return self.runtime.run(call).await;
        }
        self.in_turn(|answer| {
            ReadRequest::Get(Get {
                keys,
                consistency,
                deadline,
                answer,
            })
        })
        .await
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
        let lane = match self.lanes.try_enter()? {
            Some(lane) => lane,
            None => {
                self.in_turn(|answer| ReadRequest::Lane(LaneWish { deadline, answer }))
                    .await?
            }
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
        self.lanes.refuse();
    }

    /// Waits, once reads are refused, until the accepted ones have ended.
    pub(super) async fn drained(&self) {
        self.lanes.drained().await;
    }

    /// Gives the source free; reads are answered `why` from now on.
    pub(super) fn end(&self, why: fn() -> Error) {
        self.source.end(why);
    }

    /// Waits in the queue for an answer. Dropping the future leaves the queue.
    async fn in_turn<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T>>) -> ReadRequest,
    ) -> Result<T> {
        let (answer, receiver) = oneshot::channel();
        let _place = Place {
            ticket: self.lanes.enqueue(request(answer))?,
            lanes: &self.lanes,
        };
        receiver.await.unwrap_or_else(|_| Err(ended()))
    }

    fn deadline(&self) -> Instant {
        from_now(self.time_limit)
    }
}

/// The place of a read in a queue, until the read has its answer.
struct Place<'a> {
    lanes: &'a Lanes<ReadRequest>,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.lanes.withdraw(self.ticket);
    }
}
