//! Numbering commits so that numbers grow for as long as the store exists.
//!
//! Writing the counter with every commit would double small writes. Instead a
//! block of numbers is reserved at a time: the end of the block is written with
//! the first commit that uses it, so it survives exactly if that commit does.
//! After a crash, numbering goes on behind the reserved block.

use super::{Change, EngineRead};
use crate::{
    Error, ErrorKind, Mutation, Outcome, OwnedKey, Put, Result, Sequence, SequenceScope, SystemKeys,
};

/// How many numbers one reservation covers: one small write in so many commits.
const BLOCK: u64 = 1 << 16;

/// No store gets as far as here. A reservation beyond is damage, and numbering
/// behind it would start again from zero.
const RESERVED_MAX: u64 = u64::MAX >> 1;

/// The largest reservation that a copy may bring along: what is numbered behind
/// it stays far below [`RESERVED_MAX`].
const COPIED_MAX: u64 = RESERVED_MAX >> 1;

/// Gives out sequences in order.
#[derive(Debug)]
pub(super) struct Sequencer {
    last: u64,
    /// INVARIANT: every number up to here is reserved on disk. `None` where
    /// reservations are not kept.
    reserved: Option<u64>,
    key: OwnedKey,
}

impl Sequencer {
    /// Starts anew, with nothing to reserve on.
    pub(super) fn starting() -> Self {
        Self {
            last: 0,
            reserved: None,
            key: reservation_key(),
        }
    }

    /// Goes on where the engine's reservation says.
    pub(super) fn recover(engine: &impl EngineRead, scope: SequenceScope) -> Result<Self> {
        if scope != SequenceScope::Store {
            return Ok(Self::starting());
        }
        let key = reservation_key();
        let reserved = read_reservation(engine, &key)?;
        Ok(Self {
            last: reserved,
            reserved: Some(reserved),
            key,
        })
    }

    /// Goes on behind a reservation that one of `mutations` makes: the store is
    /// becoming a copy, and holds keys with numbers up to there.
    ///
    /// # Errors
    /// `Invalid` for a reservation with which the store could not be opened.
    pub(super) fn raise(&mut self, mutations: &[Mutation]) -> Result<()> {
        let mut last = self.last;
        for mutation in mutations {
            if let Mutation::Put(put) = mutation
                && put.key == self.key
            {
                let reserved = parse_reservation(&put.value)
                    .filter(|reserved| *reserved <= COPIED_MAX)
                    .ok_or_else(|| unusable(&self.key))?;
                last = last.max(reserved);
            }
        }
        self.last = last;
        Ok(())
    }

    /// The last sequence given out.
    pub(super) const fn last(&self) -> Sequence {
        Sequence::new(self.last)
    }

    /// The next sequence.
    pub(super) fn next(&mut self) -> Sequence {
        self.last += 1;
        Sequence::new(self.last)
    }

    /// The change that must commit with `sequence` behind `mutations`: a
    /// reservation, if its block is new or if they change the one there is.
    pub(super) fn reservation(&self, sequence: Sequence, mutations: &[Mutation]) -> Option<Change> {
        let reserved = self.reserved?;
        let end = if sequence.get() > reserved {
            sequence.get().saturating_add(BLOCK)
        } else if mutations.iter().any(|it| self.is_changed_by(it)) {
            reserved
        } else {
            return None;
        };
        let put = Put::new(self.key.clone(), end.to_be_bytes().to_vec());
        Some(Change::Put(put))
    }

    /// Whether `mutation` takes the written reservation away, or puts another in
    /// its place.
    fn is_changed_by(&self, mutation: &Mutation) -> bool {
        match mutation {
            Mutation::Put(put) => put.key == self.key,
            // Only with a sequence far beyond any that a store gets to.
            Mutation::PutSequenced(_) => false,
            Mutation::Delete(key) => *key == self.key,
            Mutation::DeleteRange(range) => range.contains(self.key.as_key()),
        }
    }

    /// Takes note that the commit with `sequence` was applied, and with it the
    /// reservation it may have carried.
    pub(super) fn applied(&mut self, sequence: Sequence) {
        if let Some(reserved) = &mut self.reserved
            && sequence.get() > *reserved
        {
            *reserved = sequence.get().saturating_add(BLOCK);
        }
    }
}

fn reservation_key() -> OwnedKey {
    SystemKeys::of("core").key("sequence")
}

fn read_reservation(engine: &impl EngineRead, key: &OwnedKey) -> Result<u64> {
    let Some(entry) = engine.get(key.as_key())? else {
        return Ok(0);
    };
    parse_reservation(entry.value()).ok_or_else(|| {
        Error::new(
            ErrorKind::Corrupt,
            "the reservation of commit sequences is damaged; restore the store from a backup",
        )
        .with_key(key)
    })
}

fn unusable(key: &OwnedKey) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "no store reserves commit sequences like this; leave the key out, or check the store it is copied from",
    )
    .with_outcome(Outcome::NotApplied)
    .with_key(key)
}

fn parse_reservation(value: &[u8]) -> Option<u64> {
    let reserved = u64::from_be_bytes(value.try_into().ok()?);
    (reserved <= RESERVED_MAX).then_some(reserved)
}
