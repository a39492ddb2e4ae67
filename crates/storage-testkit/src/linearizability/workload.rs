//! Workloads: several clients at once, and the history they leave.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{KeyRange, OwnedKey, Store};

use super::{ClientId, History, client::Client, coverage::Coverage, meeting::Meeting, step};
use crate::{CaseResult, dice::Dice, fixture::join_all};

/// Clients that read and change a few keys of a store at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// What all keys begin with. The store must hold no such key before;
    /// processes that share a store and a prefix make one history.
    pub prefix: Bytes,
    /// The process, among those that share the store. It gives its clients and
    /// their values names of their own.
    pub process: u32,
    /// The clients.
    pub clients: u32,
    /// The steps of each client.
    pub operations: usize,
    /// What the steps are drawn from.
    pub seed: u64,
}

impl Workload {
    /// In one of so many steps all clients are under way at once.
    const STEPS_PER_MEETING: usize = 4;

    /// Lets the clients work until each has taken its steps, reads every key
    /// once more, and returns what was recorded.
    ///
    /// Only errors that say that a store is busy or away are part of a history;
    /// any other is a failure.
    pub async fn record<S: Store>(&self, store: &Arc<S>) -> CaseResult<History> {
        self.record_covered(store).await.map(|(history, _)| history)
    }

    /// The history, and what it covers.
    pub(super) async fn record_covered<S: Store>(
        &self,
        store: &Arc<S>,
    ) -> CaseResult<(History, Coverage)> {
        let meeting = Arc::new(Meeting::new(self.clients));
        let recorded = join_all((0..self.clients).map(|number| {
            let (meeting, operations) = (Arc::clone(&meeting), self.operations);
            let mut client = self.client(store, number);
            async move {
                let capabilities = client.capabilities();
                let mut rounds = 1..;
                for number in 0..operations {
                    let step = step::draw(client.dice(), &capabilities);
                    // The other steps are as narrow in time as the store allows:
                    // they show what must have come before what.
                    let is_met = number % Self::STEPS_PER_MEETING == 0;
                    let round = if is_met { rounds.next() } else { None };
                    let place = round.map(|round| meeting.place(round));
                    client.take(step, place).await?;
                    if client.dice().once_in(4) {
                        tokio::task::yield_now().await;
                    }
                }
                Ok(client.end())
            }
        }))
        .await?;
        let mut last = self.client(store, self.clients);
        for name in step::NAMES {
            last.take(step::Step::Get(name), None).await?;
        }
        last.take(step::Step::Page, None).await?;
        let (mut history, mut coverage) = (History::new(), Coverage::default());
        let mut stamped = Vec::new();
        for part in recorded.into_iter().chain([last.end()]) {
            history.merge(part.history);
            coverage.add(&part.coverage);
            stamped.extend(part.stamped);
        }
        coverage.add_history(&history, &stamped);
        Ok((history, coverage))
    }

    fn client<S: Store>(&self, store: &Arc<S>, number: u32) -> Client<S> {
        let id = ClientId {
            process: self.process,
            number,
        };
        let seed = [self.process, number]
            .into_iter()
            .fold(self.seed, |seed, part| {
                seed.wrapping_mul(1_000).wrapping_add(u64::from(part))
            });
        Client::new(
            Arc::clone(store),
            id,
            Keyspace(self.prefix.clone()),
            Dice::new(seed),
        )
    }
}

/// Where the keys of a history are in the store.
#[derive(Clone, Debug)]
pub(super) struct Keyspace(Bytes);

impl Keyspace {
    pub(super) fn key(&self, name: &str) -> OwnedKey {
        Bytes::from([&self.0, name.as_bytes()].concat()).into()
    }

    pub(super) fn range(&self) -> KeyRange {
        KeyRange::prefix(self.0.clone())
    }

    /// The key as a history shows it.
    pub(super) fn name(&self, key: &[u8]) -> String {
        let name = key.strip_prefix(self.0.as_ref()).unwrap_or(key);
        name.escape_ascii().to_string()
    }
}
