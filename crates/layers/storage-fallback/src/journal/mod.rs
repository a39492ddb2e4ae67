//! The journal: what was accepted, in the standby, in its order.
//!
//! A standby that outlives the process lets what it holds be written back after
//! the next open. Rows are numbered; the primary keeps the number of the last one
//! that it has, in a row of its own ([`marker`]).

mod codec;

use bytes::Bytes;
use storage_core::{
    Committed, Durability, Error, ErrorKind, KeyRange, Mutation, OwnedKey, Random, ReadExt, Result,
    ScanOptions, SharedStore, Store, SystemKeys, WriteBatch, WriteOptions,
};

use self::codec::Head;
use crate::{NAME, pending::Accepted};

const HEAD: &[u8] = b"journal";
/// What keys of rows begin with, before their number.
const ROW: u8 = b'r';

/// Writes the journal. Whoever has it, alone appends, removes, and writes back.
#[derive(Debug)]
pub(crate) struct Journal {
    standby: SharedStore,
    /// Names the journal in the primary.
    id: [u8; 16],
    /// The number of the last row, written or tried.
    last: u64,
    pub(crate) is_closed: bool,
}

impl Journal {
    /// Opens the journal in `standby`, and says what is pending there.
    ///
    /// # Errors
    /// As for the standby; `Invalid` if what is pending there was accepted for
    /// another primary.
    pub(crate) async fn open(
        standby: SharedStore,
        primary: [u8; 16],
        random: &dyn Random,
    ) -> Result<(Self, Vec<Accepted>)> {
        let pending = rows(&standby).await?;
        let head = match standby.get(&head_key()).await? {
            Some(entry) if !pending.is_empty() => {
                let head = Head::decode(entry.value())?;
                belongs_to(&head, primary, pending.len())?;
                head
            }
            // Numbers begin anew, so the primary counts in another row: in the old
            // one it already has them.
            _ => {
                let mut journal = [0; 16];
                random.fill(&mut journal)?;
                Head { journal, primary }
            }
        };
        let batch = WriteBatch::new().put(head_key(), head.encode());
        standby.commit_with(batch, &WriteOptions::new()).await?;
        let last = pending.last().map_or(0, |accepted| accepted.number);
        let journal = Self {
            standby,
            id: head.journal,
            last,
            is_closed: false,
        };
        Ok((journal, pending))
    }

    /// Appends a commit, which then is as durable as the standby says.
    ///
    /// # Errors
    /// As for the standby.
    pub(crate) async fn append(
        &mut self,
        mutations: &[Mutation],
        durability: Durability,
    ) -> Result<(u64, Committed)> {
        // Whatever becomes of it: nobody knows whether the number is used.
        self.last += 1;
        let batch = WriteBatch::new().put(row_key(self.last), codec::encode(mutations));
        let options = WriteOptions::new().durability(durability);
        let committed = self.standby.commit_with(batch, &options).await?;
        Ok((self.last, committed))
    }

    /// Removes the rows up to this number.
    ///
    /// # Errors
    /// As for the standby. What stays is not written back twice: the primary
    /// knows its number.
    pub(crate) async fn remove_through(&self, number: u64) -> Result<()> {
        let rows = SystemKeys::of(NAME).key([ROW]);
        let range = KeyRange::between(rows.bytes().as_ref()..=row_key(number).bytes().as_ref())
            .in_space(rows.space());
        let batch = WriteBatch::new().delete_range(range);
        let options = WriteOptions::new().durability(self.standby.capabilities().durability_min);
        self.standby.commit_with(batch, &options).await?;
        Ok(())
    }

    /// The key in the primary under which it keeps the number of the last commit
    /// of this journal that it has.
    pub(crate) fn marker(&self) -> OwnedKey {
        SystemKeys::of(NAME).key(self.id)
    }
}

/// The value of a marker.
pub(crate) fn marker_value(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// What [`marker_value`] wrote.
///
/// # Errors
/// `Corrupt` for anything else.
pub(crate) fn marker_number(value: &[u8]) -> Result<u64> {
    let bytes = value.try_into().map_err(|_| {
        Error::new(
            ErrorKind::Corrupt,
            "the row in which the primary counts what was written back is damaged",
        )
    })?;
    Ok(u64::from_be_bytes(bytes))
}

fn belongs_to(head: &Head, primary: [u8; 16], pending: usize) -> Result<()> {
    if head.primary == primary {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "the standby holds {pending} commits that were accepted for another store; \
             open it with that one, or use another standby"
        ),
    ))
}

async fn rows(standby: &SharedStore) -> Result<Vec<Accepted>> {
    let rows = SystemKeys::of(NAME).key([ROW]);
    let prefix_length = rows.bytes().len();
    let range = KeyRange::prefix(rows.bytes().clone()).in_space(rows.space());
    let mut accepted = Vec::new();
    let mut scan = standby.scan(range, ScanOptions::new());
    while let Some(item) = scan.next().await? {
        let number = item.key.get(prefix_length..).unwrap_or_default();
        let number = marker_number(number)?;
        let mutations = codec::decode(item.entry.value())?;
        accepted.push(Accepted { number, mutations });
    }
    Ok(accepted)
}

fn head_key() -> OwnedKey {
    SystemKeys::of(NAME).key(HEAD)
}

fn row_key(number: u64) -> OwnedKey {
    let mut suffix = [ROW; 9];
    if let Some(digits) = suffix.get_mut(1..) {
        digits.copy_from_slice(&number.to_be_bytes());
    }
    SystemKeys::of(NAME).key(suffix)
}
