//! A raw engine whose puts take effect one after the other.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use storage::{Durability, blocking::block_on};

use super::super::target::{Pair, Target};

/// An engine behind a mutex, for puts: what any store costs at least that puts
/// its commits in order, however it does it.
#[derive(Debug)]
pub(crate) struct OneAtATime<T> {
    engine: T,
    turn: Mutex<()>,
}

impl<T> OneAtATime<T> {
    pub(crate) const fn new(engine: T) -> Self {
        Self {
            engine,
            turn: Mutex::new(()),
        }
    }
}

impl<T: Target> Target for OneAtATime<T> {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        self.engine.load(entries).await
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        self.engine.get(key).await
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        self.engine.scan(start, entries_max).await
    }

    async fn put(&self, entry: Pair, durability: Durability) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // Raw engines answer at once: there is nothing to wait for elsewhere.
        block_on(self.engine.put(entry, durability))
    }
}
