//! Where the numbering of commits goes on behind a copy.
//!
//! A copy that brings keys with numbers of another store along says up to where
//! those go, in the row that embedded engines reserve their numbers in
//! (`docs/formats/sequence.md`). The commit that writes it, and all behind it,
//! are to have greater numbers.

use crate::{
    Error, ErrorKind, Mutation, Outcome, OwnedKey, Result, Sequence, SystemKeys, WriteBatch,
};

/// The row of the reservation, for engines that number commits on their server.
#[derive(Clone, Debug)]
pub struct Reservation {
    key: OwnedKey,
    max: u64,
}

impl Reservation {
    /// The row in a store that can go on behind numbers of up to `max`.
    #[must_use]
    pub fn up_to(max: u64) -> Self {
        Self {
            key: SystemKeys::of("core").key("sequence"),
            max,
        }
    }

    /// The key of the row.
    #[must_use]
    pub const fn key(&self) -> &OwnedKey {
        &self.key
    }

    /// The number in the row; nothing if no store makes such a row, or it is
    /// beyond the greatest.
    #[must_use]
    pub fn read(&self, value: &[u8]) -> Option<Sequence> {
        let number = u64::from_be_bytes(value.try_into().ok()?);
        (number <= self.max).then(|| Sequence::new(number))
    }

    /// The number behind which `batch`, and what is committed after it, is to be
    /// numbered, if it says so.
    ///
    /// # Errors
    /// `Invalid` for a reservation that no store makes, or beyond the greatest.
    pub fn raised_by(&self, batch: &WriteBatch) -> Result<Option<Sequence>> {
        let reserved = batch.mutations().iter().filter_map(|mutation| {
            let Mutation::Put(put) = mutation else {
                return None;
            };
            (put.key == self.key).then(|| self.read(&put.value).ok_or_else(|| self.refused()))
        });
        let reserved = reserved.collect::<Result<Vec<_>>>()?;
        Ok(reserved.into_iter().max())
    }

    fn refused(&self) -> Error {
        Error::new(
            ErrorKind::Invalid,
            "this reserves no commit sequences that the store could go on behind; leave the key \
             out, or check the store it is copied from",
        )
        .with_outcome(Outcome::NotApplied)
        .with_key(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_reservation_counts_and_none_beyond_is_taken() {
        let reservation = Reservation::up_to(100);
        let reserving = |numbers: &[u64]| {
            let put = |batch: WriteBatch, number: &u64| {
                batch.put(reservation.key.clone(), number.to_be_bytes().to_vec())
            };
            numbers.iter().fold(WriteBatch::new().put("k", "v"), put)
        };
        let raised = |numbers| reservation.raised_by(&reserving(numbers));
        assert_eq!(raised(&[]).unwrap(), None);
        assert_eq!(raised(&[7, 100, 9]).unwrap(), Some(Sequence::new(100)));
        let error = raised(&[7, 101]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        let odd = WriteBatch::new().put(reservation.key.clone(), "odd");
        reservation.raised_by(&odd).unwrap_err();
    }
}
