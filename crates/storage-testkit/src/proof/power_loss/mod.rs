//! Taking the power from a process that writes.
//!
//! Nothing that was written is lost when a process is killed, so killing cannot
//! show a sync that is missing. Here a child that works on a store is
//! [recorded](record): each change of a file or a name, each sync, and each
//! note it writes, in order. Then, for some moments of the recording, a
//! [strategy] chooses what of everything that was not yet durable reached the
//! disk. That is written into a directory, and another child opens it and
//! judges it by the notes up to that moment.
//!
//! Some recordings begin without a store, so that its creation is part of them;
//! others begin with what an earlier loss of power left.
//! `docs/power-loss.md` says what is recorded, what counts as legal, and what
//! the model leaves out.

mod content;
mod crash_point;
mod describe;
mod event;
mod image;
mod loss;
mod origin;
mod record;
mod round;
mod site;
mod strategy;
#[cfg(test)]
mod tests;
mod tree;
mod unsynced;

use self::origin::Origin;
pub(super) use self::{record::submit, round::Round};

/// Why there is no proof of power loss on this platform; nothing if there is.
pub(super) const UNSUPPORTED: Option<&str> = None;

/// Rounds over the stores of one name.
#[derive(Debug)]
pub(super) struct Campaign {
    store: &'static str,
    seed: u64,
    next: u32,
    /// What the next recording begins with.
    origin: Origin,
}

impl Campaign {
    pub(super) fn new(store: &'static str, seed: u64) -> Self {
        Self {
            store,
            seed,
            next: 0,
            origin: Origin::default(),
        }
    }

    /// Goes through one round: one recording, and several losses of power.
    ///
    /// # Errors
    /// If no child can be started, no file can be written, or the store does to
    /// its files what cannot be recorded. What the store does wrong is a
    /// finding.
    pub(super) fn round(&mut self) -> anyhow::Result<Round> {
        let number = self.next;
        self.next += 1;
        let seed = self.seed.wrapping_add(u64::from(number));
        let origin = std::mem::take(&mut self.origin);
        let (round, next) = round::play(self.store, number, seed, origin)?;
        self.origin = next;
        Ok(round)
    }
}
