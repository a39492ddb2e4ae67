//! Reads that wait for a lane, and gets that are read together.

use std::num::NonZeroUsize;

use futures_channel::oneshot;
use tokio::time::Instant;

use super::{
    EngineRead,
    call::by,
    lanes::Lane,
    parts::Refused,
    queue::{Member, Request, Weight},
    source::Source,
};
use crate::{Consistency, Entry, Error, ErrorKind, OwnedKey, Result};

pub(super) type Entries = Vec<Option<Entry>>;

/// A read that waits for a lane.
#[derive(Debug)]
pub(super) enum ReadRequest {
    /// One that others can join.
    Get(Get),
    /// One that takes a lane for itself.
    Lane(LaneWish),
}

impl ReadRequest {
    /// Gives the lane to the one request that wants it for itself, or the gets
    /// and the lane back.
    pub(super) fn served_apart(
        group: Vec<Self>,
        lane: Lane<Self>,
    ) -> Option<(Vec<Get>, Lane<Self>)> {
        let mut gets = Vec::with_capacity(group.len());
        for request in group {
            match request {
                Self::Get(get) => gets.push(get),
                // Nothing is like it, so it is the whole group. A lane that
                // nobody waits for any more is free again.
                Self::Lane(wish) => {
                    drop(wish.answer.send(Ok(lane)));
                    return None;
                }
            }
        }
        Some((gets, lane))
    }
}

impl Member for ReadRequest {
    fn deadline(&self) -> Instant {
        match self {
            Self::Get(get) => get.deadline,
            Self::Lane(wish) => wish.deadline,
        }
    }

    fn refuse(self, error: Error) {
        match self {
            Self::Get(get) => get.refuse(error),
            Self::Lane(wish) => drop(wish.answer.send(Err(error))),
        }
    }
}

impl Request for ReadRequest {
    fn weight(&self) -> Weight {
        match self {
            Self::Get(get) => Weight {
                operations: get.keys.len(),
                bytes: get.keys.iter().map(|key| key.bytes().len()).sum(),
            },
            Self::Lane(_) => Weight {
                operations: 1,
                bytes: 0,
            },
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Get(one), Self::Get(other)) => one.consistency == other.consistency,
            _ => false,
        }
    }
}

/// A wish for a lane, by somebody who does the rest.
#[derive(Debug)]
pub(super) struct LaneWish {
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<Lane<ReadRequest>>>,
}

/// A get of one key or several.
#[derive(Debug)]
pub(super) struct Get {
    pub(super) keys: Vec<OwnedKey>,
    pub(super) consistency: Option<Consistency>,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<Entries>>,
}

impl Get {
    fn answer(self, entries: Result<Entries>) {
        // Whoever dropped the other end does not want to know.
        drop(self.answer.send(entries));
    }
}

impl Member for Get {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn refuse(self, error: Error) {
        self.answer(Err(error));
    }
}

/// Reads the keys of all `gets` as if they were those of one, and answers each.
pub(super) async fn get_together<S: EngineRead>(
    source: &Source<S>,
    gets: Vec<Get>,
    keys_at_once_max: NonZeroUsize,
) -> Result<(), Refused<Get>> {
    let (Some(deadline), Some(first)) = (gets.iter().map(Get::deadline).min(), gets.first()) else {
        return Ok(());
    };
    let consistency = first.consistency;
    let keys: Vec<OwnedKey> = gets.iter().flat_map(|get| get.keys.clone()).collect();
    let read = async {
        let engine = source.get()?;
        get(&*engine, &keys, consistency, keys_at_once_max, deadline).await
    };
    match read.await {
        Ok(entries) => {
            let mut entries = entries.into_iter();
            for get in gets {
                let own = entries.by_ref().take(get.keys.len()).collect();
                get.answer(Ok(own));
            }
            Ok(())
        }
        Err(error) => Err(Refused {
            members: gets,
            error,
        }),
    }
}

/// The stored entries of `keys`, by as many calls as it takes.
pub(super) async fn get<S: EngineRead>(
    engine: &S,
    keys: &[OwnedKey],
    consistency: Option<Consistency>,
    keys_at_once_max: NonZeroUsize,
    deadline: Instant,
) -> Result<Entries> {
    let mut entries = Entries::new();
    for some in keys.chunks(keys_at_once_max.get()) {
        let call = async { engine.get_many(some, consistency, deadline).await };
        let found = by(deadline, call).await?;
        if found.len() != some.len() {
            return Err(miscounted("keys"));
        }
        if entries.is_empty() {
            entries = found;
        } else {
            entries.extend(found);
        }
    }
    Ok(entries)
}

/// The error of an engine that does not answer each of the `things` it was asked
/// about.
pub(super) fn miscounted(things: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the engine answered another number of {things} than it was asked about"),
    )
}
