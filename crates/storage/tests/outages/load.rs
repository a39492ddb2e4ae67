//! The load: each task writes keys that are its own, one number after the other, and
//! reads them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use storage::{
    Consistency, Durability, Entry, Error, ErrorKind, Outcome, OwnedKey, Read, ReadOptions,
    SeededRandom, SharedStore, Store, WriteBatch, WriteOptions,
};
use tokio::time::{Instant, sleep};

/// What tasks and who breaks the server tell each other.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    is_over: AtomicBool,
    /// Odd while the server is gone.
    outage: AtomicU64,
}

impl Traffic {
    pub(crate) fn begin_outage(&self) {
        self.outage.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end_outage(&self) {
        self.outage.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    fn outage(&self) -> u64 {
        self.outage.load(Ordering::SeqCst)
    }

    /// How often the server has been killed.
    pub(crate) fn kills(&self) -> u64 {
        self.outage().div_ceil(2)
    }

    /// Whether a call that began when it was `began` lay wholly in one outage.
    fn was_gone_since(&self, began: u64) -> bool {
        began % 2 == 1 && self.outage() == began
    }
}

/// What became of one kind of commits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commits {
    pub(crate) acknowledged: u64,
    /// Of those, the ones that lay wholly in an outage.
    pub(crate) acknowledged_while_gone: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    /// Each key that was written, and what may be there.
    pub(crate) keys: Vec<Written>,
}

/// A key, and the numbers that were written to it.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) key: OwnedKey,
    pub(crate) acknowledged: Option<u64>,
    /// How often the server had been killed when that was begun.
    kills: u64,
    /// The last one, if nobody knows what became of it.
    pub(crate) unknown: Option<u64>,
}

impl Written {
    /// Whether the last number that must be there is, or the one that may be.
    pub(crate) fn is_shown_by(&self, shown: Option<u64>) -> bool {
        shown == self.acknowledged || (shown.is_some() && shown == self.unknown)
    }

    /// Whether what was acknowledged as `Volatile` may have died with the server.
    pub(crate) fn may_have_died(&self, traffic: &Traffic) -> bool {
        traffic.kills() > self.kills
    }
}

/// What became of reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    pub(crate) answered: u64,
    pub(crate) answered_while_gone: u64,
    pub(crate) refused: u64,
    /// Those that showed another number than they had to.
    pub(crate) wrong: u64,
}

/// All that a task knows at the end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) durable: Commits,
    pub(crate) volatile: Commits,
    pub(crate) fresh_reads: Reads,
    pub(crate) stale_reads: Reads,
    pub(crate) longest_call: Duration,
    /// Failures for which a server that is gone is no reason.
    pub(crate) inexcusable: Vec<String>,
}

/// A task.
#[derive(Debug)]
pub(crate) struct Task {
    number: u16,
    dice: SeededRandom,
    store: SharedStore,
    traffic: Arc<Traffic>,
    ledger: Ledger,
    next: u64,
}

impl Task {
    pub(crate) fn new(number: u16, seed: u64, store: SharedStore, traffic: Arc<Traffic>) -> Self {
        Self {
            number,
            dice: SeededRandom::new(seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            store,
            traffic,
            ledger: Ledger::default(),
            next: 1,
        }
    }

    pub(crate) async fn work(mut self) -> Ledger {
        while !self.traffic.is_over.load(Ordering::SeqCst) {
            match self.dice.next_u64() % 4 {
                0 => self.commit(None).await,
                1 => self.commit(Some(Durability::Volatile)).await,
                2 => self.read(None).await,
                _ => {
                    let at_most = Duration::from_mins(1);
                    self.read(Some(Consistency::Stale { at_most })).await;
                }
            }
            sleep(Duration::from_millis(self.dice.next_u64() % 6)).await;
        }
        self.ledger
    }

    /// Writes the next number, as durably as this says.
    async fn commit(&mut self, durability: Option<Durability>) {
        let number = self.next;
        self.next += 1;
        let (kind, commits) = match durability {
            None => ("durable", &mut self.ledger.durable),
            Some(_) => ("volatile", &mut self.ledger.volatile),
        };
        // A key whose last commit is in doubt is left as it is.
        if commits
            .keys
            .last()
            .is_none_or(|last| last.unknown.is_some())
        {
            let name = format!("{kind}/{}/{}", self.number, commits.keys.len());
            commits.keys.push(Written {
                key: name.as_str().into(),
                acknowledged: None,
                kills: 0,
                unknown: None,
            });
        }
        let Some(written) = commits.keys.last_mut() else {
            return;
        };
        let batch = WriteBatch::new().put(written.key.clone(), number.to_string());
        let mut options = WriteOptions::new();
        options.durability = durability;
        let (outage, began) = (self.traffic.outage(), Instant::now());
        let kills = self.traffic.kills();
        let answer = self.store.commit_with(batch, &options).await;
        self.ledger.longest_call = self.ledger.longest_call.max(began.elapsed());
        match answer {
            Ok(_) => {
                (written.acknowledged, written.kills) = (Some(number), kills);
                commits.acknowledged += 1;
                if self.traffic.was_gone_since(outage) {
                    commits.acknowledged_while_gone += 1;
                }
            }
            Err(error) => {
                if error.outcome() == Some(Outcome::NotApplied) {
                    commits.refused += 1;
                } else {
                    commits.unknown += 1;
                    written.unknown = Some(number);
                }
                note(&mut self.ledger.inexcusable, &error);
            }
        }
    }

    /// Reads a key that this task has written last.
    async fn read(&mut self, consistency: Option<Consistency>) {
        let Ledger {
            durable, volatile, ..
        } = &self.ledger;
        let is_volatile = !self.dice.next_u64().is_multiple_of(2);
        let commits = if is_volatile { volatile } else { durable };
        let Some(written) = commits.keys.last().cloned() else {
            return;
        };
        let mut options = ReadOptions::new();
        options.consistency = consistency;
        let (outage, began) = (self.traffic.outage(), Instant::now());
        let answer = self.store.get_with(written.key.as_key(), &options).await;
        self.ledger.longest_call = self.ledger.longest_call.max(began.elapsed());
        let reads = match consistency {
            None => &mut self.ledger.fresh_reads,
            Some(_) => &mut self.ledger.stale_reads,
        };
        match answer {
            Ok(entry) => {
                reads.answered += 1;
                if self.traffic.was_gone_since(outage) {
                    reads.answered_while_gone += 1;
                }
                let shown = number_of(entry.as_ref());
                let died = is_volatile && written.may_have_died(&self.traffic);
                // What may be old has been there once.
                let may_be_old = (consistency.is_some() || died) && shown <= written.acknowledged;
                if !written.is_shown_by(shown) && !may_be_old {
                    reads.wrong += 1;
                }
            }
            Err(error) => {
                reads.refused += 1;
                note(&mut self.ledger.inexcusable, &error);
            }
        }
    }
}

/// The number that an entry holds.
pub(crate) fn number_of(entry: Option<&Entry>) -> Option<u64> {
    std::str::from_utf8(entry?.value()).ok()?.parse().ok()
}

fn note(inexcusable: &mut Vec<String>, error: &Error) {
    let is_excused = matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Throttled
    );
    if !is_excused {
        inexcusable.push(error.to_string());
    }
}
