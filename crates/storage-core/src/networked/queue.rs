//! What waits for a lane: in order of arrival, each until its deadline.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::Error;

/// Something that is answered, by its deadline.
pub(super) trait Member: Send + 'static {
    /// When its time is over.
    fn deadline(&self) -> Instant;

    /// Answers with an error. Nothing of it has taken effect.
    fn refuse(self, error: Error);
}

/// Something that can wait for a lane.
pub(super) trait Request: Member {
    /// How much of a call it fills.
    fn weight(&self) -> Weight;

    /// Whether one call can serve both.
    fn is_like(&self, other: &Self) -> bool;
}

/// How much a request asks for, or how much a call may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// Keys; or guards and mutations.
    pub(super) operations: usize,
    /// The bytes of keys and values.
    pub(super) bytes: usize,
}

impl Weight {
    const fn plus(self, other: Self) -> Self {
        Self {
            operations: self.operations.saturating_add(other.operations),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    const fn fits(self, max: Self) -> bool {
        self.operations <= max.operations && self.bytes <= max.bytes
    }
}

/// The place of a request in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// Requests that wait.
#[derive(Debug)]
pub(super) struct Queue<R> {
    /// INVARIANT: all of a queue have as long to wait, so the first is the first
    /// whose time is over.
    waiting: BTreeMap<Ticket, R>,
    /// The ticket given out last.
    last: u64,
    bytes: usize,
}

impl<R: Request> Queue<R> {
    pub(super) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            last: 0,
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The bytes of all that waits.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, request: R) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.bytes = self.bytes.saturating_add(request.weight().bytes);
        self.waiting.insert(ticket, request);
        ticket
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<R> {
        let request = self.waiting.remove(&ticket)?;
        self.bytes = self.bytes.saturating_sub(request.weight().bytes);
        Some(request)
    }

    /// Takes the first request, and those like it that fit into one call with
    /// it, in their order.
    pub(super) fn take_group(&mut self, max: Weight) -> Vec<R> {
        let Some(ticket) = self.waiting.keys().next().copied() else {
            return Vec::new();
        };
        let mut group: Vec<R> = self.remove(ticket).into_iter().collect();
        if let Some(first) = group.first() {
            let mut weight = first.weight();
            let others: Vec<Ticket> = self
                .waiting
                .iter()
                .filter(|(_, request)| request.is_like(first))
                .take_while(|(_, request)| {
                    weight = weight.plus(request.weight());
                    weight.fits(max)
                })
                .map(|(ticket, _)| *ticket)
                .collect();
            group.extend(others.into_iter().filter_map(|other| self.remove(other)));
        }
        group
    }

    /// Takes the requests whose time is over.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<R> {
        let late: Vec<Ticket> = self
            .waiting
            .iter()
            .take_while(|(_, request)| request.deadline() <= now)
            .map(|(ticket, _)| *ticket)
            .collect();
        late.into_iter()
            .filter_map(|ticket| self.remove(ticket))
            .collect()
    }

    /// When the next request's time is over.
    pub(super) fn first_deadline(&self) -> Option<Instant> {
        self.waiting.values().next().map(Member::deadline)
    }
}
